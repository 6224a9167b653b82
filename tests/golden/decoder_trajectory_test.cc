// Training a tiny decoder follows PyTorch, step by step, on every installed compute backend: with
// AdamW, and with Muon, label smoothing, a schedule with a stable part and gradients accumulated
// over several micro-batches. A moving average of the weights is compared with its formula.
//
// The golden files are made by scripts/decoder_trajectory.py in f64; what is repeated here are its
// closed formulas of initial weights and texts.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cmath>

#include "core/base/strings.h"
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

TrainerOptions MuonOptions() {
  TrainerOptions options = Options();
  v1::TrainSpec& train = options.train;
  train.mutable_optimizer()->set_kind("muon");
  train.mutable_optimizer()->set_muon_lr(0.03);
  train.mutable_optimizer()->set_muon_momentum(0.9);
  train.mutable_schedule()->set_kind("wsd");
  train.mutable_schedule()->set_decay_fraction(0.4);
  train.mutable_batch()->set_micro_tokens(32);
  train.set_label_smoothing(0.1);
  return options;
}

// How near f32 comes: relative for losses and norms, absolute for weights.
struct Tolerance {
  double loss, norm, weight;
};
constexpr Tolerance kAdamW = {1e-5, 1e-4, 2e-5};
// Muon's iteration brings small singular values up by a factor of hundreds, and rounding with them.
constexpr Tolerance kMuon = {1e-4, 1e-3, 1e-3};

class DecoderTrajectoryTest : public TempDirTest {
 protected:
  void SetUp() override {
    ASSERT_OK(data::Tokenize(Texts(), ByteTokenizer(), {.max_seq = 16}, files_, Path("shard")));
  }

  void ReadGolden(const std::string& name) {
    ASSERT_OK_AND_ASSIGN(const std::string json,
                         files_.ReadFile(SourcePath("tests/golden/data/" + name)));
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &golden_).ok());
  }
  const google::protobuf::Value& Golden(const std::string& key) const {
    return golden_.fields().at(key);
  }
  double GoldenAt(const std::string& key, int i) const {
    return Golden(key).list_value().values(i).number_value();
  }

  // A trainer that learns from and is evaluated on the texts.
  std::unique_ptr<Trainer> MakeTrainer(Device& device, const TrainerOptions& options) {
    auto shard = data::Shard::Open(Path("shard"));
    EXPECT_OK(shard);
    auto trainer = Trainer::Create(device, options, *shard, *shard);
    if (absl::IsUnimplemented(trainer.status())) {
      StrAppend(lacking_, trainer.status().message(), "\n");
      return nullptr;
    }
    EXPECT_OK(trainer);
    return trainer.ok() ? *std::move(trainer) : nullptr;
  }
  static void SetInitialWeights(Trainer& trainer) {
    const std::vector<Parameter>& parameters = trainer.weights()->layout().parameters();
    for (size_t i = 0; i < parameters.size(); ++i) {
      ASSERT_OK(trainer.weights()->Set(parameters[i].name, InitialValues(i, parameters[i])));
    }
  }

  void Follow(const std::string& backend, const TrainerOptions& options,
              const Tolerance& tolerance) {
    SCOPED_TRACE(backend + (options.fuse ? ", fused" : ", unfused"));
    ASSERT_OK_AND_ASSIGN(auto device, Device::Open({.backend = backend}));
    const std::unique_ptr<Trainer> trainer = MakeTrainer(*device, options);
    if (trainer == nullptr) return;  // said, or in lacking_
    ASSERT_NO_FATAL_FAILURE(SetInitialWeights(*trainer));
    ASSERT_EQ(Golden("losses").list_value().values_size(), 30);
    for (int step = 0; step < 30; ++step) {
      ASSERT_OK_AND_ASSIGN(const StepResult result, trainer->Step());
      const double loss = GoldenAt("losses", step), norm = GoldenAt("gradient_norms", step);
      EXPECT_NEAR(result.loss, loss, tolerance.loss * loss) << "step " << step;
      EXPECT_NEAR(result.gradient_norm, norm, tolerance.norm * norm) << "step " << step;
    }
    for (const auto& [name, values] : Golden("weights").struct_value().fields()) {
      ASSERT_OK_AND_ASSIGN(const std::vector<float> got, trainer->weights()->Get(name));
      for (int k = 0; k < values.list_value().values_size(); ++k) {
        EXPECT_NEAR(got[static_cast<size_t>(k)], values.list_value().values(k).number_value(),
                    tolerance.weight)
            << name << "[" << k << "]";
      }
    }
  }

  static std::vector<std::string> OtherBackends() {
    std::vector<std::string> names;
    for (const v1::BackendInfo& backend : ProbeBackends()) {
      if (backend.available() && backend.name() != "mock" && backend.name() != "reference") {
        names.push_back(backend.name());
      }
    }
    return names;
  }

  google::protobuf::Struct golden_;
  std::string lacking_;  // operations that a backend does not have
};

