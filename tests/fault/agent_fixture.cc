#include "tests/fault/agent_fixture.h"

#include <unistd.h>

#include <cstdlib>

#include "core/base/ids.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "core/data/tokenizer/tokenizer.h"
#include "core/spec/spec.h"
#include "tests/support/paths.h"

namespace shoal::fault {
namespace {

std::string TrainingText() {
  std::string text;
  for (int i = 0; i < 60; ++i) {
    StrAppend(text, "{\"text\": \"the otter counts ", i, " shells and ", i * 7 % 13,
              " stones\"}\n");
  }
  return text;
}

void Bind(v1::Assignment& assignment, v1::BindingRole role, const std::string& sha256,
          const std::string& name) {
  v1::DataBinding& binding = *assignment.add_bindings();
  binding.set_role(role);
  binding.set_sha256(sha256);
  binding.set_file_name(name);
}

}  // namespace

FakeCoordinator::Key KeyOf(const v1::Assignment& assignment) {
  return {assignment.key().job_id(), assignment.key().attempt_number()};
}

void AgentTest::StartCoordinator(absl::Duration lease) {
  coordinator_ = std::make_unique<FakeCoordinator>(Path("lab.sock"), lease);
  text_sha256_ = coordinator_->AddArtifact(TrainingText());
  data::BpeTrainerOptions tokenizer_options;
  tokenizer_options.vocab_size = 259;
  data::BpeTrainer trainer(tokenizer_options);
  trainer.AddText("otter");
  ASSERT_OK_AND_ASSIGN(const data::Tokenizer tokenizer, trainer.Train());
  tokenizer_sha256_ = coordinator_->AddArtifact(tokenizer.ToJson());
  coordinator_->ComeUp();
  options_.coordinator.target = coordinator_->target();
  options_.name = "nora";
  options_.worker_dir = Path("worker");
  options_.slots = 2;
  options_.runner_path = BuildPath("bin/shoal-runner");
  options_.cancel_grace = absl::Seconds(2);
}

void AgentTest::StartAgent() { ASSERT_OK_AND_ASSIGN(agent_, agent::Agent::Start(options_)); }

void AgentTest::TearDown() {
  agent_.reset();
  if (coordinator_ == nullptr) return;
  coordinator_->GoAway();
  EXPECT_THAT(coordinator_->broken, testing::IsEmpty());
}

v1::Assignment AgentTest::Job(int number, int attempt, int64_t steps, const std::string& backend,
                              const std::string& script) {
  v1::Assignment assignment;
  assignment.mutable_key()->set_job_id(
      JobId::Make(absl::UnixEpoch(), static_cast<uint64_t>(number)).str());
  assignment.mutable_key()->set_attempt_number(attempt);
  assignment.set_run_id(RunId::Make(absl::UnixEpoch(), static_cast<uint64_t>(number)).str());
  assignment.set_run_name(StrCat("run-", number));
  assignment.set_kind(v1::JOB_KIND_TRAIN);
  assignment.set_slots(1);
  v1::RunSpec& spec = *assignment.mutable_spec();
  spec.mutable_model()->set_n_layers(1);
  spec.mutable_model()->set_d_model(16);
  spec.mutable_model()->set_n_heads(2);
  spec.mutable_model()->set_max_seq(32);
  spec.mutable_data()->set_train("text.jsonl");
  spec.mutable_train()->set_steps(steps);
  spec.mutable_train()->set_dtype("f32");
  spec.mutable_train()->set_log_every(2);
  spec.mutable_train()->mutable_batch()->set_size(4);
  spec.mutable_train()->mutable_schedule()->set_warmup_steps(1);
  spec.mutable_evaluate()->set_every(1000);
  spec.mutable_checkpoint()->set_every(4);
  spec.mutable_resources()->set_backend(backend);
  spec.mutable_resources()->set_backend_options(script);
  spec::FillDefaults(spec);
  Bind(assignment, v1::BINDING_ROLE_TRAIN, text_sha256_, "text.jsonl");
  Bind(assignment, v1::BINDING_ROLE_TOKENIZER, tokenizer_sha256_, "tokenizer.json");
  return assignment;
}

Recorded AgentTest::AwaitEnd(const Key& key) {
  EXPECT_TRUE(coordinator_->Await([&] {
    return coordinator_->recorded[key].finished() != nullptr;
  })) << "attempt "
      << key.second << " does not end";
  Recorded copy;
  coordinator_->Await([&] {
    copy = coordinator_->recorded[key];
    return true;
  });
  if (copy.finished() == nullptr)
    copy.items.emplace_back().mutable_finished();  // so that the test fails, not crashes
  return copy;
}

void AgentTest::AwaitCheckpoint(const Key& key, int64_t step) {
  EXPECT_TRUE(coordinator_->Await([&] {
    const auto checkpoints = coordinator_->recorded[key].Checkpoints();
    return !checkpoints.empty() && checkpoints.back().step() >= step;
  }));
}

void AgentTest::AwaitStep(const Key& key, int64_t step) {
  EXPECT_TRUE(coordinator_->Await(
      [&] { return coordinator_->held.contains(key) && coordinator_->held[key].step() >= step; }));
}

std::vector<int> AgentTest::RunnerPids(const Key& key) const {
  RealFileSystem files;
  std::vector<int> pids;
  const std::string log =
      WorkerPath(StrCat("attempts/", key.first, "-", key.second, "/runner.log"));
  for (const std::string& name : files.ListDir("/proc").value_or(std::vector<std::string>())) {
    const int pid = std::atoi(name.c_str());
    if (pid <= 0) continue;
    char target[4096] = {};
    if (readlink(StrCat("/proc/", pid, "/fd/2").c_str(), target, sizeof target - 1) > 0 &&
        log == target) {
      pids.push_back(pid);
    }
  }
  return pids;
}

}  // namespace shoal::fault
