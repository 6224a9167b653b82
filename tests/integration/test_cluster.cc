#include "tests/integration/test_cluster.h"

#include <map>

#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/run_status.h"

namespace shoal {

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

std::unique_ptr<grpc::ClientContext> NewContext() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(50));
  context->set_wait_for_ready(true);
  return context;
}

TestCluster::TestCluster() {
  absl::StatusOr<TempDir> dir = TempDir::Make("", "shoal-cluster-");
  SHOAL_CHECK(dir.ok(), dir.status().ToString());
  dir_.emplace(*std::move(dir));
  options_.data_dir = dir_->File("data");
  options_.socket_path = dir_->File("run/sock");
  options_.lease = absl::Seconds(2);
}

TestCluster::~TestCluster() { Stop(); }

std::shared_ptr<grpc::Channel> TestCluster::NewChannel() const {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(StrCat("unix:", options_.socket_path),
                                   grpc::InsecureChannelCredentials(), arguments);
}

absl::Status TestCluster::Start() {
  SHOAL_ASSIGN_OR_RETURN(coordinator_, Coordinator::Start(options_));
  const std::shared_ptr<grpc::Channel> channel = NewChannel();
  lab_ = v1::LabService::NewStub(channel);
  worker_ = v1::WorkerService::NewStub(channel);
  artifacts_ = v1::ArtifactService::NewStub(channel);
  return absl::OkStatus();
}

void TestCluster::Stop() { coordinator_.reset(); }

absl::Status TestCluster::Restart() {
  Stop();
  return Start();
}

absl::StatusOr<v1::ArtifactRef> TestCluster::Upload(const std::string& bytes) {
  v1::ArtifactRef artifact;
  artifact.set_sha256(Sha256Of(bytes).Hex());
  artifact.set_size_bytes(static_cast<int64_t>(bytes.size()));
  auto context = NewContext();
  v1::PutArtifactResponse response;
  auto writer = artifacts_->Put(context.get(), &response);
  v1::PutArtifactRequest request;
  *request.mutable_expected() = artifact;
  bool open = writer->Write(request);
  request.set_data(bytes);
  if (open) open = writer->Write(request);
  writer->WritesDone();
  SHOAL_RETURN_IF_ERROR(FromGrpc(writer->Finish()));
  return artifact;
}

absl::StatusOr<v1::SubmitRunRequest> TestCluster::NewRequest(const std::string& name) {
  SHOAL_ASSIGN_OR_RETURN(const v1::ArtifactRef text, Upload("{\"text\":\"hello\"}\n"));
  SHOAL_ASSIGN_OR_RETURN(const v1::ArtifactRef tokenizer, Upload("{\"model\":{}}"));
  v1::SubmitRunRequest request;
  request.set_request_id(
      StrCat("request-", name, "-", Sha256Of(StrCat(reinterpret_cast<uintptr_t>(this))).Hex()));
  request.mutable_spec()->set_name(name);
  request.mutable_spec()->mutable_data()->set_train("train.jsonl");
  request.mutable_spec()->mutable_train()->set_steps(100);
  request.mutable_spec()->mutable_resources()->set_backend("mock");  // never chosen by itself
  request.mutable_submitter()->set_user("ada");
  request.mutable_submitter()->set_host("laptop");
  const auto bind = [&](v1::BindingRole role, const v1::ArtifactRef& artifact, const char* file) {
    v1::DataBinding& binding = *request.add_bindings();
    binding.set_role(role);
    binding.set_sha256(artifact.sha256());
    binding.set_size_bytes(artifact.size_bytes());
    binding.set_file_name(file);
  };
  bind(v1::BINDING_ROLE_TRAIN, text, "train.jsonl");
  bind(v1::BINDING_ROLE_TOKENIZER, tokenizer, "tokenizer.json");
  request.set_parameters(12345);
  return request;
}

absl::StatusOr<v1::Run> TestCluster::Submit(const std::string& name) {
  SHOAL_ASSIGN_OR_RETURN(const v1::SubmitRunRequest request, NewRequest(name));
  v1::SubmitRunResponse response;
  SHOAL_RETURN_IF_ERROR(FromGrpc(lab_->SubmitRun(NewContext().get(), request, &response)));
  return response.run();
}

