#include <gmock/gmock.h>

#include "core/spec/model_counts.h"
#include "core/spec/spec.h"
#include "tests/unit/worker_engine/engine_fixture.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/model/weights.h"

namespace shoal::engine {
namespace {

class ModelTest : public EngineTest {};

TEST_F(ModelTest, GuppyHasItsPublishedSize) {
  v1::ModelSpec guppy;
  guppy.set_n_layers(6);
  guppy.set_d_model(384);
  guppy.set_n_heads(6);
  guppy.set_d_ff(768);
  guppy.set_max_seq(128);
  guppy.set_activation("relu");
  spec::FillDefaults(guppy);
  EXPECT_EQ(ParameterLayout(Transformer(guppy, 4096).Parameters(), {.decay_all = true}).count(),
            8'726'016);
}

TEST_F(ModelTest, CountsAreThoseOfTheSpec) {
  for (bool bias : {true, false}) {
    for (bool tied : {true, false}) {
      for (int64_t d_ff : {0, 24}) {
        v1::ModelSpec model = TinyModel();
        model.set_bias(bias);
        model.set_tied_head(tied);
        model.set_d_ff(static_cast<int32_t>(d_ff));
        const ParameterLayout layout(Transformer(model, 300).Parameters());
        EXPECT_EQ(layout.count(), spec::CountParameters(model, 300).total);
      }
    }
  }
}

TEST_F(ModelTest, LayoutSeparatesDecayAndAligns) {
  const ParameterLayout layout(Transformer(TinyModel(), 300).Parameters());
  EXPECT_EQ(layout.no_decay().offset, layout.decay().elements);
  int64_t previous_end = 0;
  std::vector<const Parameter*> by_offset;
  for (const Parameter& parameter : layout.parameters()) {
    EXPECT_EQ(parameter.offset % 32, 0) << parameter.name;
    EXPECT_EQ(parameter.decay, parameter.shape.rank == 2) << parameter.name;
    EXPECT_EQ(parameter.decay, parameter.offset < layout.decay().elements) << parameter.name;
    by_offset.push_back(&parameter);
  }
  std::sort(by_offset.begin(), by_offset.end(),
            [](auto* a, auto* b) { return a->offset < b->offset; });
  for (const Parameter* parameter : by_offset) {
    EXPECT_GE(parameter->offset, previous_end);
    previous_end = parameter->offset + parameter->elements();
  }
  EXPECT_LE(previous_end, layout.flat_elements());
  EXPECT_EQ(ParameterLayout(Transformer(TinyModel(), 300).Parameters(), {.decay_all = true})
                .no_decay()
                .elements,
            0);
}

TEST_F(ModelTest, InitialisationIsNormalScaledAndRepeatable) {
  v1::ModelSpec model = TinyModel();
  model.set_d_model(64);
  model.set_residual_init("scaled");
  auto make = [&](uint64_t seed) {
    auto weights = Weights::Create(*device_, ParameterLayout(Transformer(model, 300).Parameters()),
                                   Dtype::kF32);
    EXPECT_OK(weights);
    EXPECT_OK((*weights)->Initialize(seed));
    return *std::move(weights);
  };
  auto deviation = [&](Weights& weights, std::string_view name) {
    const std::vector<float> values = *weights.Get(name);
    double sum = 0;
    for (float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
    return std::sqrt(sum / static_cast<double>(values.size()));
  };
  const auto weights = make(1), same = make(1), other = make(2);
  EXPECT_NEAR(deviation(*weights, "tok_emb"), 0.02, 0.0005);
  EXPECT_NEAR(deviation(*weights, "blocks.0.attn.out.weight"), 0.01, 0.0005);  // 1 / sqrt(2 * 2)
  EXPECT_EQ(*weights->Get("tok_emb"), *same->Get("tok_emb"));
  EXPECT_NE(*weights->Get("tok_emb"), *other->Get("tok_emb"));
  EXPECT_THAT(*weights->Get("norm.weight"), testing::Each(1.0F));
  EXPECT_THAT(*weights->Get("blocks.1.ffn.up.bias"), testing::Each(0.0F));
}

TEST_F(ModelTest, Bf16CopiesAreRoundedToNearestEven) {
  std::vector<Parameter> list = {{"w", Shape::Matrix(1, 4), {}}};
  ASSERT_OK_AND_ASSIGN(auto weights,
                       Weights::Create(*device_, ParameterLayout(list), Dtype::kBf16));
  const std::vector<float> values = {1.0F, 1.00390625F, 1.01171875F, -3.0F};  // ties up and down
  ASSERT_OK(weights->Set("w", values));
  uint16_t bits[4];
  ASSERT_OK(weights->copy().Read(0, bits, sizeof(bits)));
  EXPECT_THAT(bits, testing::ElementsAre(0x3f80, 0x3f80, 0x3f82, 0xc040));
  EXPECT_THAT(weights->Set("v", values), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(weights->Set("w", std::span(values).first(2)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace shoal::engine
