// A small order: one short text, a tokenizer without merges.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "core/data/tokenizer/tokenizer.h"
#include "core/spec/spec.h"
#include "shoal/v1/runner.pb.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "worker/runner/job_io.h"

namespace shoal::runner {

class RunnerTest : public TempDirTest, public FrameSink {
 protected:
  void Send(const v1::AgentFrame& frame) override { frames_.push_back(frame); }

  v1::AttemptOrder Order(int64_t steps, const std::string& script) {
    std::string text;
    for (int i = 0; i < 40; ++i) StrAppend(text, "{\"text\": \"wave ", i, " of the sea\"}\n");
    data::BpeTrainer trainer({.vocab_size = 259});
    v1::AttemptOrder order;
    order.set_run_id("run");
    order.set_job_id("job");
    order.set_attempt_number(1);
    order.set_kind(v1::JOB_KIND_TRAIN);
    AddFile(order, v1::BINDING_ROLE_TRAIN, "text.jsonl", text);
    AddFile(order, v1::BINDING_ROLE_TOKENIZER, "tokenizer.json", trainer.Train().value().ToJson());
    order.set_work_dir(dir());
    order.set_cache_dir(Path("cache"));
    v1::RunSpec& spec = *order.mutable_spec();
    spec.mutable_model()->set_n_layers(1);
    spec.mutable_model()->set_d_model(8);
    spec.mutable_model()->set_n_heads(1);
    spec.mutable_model()->set_max_seq(16);
    spec.mutable_data()->set_train("text.jsonl");
    spec.mutable_train()->set_steps(steps);
    spec.mutable_train()->set_dtype("f32");
    spec.mutable_train()->mutable_batch()->set_size(2);
    spec.mutable_resources()->set_backend("mock");
    spec.mutable_resources()->set_backend_options(script);
    spec::FillDefaults(spec);
    return order;
  }

  void AddFile(v1::AttemptOrder& order, v1::BindingRole role, const std::string& name,
               const std::string& bytes) {
    EXPECT_OK(files_.WriteFileAtomic(Path(name), bytes));
    v1::LocalFile& file = *order.add_files();
    file.set_role(role);
    file.set_path(Path(name));
    file.set_sha256(Sha256Of(bytes).Hex());
    file.set_file_name(name);
  }

  std::vector<v1::AgentFrame> frames_;
};

}  // namespace shoal::runner
