// Gradients of the recorded backward against finite differences, in f64 on the reference backend.
#include <cmath>
#include <cstring>

#include "core/base/random.h"
#include "tests/unit/worker_engine/engine_fixture.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/program/planner.h"
#include "worker/engine/train/train_programs.h"

namespace shoal::engine {
namespace {

// Two packed sequences of 3 and 4 rows through the accumulate program in f64.
class F64Model {
 public:
  static constexpr int64_t kRows = 7, kSequences = 2, kSelected = 3, kVocab = 7;

  F64Model(Device& device, const v1::ModelSpec& spec, const v1::TrainSpec& train, bool fuse)
      : model_(spec, kVocab, spec.head() == "classifier" ? 3 : 0), layout_(model_.Parameters()) {
    Init(device, train, fuse);
  }

  void Init(Device& device, const v1::TrainSpec& train, bool fuse) {
    ASSERT_OK_AND_ASSIGN(weights_, Weights::Create(device, layout_, Dtype::kF64));
    Random random(3, PurposeOf(Purpose::kTest));
    for (const Parameter& parameter : layout_.parameters()) {  // nothing at a special point
      std::vector<float> values(static_cast<size_t>(parameter.elements()));
      for (float& value : values) {
        value = static_cast<float>(parameter.init.kind == Initialization::Kind::kConstant
                                       ? parameter.init.value
                                       : 0) +
                0.3F * random.Normal();
      }
      ASSERT_OK(weights_->Set(parameter.name, values));
    }
    const Recording recording = {model_,
                                 layout_,
                                 io_layout_,
                                 Dtype::kF64,
                                 {.rows = kRows, .sequences = kSequences, .selected = kSelected},
                                 fuse};
    ASSERT_OK_AND_ASSIGN(program_, RecordAccumulate(recording, train));
    ASSERT_OK_AND_ASSIGN(gradients_, device.Allocate(layout_.flat_elements() * 8));
    ASSERT_OK_AND_ASSIGN(arena_, device.Allocate(program_.arena_bytes));
    ASSERT_OK_AND_ASSIGN(io_, device.Allocate(io_layout_.size_bytes()));
    Buffers buffers{};
    buffers[static_cast<size_t>(Region::kArena)] = &arena_;
    buffers[static_cast<size_t>(Region::kMaster)] = &weights_->master();
    buffers[static_cast<size_t>(Region::kGradient)] = &gradients_;
    buffers[static_cast<size_t>(Region::kIo)] = &io_;
    ASSERT_OK_AND_ASSIGN(plan_, MakePlan(device, program_, buffers));
    Put("tokens", {3, 1, 4, 1, 5, 2, 6});
    Put("positions", {0, 1, 2, 0, 1, 2, 3});
    Put("offsets", {0, 3, 7});
    if (model_.has_segments()) Put("segments", {0, 0, 1, 0, 1, 1, 0});
    switch (TaskOf(model_.spec())) {
      case Task::kNextToken:
        Put("targets", {1, 4, -1, 5, 2, 6, 0});
        break;
      case Task::kMaskedTokens:
        Put("rows", {1, 3, 6});
        Put("targets", {4, 0, 6});
        selected_ = 3;
        break;
      case Task::kLabels:
        Put("rows", {static_cast<int32_t>(model_.PooledRow(0, 3)),
                     static_cast<int32_t>(model_.PooledRow(3, 7))});
        Put("targets", {2, 0});
        selected_ = 2;
        break;
    }
    if (!train.distill().teachers().empty()) PutTeachers();
  }

  double Loss() {
    shoal_scalars scalars{};
    scalars.training = 1;
    scalars.rows = kRows;
    scalars.sequences = kSequences;
    scalars.longest = 4;
    scalars.selected = selected_;
    scalars.seed = 11;
    scalars.step = 2;
    scalars.loss_scale = 1;
    EXPECT_OK(plan_.Run(scalars));
    double total = 0;
    EXPECT_OK(io_.Read(io_layout_.OffsetOf("total"), &total, 8));
    return total;
  }

  double Parameter64(int64_t element) const {
    double value = 0;
    EXPECT_OK(weights_->master().Read(element * 8, &value, 8));
    return value;
  }
  void SetParameter64(int64_t element, double value) {
    std::memcpy(weights_->master().host_address() + element * 8, &value, 8);
  }
  double Gradient64(int64_t element) const {
    double value = 0;
    EXPECT_OK(gradients_.Read(element * 8, &value, 8));
    return value;
  }
  const ParameterLayout& layout() const { return layout_; }

 private:
  // Rows of some distribution.
  void PutTeachers() {
    std::vector<double> p;
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t v = 0; v < kVocab; ++v) {
        p.push_back(static_cast<double>((row + v * v) % 5 + 1));
      }
      double sum = 0;
      for (auto value = p.end() - kVocab; value != p.end(); ++value) sum += *value;
      for (auto value = p.end() - kVocab; value != p.end(); ++value) *value /= sum;
    }
    ASSERT_OK(io_.Write(io_layout_.OffsetOf("teacher_probabilities"), p.data(),
                        static_cast<int64_t>(p.size()) * 8));
  }
  void Put(std::string_view name, const std::vector<int32_t>& values) {
    ASSERT_OK(io_.Write(io_layout_.OffsetOf(name), values.data(),
                        static_cast<int64_t>(values.size()) * 4));
  }

  Transformer model_;
  ParameterLayout layout_;
  IoLayout io_layout_;
  Program program_;
  std::shared_ptr<Weights> weights_;
  Buffer gradients_, arena_, io_;
  Plan plan_;
  int64_t selected_ = 0;
};