absl::StatusOr<v1::RunDetail> TestCluster::GetDetail(const std::string& selector) {
  v1::GetRunRequest request;
  request.set_run(selector);
  v1::RunDetail detail;
  SHOAL_RETURN_IF_ERROR(FromGrpc(lab_->GetRun(NewContext().get(), request, &detail)));
  return detail;
}

absl::StatusOr<v1::Run> TestCluster::GetRun(const std::string& selector) {
  SHOAL_ASSIGN_OR_RETURN(const v1::RunDetail detail, GetDetail(selector));
  return detail.run();
}

absl::StatusOr<std::vector<int64_t>> TestCluster::Steps(const std::string& run,
                                                        const std::string& series, bool all) {
  v1::GetSeriesRequest request;
  request.set_run(run);
  request.add_series(series);
  request.set_include_superseded(all);
  const auto context = NewContext();
  const auto reader = lab_->GetSeries(context.get(), request);
  std::vector<int64_t> steps;
  for (v1::GetSeriesResponse response; reader->Read(&response);) {
    for (const v1::SeriesPoints& one : response.series()) {
      for (const v1::MetricPoint& point : one.points()) steps.push_back(point.step());
    }
  }
  SHOAL_RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  return steps;
}

absl::StatusOr<v1::Run> TestCluster::WaitUntilFinished(const std::string& selector) {
  v1::WatchRequest request;
  request.add_targets(selector);
  request.set_until_finished(true);
  auto context = NewContext();
  auto reader = lab_->Watch(context.get(), request);
  v1::WatchResponse response;
  v1::Run last;
  while (reader->Read(&response)) {
    if (response.has_run()) last = response.run();
  }
  SHOAL_RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  if (!spec::IsFinal(last.status())) return absl::InternalError("Watch ended before its run had");
  return last;
}

ScriptedWorker::ScriptedWorker(TestCluster& cluster, std::string name, std::string instance,
                               int slots)
    : cluster_(cluster), name_(std::move(name)), instance_(std::move(instance)), slots_(slots) {}

absl::Status ScriptedWorker::Register() {
  v1::RegisterRequest request;
  request.set_worker_name(name_);
  request.set_instance_id(instance_);
  request.set_slots(slots_);
  request.set_protocol_version(1);
  request.mutable_host()->set_host("testhost");
  request.mutable_host()->set_isa("test");
  request.mutable_host()->set_memory_bytes(int64_t{8} << 30);
  v1::BackendInfo& backend = *request.add_backends();
  backend.set_name("mock");
  backend.set_available(true);
  backend.set_device_count(1);
  backend.set_numerics_version(1);
  v1::RegisterResponse response;
  SHOAL_RETURN_IF_ERROR(
      FromGrpc(cluster_.worker_stub().Register(NewContext().get(), request, &response)));
  worker_id_ = response.worker_id();
  return absl::OkStatus();
}

absl::StatusOr<v1::SynchronizeResponse> ScriptedWorker::Synchronize(absl::Duration max_wait) {
  v1::SynchronizeRequest request;
  request.set_worker_id(worker_id_);
  request.set_instance_id(instance_);
  for (const v1::HeldAttempt& held : held_) *request.add_held() = held;
  request.mutable_max_wait()->set_seconds(absl::ToInt64Seconds(max_wait));
  v1::SynchronizeResponse response;
  SHOAL_RETURN_IF_ERROR(
      FromGrpc(cluster_.worker_stub().Synchronize(NewContext().get(), request, &response)));
  for (const v1::Assignment& assignment : response.start()) {
    v1::HeldAttempt& held = held_.emplace_back();
    *held.mutable_key() = assignment.key();
    held.set_state(v1::ATTEMPT_STATE_LEASED);
  }
  for (const v1::StopOrder& stop : response.stop()) {
    if (stop.kind() != v1::StopOrder::KIND_KILL) continue;
    std::erase_if(held_, [&](const v1::HeldAttempt& held) {
      return held.key().job_id() == stop.key().job_id() &&
             held.key().attempt_number() == stop.key().attempt_number();
    });
  }
  return response;
}

absl::StatusOr<v1::Assignment> ScriptedWorker::WaitForAssignment() {
  for (int i = 0; i < 40; ++i) {
    SHOAL_ASSIGN_OR_RETURN(const v1::SynchronizeResponse response, Synchronize(absl::Seconds(1)));
    if (response.start_size() > 0) return response.start(0);
  }
  return absl::DeadlineExceededError("no assignment came");
}

