#include "tests/unit/cli_analysis/made_runs.h"

#include "core/base/strings.h"
#include "core/spec/spec.h"

namespace shoal {
namespace {

void Bind(v1::RunDetail& detail, v1::BindingRole role, const char* file_name) {
  v1::DataBinding& binding = *detail.add_bindings();
  binding.set_role(role);
  binding.set_sha256(std::string(64, 'a'));
  binding.set_file_name(file_name);
}

}  // namespace

v1::RunDetail MadeRun(int layers, uint64_t seed, double loss) {
  v1::RunDetail detail;
  v1::RunSpec& spec = *detail.mutable_spec();
  spec.mutable_model()->set_n_layers(layers);
  spec.mutable_data()->set_train("data/a.jsonl");
  spec.set_seed(seed);
  spec.set_name(StrCat("tiny-L", layers, "-s", seed));
  spec::FillDefaults(spec);
  Bind(detail, v1::BINDING_ROLE_TRAIN, "a.jsonl");
  Bind(detail, v1::BINDING_ROLE_HELD_OUT, "held.jsonl");
  Bind(detail, v1::BINDING_ROLE_TOKENIZER, "tokenizer.json");
  v1::Run& run = *detail.mutable_run();
  run.set_name(spec.name());
  run.set_run_id(StrCat("run-", spec.name()));
  run.set_status(v1::RUN_STATUS_SUCCEEDED);
  run.set_step(100);
  run.set_total_steps(100);
  run.set_parameters(1000 * layers);
  run.set_train_flops(1e9 * layers);
  run.mutable_started_at()->set_seconds(1000);
  run.mutable_finished_at()->set_seconds(1010);
  SetMetric(detail, "held_out/loss", loss);
  SetMetric(detail, "train/tokens", 5000);
  SetMetric(detail, "train/tokens_per_s", 500);
  return detail;
}

void Rebind(v1::RunDetail& detail, v1::BindingRole role, char digit) {
  for (v1::DataBinding& binding : *detail.mutable_bindings()) {
    if (binding.role() == role) binding.set_sha256(std::string(64, digit));
  }
}

void SetMetric(v1::RunDetail& detail, const std::string& name, double value) {
  v1::MetricSummary& summary = (*detail.mutable_run()->mutable_metrics())[name];
  summary.set_last(value);
  summary.set_last_step(100);
  summary.set_min(value);
  summary.set_max(value);
  summary.set_mean(value);
  summary.set_count(5);
}

}  // namespace shoal