class GradientTest : public EngineTest {
 protected:
  static v1::ModelSpec SmallModel() {
    v1::ModelSpec model = TinyModel();
    model.set_d_model(8);
    model.set_d_ff(12);
    model.set_max_seq(5);
    auto* dropout = model.mutable_dropout();
    dropout->set_embedding(0.2);
    dropout->set_attention(0.2);
    dropout->set_attention_output(0.3);
    dropout->set_feed_forward(0.3);
    return model;
  }

  void CheckEveryParameter(const v1::ModelSpec& spec, bool fuse,
                           const v1::TrainSpec& train = TinyTrain(1)) {
    F64Model model(*device_, spec, train, fuse);
    const double loss = model.Loss();
    ASSERT_GT(loss, 0);
    std::vector<double> gradients;
    for (int64_t i = 0; i < model.layout().flat_elements(); ++i) {
      gradients.push_back(model.Gradient64(i));
    }
    constexpr double kStep = 1e-5;
    for (const Parameter& parameter : model.layout().parameters()) {
      for (int64_t k = 0; k<parameter.elements(); k += parameter.elements()> 64 ? 7 : 1) {
        const int64_t element = parameter.offset + k;
        const double value = model.Parameter64(element);
        model.SetParameter64(element, value + kStep);
        const double above = model.Loss();
        model.SetParameter64(element, value - kStep);
        const double below = model.Loss();
        model.SetParameter64(element, value);
        const double expected = (above - below) / (2 * kStep);
        ASSERT_NEAR(gradients[static_cast<size_t>(element)], expected,
                    1e-6 * (1 + std::fabs(expected)))
            << parameter.name << "[" << k << "]";
      }
    }
  }
};

TEST_F(GradientTest, UnfusedGeluTied) { CheckEveryParameter(SmallModel(), false); }

TEST_F(GradientTest, FusedGeluTied) { CheckEveryParameter(SmallModel(), true); }

TEST_F(GradientTest, FusedReluUntied) {
  v1::ModelSpec model = SmallModel();
  model.set_activation("relu");
  model.set_tied_head(false);
  CheckEveryParameter(model, true);
}

TEST_F(GradientTest, FusedGeluErfWithoutBiasOrDropout) {
  v1::ModelSpec model = SmallModel();
  model.set_activation("gelu_erf");
  model.set_bias(false);
  for (const char* field : {"embedding", "attention", "attention_output", "feed_forward"}) {
    auto* dropout = model.mutable_dropout();
    dropout->GetReflection()->SetDouble(dropout, dropout->GetDescriptor()->FindFieldByName(field),
                                        0);
  }
  CheckEveryParameter(model, true);
}

// ---- the other families ------------------------------------------------------------------------

TEST_F(GradientTest, LlamaForm) {
  v1::ModelSpec model = SmallModel();
  model.set_norm("rmsnorm");
  model.set_bias(false);
  model.set_feed_forward("glu");
  model.set_activation("silu");
  model.set_position("rope");
  model.set_n_kv_heads(1);
  model.mutable_rope()->set_skip_every(2);
  for (bool fuse : {false, true}) CheckEveryParameter(model, fuse);
}

TEST_F(GradientTest, Cohere2Form) {
  v1::ModelSpec model = SmallModel();
  model.set_bias(false);
  model.set_block("parallel");
  model.set_feed_forward("glu");
  model.set_activation("silu");
  model.set_position("rope");
  model.mutable_rope()->set_layout("interleaved");
  model.mutable_rope()->set_theta(50);
  model.mutable_sliding()->set_window(2);
  model.mutable_sliding()->set_full_every(2);
  model.set_logit_scale(0.25);
  for (bool fuse : {false, true}) CheckEveryParameter(model, fuse);
}

v1::ModelSpec BertOf(v1::ModelSpec model, const std::string& head) {
  model.set_kind("encoder");
  model.set_norm_placement("post");
  model.set_embedding_norm(true);
  model.set_segments(2);
  model.set_activation("gelu_erf");
  model.set_head(head);
  return model;
}

TEST_F(GradientTest, BertMaskedTokens) {
  for (bool fuse : {false, true}) CheckEveryParameter(BertOf(SmallModel(), "mlm"), fuse);
  v1::ModelSpec untied = BertOf(SmallModel(), "mlm");
  untied.set_tied_head(false);
  untied.set_embedding_norm(false);
  CheckEveryParameter(untied, true);
}

TEST_F(GradientTest, BertClassifiers) {
  v1::ModelSpec model = BertOf(SmallModel(), "classifier");
  model.mutable_dropout()->set_classifier(0.3);
  for (const char* pooler : {"cls", "mean"}) {
    model.set_pooler(pooler);
    for (bool fuse : {false, true}) CheckEveryParameter(model, fuse);
  }
}

TEST_F(GradientTest, DecoderWithoutPositionsAsAClassifier) {
  v1::ModelSpec model = SmallModel();
  model.set_head("classifier");
  model.set_position("none");
  model.set_head_dim(3);  // 2 heads of width 3 in a stream of width 8
  CheckEveryParameter(model, true);
}

TEST_F(GradientTest, SmoothedLabels) {
  v1::TrainSpec train = TinyTrain(1);
  train.set_label_smoothing(0.2);
  for (bool fuse : {false, true}) CheckEveryParameter(SmallModel(), fuse, train);
  CheckEveryParameter(BertOf(SmallModel(), "classifier"), true, train);
}

TEST_F(GradientTest, Distillation) {
  v1::TrainSpec train = TinyTrain(1);
  train.mutable_distill()->add_teachers("somebody");
  train.mutable_distill()->set_temperature(2);
  train.mutable_distill()->set_weight(0.7);
  for (bool fuse : {false, true}) CheckEveryParameter(SmallModel(), fuse, train);
}

}  // namespace
}  // namespace shoal::engine
