// Training a tiny decoder follows PyTorch, step by step, on every installed compute backend.
//
// The golden file is made by scripts/decoder_trajectory.py in f64; what is repeated here are its
// closed formulas of initial weights and texts.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cmath>

#include "core/data/conversation.h"
#include "core/spec/spec.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "worker/engine/backend/loader.h"
#include "worker/engine/train/trainer.h"

namespace shoal::engine {
namespace {

constexpr int kTexts = 6;

data::Tokenizer ByteTokenizer() {
  data::TokenizerParts parts;
  for (std::string_view special : {data::kPadToken, data::kStartToken, data::kEndToken}) {
    parts.added.push_back({static_cast<int32_t>(parts.tokens.size()), std::string(special)});
    parts.tokens.emplace_back(std::string(special));
  }
  for (int byte = 0; byte < 256; ++byte) {
    parts.tokens.emplace_back(std::string(1, static_cast<char>(byte)));
  }
  return *data::Tokenizer::FromParts(std::move(parts));
}

std::vector<data::Example> Texts() {
  std::vector<data::Example> examples;
  for (int e = 0; e < kTexts; ++e) {
    std::string text;
    for (int j = 0; j < 6 + 2 * e; ++j) {
      text += static_cast<char>('a' + (3 * e + 5 * j * j + e * j) % 26);
    }
    examples.push_back(data::ExampleFromText(text));
  }
  return examples;
}

std::vector<float> InitialValues(size_t index, const Parameter& parameter) {
  const bool is_norm = parameter.name.find("norm") != std::string::npos;
  const double base = is_norm && parameter.name.ends_with("weight") ? 1.0 : 0.0;
  const double i = static_cast<double>(index);
  std::vector<float> values;
  for (int64_t k = 0; k < parameter.elements(); ++k) {
    const double angle = 0.37 * static_cast<double>(k + 1) * (1 + 0.01 * i) + i;
    values.push_back(static_cast<float>(base + 0.1 * std::sin(angle)));
  }
  return values;
}

TrainerOptions Options() {
  TrainerOptions options;
  options.model.set_n_layers(2);
  options.model.set_d_model(16);
  options.model.set_n_heads(2);
  options.model.set_d_ff(24);
  options.model.set_max_seq(16);
  options.model.mutable_dropout();
  options.vocab_size = 259;
  options.train.set_steps(30);
  options.train.mutable_batch()->set_size(kTexts);
  options.train.mutable_optimizer()->set_lr(0.01);
  options.train.mutable_schedule()->set_warmup_steps(5);
  options.train.mutable_schedule()->set_final_lr(0.001);
  options.train.set_dtype("f32");
  spec::FillDefaults(options.model);
  spec::FillDefaults(options.train);
  return options;
}

class DecoderTrajectoryTest : public TempDirTest {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(const std::string json,
                         files_.ReadFile(SourcePath("tests/golden/data/decoder_trajectory.json")));
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &golden_).ok());
    ASSERT_OK(data::Tokenize(Texts(), ByteTokenizer(), {.max_seq = 16}, files_, Path("shard")));
  }

  const google::protobuf::Value& Golden(const std::string& key) const {
    return golden_.fields().at(key);
  }
  double GoldenAt(const std::string& key, int i) const {
    return Golden(key).list_value().values(i).number_value();
  }

  void Follow(const std::string& backend, bool fuse) {
    ASSERT_OK_AND_ASSIGN(auto device, Device::Open({.backend = backend}));
    ASSERT_OK_AND_ASSIGN(data::Shard shard, data::Shard::Open(Path("shard")));
    TrainerOptions options = Options();
    options.fuse = fuse;
    ASSERT_OK_AND_ASSIGN(auto trainer,
                         Trainer::Create(*device, options, std::move(shard), std::nullopt));
    const std::vector<Parameter>& parameters = trainer->weights()->layout().parameters();
    for (size_t i = 0; i < parameters.size(); ++i) {
      ASSERT_OK(trainer->weights()->Set(parameters[i].name, InitialValues(i, parameters[i])));
    }
    ASSERT_EQ(Golden("losses").list_value().values_size(), 30);
    for (int step = 0; step < 30; ++step) {
      ASSERT_OK_AND_ASSIGN(const StepResult result, trainer->Step());
      const double loss = GoldenAt("losses", step), norm = GoldenAt("gradient_norms", step);
      EXPECT_NEAR(result.loss, loss, 1e-5 * loss) << backend << " step " << step;
      EXPECT_NEAR(result.gradient_norm, norm, 1e-4 * norm) << backend << " step " << step;
    }
    for (const auto& [name, values] : Golden("weights").struct_value().fields()) {
      ASSERT_OK_AND_ASSIGN(const std::vector<float> got, trainer->weights()->Get(name));
      for (int k = 0; k < values.list_value().values_size(); ++k) {
        EXPECT_NEAR(got[static_cast<size_t>(k)], values.list_value().values(k).number_value(), 2e-5)
            << backend << " " << name << "[" << k << "]";
      }
    }
  }

  google::protobuf::Struct golden_;
};

TEST_F(DecoderTrajectoryTest, ReferenceFollowsPyTorch) {
  Follow("reference", true);
  Follow("reference", false);
}

TEST_F(DecoderTrajectoryTest, EveryOtherBackendFollowsPyTorch) {
  for (const v1::BackendInfo& backend : ProbeBackends()) {
    if (backend.available() && backend.name() != "mock") Follow(backend.name(), true);
  }
}

}  // namespace
}  // namespace shoal::engine