TEST_F(DecoderTrajectoryTest, ReferenceFollowsPyTorch) {
  ReadGolden("decoder_trajectory.json");
  TrainerOptions options = Options();
  Follow("reference", options, kAdamW);
  options.fuse = false;
  Follow("reference", options, kAdamW);
}

TEST_F(DecoderTrajectoryTest, EveryOtherBackendFollowsPyTorch) {
  ReadGolden("decoder_trajectory.json");
  for (const std::string& backend : OtherBackends()) Follow(backend, Options(), kAdamW);
}

TEST_F(DecoderTrajectoryTest, MuonFollowsPyTorch) {
  ReadGolden("muon_trajectory.json");
  Follow("reference", MuonOptions(), kMuon);
  EXPECT_EQ(lacking_, "");
  for (const std::string& backend : OtherBackends()) Follow(backend, MuonOptions(), kMuon);
  if (!lacking_.empty()) GTEST_SKIP() << lacking_;
}

// Of two trainings that differ in averaging only, one shows the weights, the other their average.
TEST_F(DecoderTrajectoryTest, TheAverageIsOfTheWeightsOfEveryStep) {
  ASSERT_OK_AND_ASSIGN(auto device, Device::Open({.backend = "reference"}));
  TrainerOptions options = Options();
  const std::unique_ptr<Trainer> plain = MakeTrainer(*device, options);
  options.train.set_ema_decay(0.8);
  const std::unique_ptr<Trainer> averaging = MakeTrainer(*device, options);
  ASSERT_NE(plain, nullptr);
  ASSERT_NE(averaging, nullptr);
  const std::string name = "blocks.1.ffn.up.weight";
  ASSERT_OK_AND_ASSIGN(std::vector<float> weights, plain->weights()->Get(name));
  std::vector<double> average(weights.begin(), weights.end());
  for (int step = 0; step < 30; ++step) {
    ASSERT_OK(plain->Step());
    ASSERT_OK(averaging->Step());
    ASSERT_OK_AND_ASSIGN(weights, plain->weights()->Get(name));
    const double decay = std::min(0.8, (step + 2.0) / (step + 11.0));
    for (size_t k = 0; k < weights.size(); ++k) {
      average[k] = decay * average[k] + (1 - decay) * static_cast<double>(weights[k]);
    }
    ASSERT_OK_AND_ASSIGN(const std::vector<float> got, averaging->weights()->Get(name));
    for (size_t k = 0; k < got.size(); ++k) EXPECT_NEAR(got[k], average[k], 1e-6) << step;
  }
  ASSERT_OK_AND_ASSIGN(const EvaluateResult live, plain->Evaluate(0));
  ASSERT_OK_AND_ASSIGN(const EvaluateResult averaged, averaging->Evaluate(0));
  EXPECT_NE(live.loss, averaged.loss);
}

}  // namespace
}  // namespace shoal::engine
