// Gradients of the recorded backward against finite differences, in f64 on the reference backend.
#include <cmath>
#include <cstring>

#include "core/base/random.h"
#include "tests/unit/worker_engine/engine_fixture.h"
#include "worker/engine/model/decoder.h"
#include "worker/engine/program/planner.h"
#include "worker/engine/train/train_programs.h"

namespace shoal::engine {
namespace {

// Two packed sequences of 3 and 4 rows through the accumulate program in f64.
class F64Model {
 public:
  static constexpr int64_t kRows = 7, kSequences = 2;

  F64Model(Device& device, const v1::ModelSpec& spec, int64_t vocab, bool fuse)
      : decoder_(spec, vocab), layout_(decoder_.Parameters(), false) {
    Init(device, fuse);
  }

  void Init(Device& device, bool fuse) {
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
    const Recording recording = {
        decoder_, layout_, io_layout_, Dtype::kF64, {.rows = kRows, .sequences = kSequences}, fuse};
    ASSERT_OK_AND_ASSIGN(program_, RecordAccumulate(recording));
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
    Put("targets", {1, 4, -1, 5, 2, 6, 0});
    Put("offsets", {0, 3, 7});
  }

  double Loss() {
    shoal_scalars scalars{};
    scalars.training = 1;
    scalars.rows = kRows;
    scalars.sequences = kSequences;
    scalars.longest = 4;
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
  void Put(std::string_view name, const std::vector<int32_t>& values) {
    ASSERT_OK(io_.Write(io_layout_.OffsetOf(name), values.data(),
                        static_cast<int64_t>(values.size()) * 4));
  }

  Decoder decoder_;
  ParameterLayout layout_;
  IoLayout io_layout_;
  Program program_;
  std::shared_ptr<Weights> weights_;
  Buffer gradients_, arena_, io_;
  Plan plan_;
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

  void CheckEveryParameter(const v1::ModelSpec& spec, bool fuse) {
    F64Model model(*device_, spec, 7, fuse);
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

}  // namespace
}  // namespace shoal::engine