absl::StatusOr<int64_t> ScriptedWorker::ReportAt(const v1::AttemptKey& key, int64_t first,
                                                 const std::vector<v1::ReportItem>& items) {
  v1::ReportRequest request;
  request.set_worker_id(worker_id_);
  request.set_instance_id(instance_);
  *request.mutable_key() = key;
  request.set_first_sequence(first);
  for (const v1::ReportItem& item : items) *request.add_items() = item;
  v1::ReportResponse response;
  SHOAL_RETURN_IF_ERROR(
      FromGrpc(cluster_.worker_stub().Report(NewContext().get(), request, &response)));
  return response.acknowledged();
}

absl::StatusOr<int64_t> ScriptedWorker::Report(const v1::AttemptKey& key,
                                               const std::vector<v1::ReportItem>& items) {
  int64_t& next = next_sequence_.try_emplace({key.job_id(), key.attempt_number()}, 1).first->second;
  SHOAL_ASSIGN_OR_RETURN(const int64_t acknowledged, ReportAt(key, next, items));
  next += static_cast<int64_t>(items.size());
  if (!items.empty() && items.back().has_finished()) {
    std::erase_if(held_,
                  [&](const v1::HeldAttempt& held) { return held.key().job_id() == key.job_id(); });
  }
  return acknowledged;
}

absl::Status ScriptedWorker::RunToEnd(const v1::Assignment& assignment, int64_t from,
                                      int64_t steps) {
  const std::string tag = StrCat(assignment.run_id(), "/", from + steps);
  SHOAL_ASSIGN_OR_RETURN(const v1::ArtifactRef state, cluster_.Upload("state " + tag));
  SHOAL_ASSIGN_OR_RETURN(const v1::ArtifactRef weights, cluster_.Upload("weights " + tag));
  return Report(assignment.key(),
                {StartedItem(from), PointsItem("train/loss", from + 1, steps), LogItem("trained"),
                 CheckpointItem(v1::CHECKPOINT_KIND_RESUMABLE, from + steps, state),
                 CheckpointItem(v1::CHECKPOINT_KIND_WEIGHTS, from + steps, weights),
                 FinishedItem(v1::ATTEMPT_STATE_SUCCEEDED, from + steps)})
      .status();
}

v1::ReportItem StartedItem(int64_t resumed_from_step) {
  v1::ReportItem item;
  v1::NumericsClass& numerics = *item.mutable_started()->mutable_numerics();
  numerics.set_backend("mock");
  numerics.set_numerics_version(1);
  numerics.set_isa("test");
  numerics.set_dtype("f32");
  numerics.set_threads(1);
  item.mutable_started()->set_resumed_from_step(resumed_from_step);
  return item;
}

v1::ReportItem PointsItem(const std::string& series, int64_t first_step, int64_t count,
                          double first_value) {
  v1::ReportItem item;
  item.mutable_points()->set_series(series);
  for (int64_t i = 0; i < count; ++i) {
    v1::MetricPoint& point = *item.mutable_points()->add_points();
    point.set_step(first_step + i);
    point.set_value(first_value / static_cast<double>(first_step + i));
    point.set_wall_time_us(1700000000000000 + (first_step + i) * 1000);
  }
  return item;
}

v1::ReportItem LogItem(const std::string& text) {
  v1::ReportItem item;
  item.mutable_log()->set_level("info");
  item.mutable_log()->set_text(text);
  item.mutable_log()->set_wall_time_us(1700000000000000);
  return item;
}

v1::ReportItem CheckpointItem(v1::CheckpointKind kind, int64_t step,
                              const v1::ArtifactRef& artifact) {
  v1::ReportItem item;
  item.mutable_checkpoint()->set_kind(kind);
  item.mutable_checkpoint()->set_step(step);
  *item.mutable_checkpoint()->mutable_artifact() = artifact;
  item.mutable_checkpoint()->set_held_out_loss(1.5);
  return item;
}

v1::ReportItem FinishedItem(v1::AttemptState state, int64_t step) {
  v1::ReportItem item;
  item.mutable_finished()->set_state(state);
  item.mutable_finished()->set_step(step);
  return item;
}

}  // namespace shoal
