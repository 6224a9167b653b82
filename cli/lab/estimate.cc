#include "cli/lab/estimate.h"

#include <google/protobuf/struct.pb.h>

#include "core/base/file.h"
#include "core/base/host_info.h"
#include "core/base/install_paths.h"
#include "core/base/status.h"
#include "core/base/subprocess.h"
#include "core/spec/run_schedule.h"
#include "google/protobuf/util/json_util.h"
#include "shoal/v1/runner.pb.h"

namespace shoal::cli {
namespace {

double Number(const google::protobuf::Struct& json, const std::string& key) {
  const auto at = json.fields().find(key);
  return at == json.fields().end() ? 0 : at->second.number_value();
}

v1::AttemptOrder OrderFor(const v1::RunSpec& spec, const PreparedData& data,
                          const std::string& work_dir, const std::string& cache_dir) {
  v1::AttemptOrder order;
  order.set_run_id("measure");
  order.set_run_name(spec.name());
  order.set_job_id("measure");
  order.set_attempt_number(1);
  order.set_kind(v1::JOB_KIND_TRAIN);
  *order.mutable_spec() = spec;
  for (const PreparedFile& file : data.files) {
    v1::LocalFile* local = order.add_files();
    local->set_role(file.binding.role());
    local->set_path(file.path);
    local->set_sha256(file.binding.sha256());
    local->set_file_name(file.binding.file_name());
  }
  order.set_work_dir(work_dir);
  order.set_cache_dir(cache_dir);
  return order;
}

}  // namespace

absl::StatusOr<double> MeasureSeconds(const v1::RunSpec& spec, const PreparedData& data,
                                      const std::string& data_dir) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
  SHOAL_ASSIGN_OR_RETURN(const TempDir temp, TempDir::Make("", "shoal-measure-"));
  const std::string cache = JoinPath(data_dir, "prepared/shards");
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(cache, 0700));
  std::string json;
  const auto written =
      google::protobuf::util::MessageToJsonString(OrderFor(spec, data, temp.path(), cache), &json);
  if (!written.ok())
    return absl::InternalError(StrCat("writing the order: ", std::string(written.message())));
  const std::string order = temp.File("order.json");
  SHOAL_RETURN_IF_ERROR(files.WriteFileAtomic(order, json));

  SubprocessOptions run;
  run.args = {paths.Program("shoal-runner"), "--attempt", order, "--measure"};
  run.environment = {{"OMP_NUM_THREADS", StrCat(spec.resources().threads())},
                     {"OMP_WAIT_POLICY", "passive"}};
  SHOAL_ASSIGN_OR_RETURN(const CapturedRun done, RunAndCapture(run, absl::Minutes(2)));
  if (!done.exit.ok()) {
    return absl::InternalError(StrCat("shoal-runner ", done.exit.ToString(), ": ", done.err));
  }
  google::protobuf::Struct result;
  const size_t begin = done.out.rfind('{');
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      begin == std::string::npos ? std::string() : done.out.substr(begin), &result);
  if (!parsed.ok()) return absl::InternalError(StrCat("shoal-runner answered '", done.out, "'"));
  const spec::RunEvents events = spec::CountEvents(spec, data.held_out_examples);
  const auto cost = [&](const char* key, int64_t times) {
    return Number(result, key) * static_cast<double>(times);
  };
  return cost("setup_seconds", 1) + cost("step_seconds", spec.train().steps()) +
         cost("evaluate_seconds_per_example", events.evaluated_examples) +
         cost("sample_seconds", events.sample_sets) +
         cost("checkpoint_seconds", events.checkpoints) + cost("weights_seconds", events.weights);
}

}  // namespace shoal::cli
