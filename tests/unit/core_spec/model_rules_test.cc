// Which forms of a model, and which ways to train it, fit together.
#include <initializer_list>

#include "core/spec/spec.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

// A good spec with things set, and what Validate says of it.
std::string After(std::initializer_list<std::string_view> assignments) {
  v1::RunSpec spec;
  spec.mutable_data()->set_persona("pebble");
  for (std::string_view assignment : assignments) EXPECT_OK(ApplySet(spec, assignment));
  return std::string(Validate(spec).message());
}

TEST(ModelRules, Heads) {
  EXPECT_EQ(After({"model.n_kv_heads=2"}), "");
  EXPECT_EQ(After({"model.n_kv_heads=3"}), "model.n_kv_heads: must divide n_heads (4), is 3");
  EXPECT_EQ(After({"model.n_kv_heads=8"}), "model.n_kv_heads: must divide n_heads (4), is 8");
  // A width of its own for heads needs no division.
  EXPECT_EQ(After({"model.n_heads=3", "model.n_kv_heads=1", "model.head_dim=32"}), "");
  EXPECT_EQ(After({"model.n_heads=1", "model.d_model=512", "model.head_dim=128"}), "");
}

TEST(ModelRules, RopeTurnsPairs) {
  EXPECT_EQ(After({"model.position=rope"}), "");
  EXPECT_EQ(After({"model.head_dim=33"}), "");
  EXPECT_EQ(After({"model.position=rope", "model.head_dim=33"}),
            "model.head_dim: position rope turns the dimensions of a head in pairs, and 33 is odd");
  EXPECT_EQ(After({"model.position=rope", "model.d_model=60", "model.n_heads=4"}),
            "model.n_heads: position rope turns the dimensions of a head in pairs, and 15 is odd");
  EXPECT_EQ(After({"model.position=rope", "model.rope.skip_every=1"}),
            "model.rope.skip_every: 1 leaves no layer with rope; give position none");
  EXPECT_EQ(After({"model.rope.skip_every=1"}), "");  // without effect
}

TEST(ModelRules, KindAndHead) {
  EXPECT_EQ(After({"model.kind=encoder", "model.head=mlm", "model.segments=2"}), "");
  EXPECT_EQ(After({"model.kind=encoder", "model.head=classifier"}), "");
  EXPECT_EQ(After({"model.head=classifier"}), "");
  EXPECT_EQ(After({"model.head=mlm"}),
            "model.head: mlm needs kind encoder: a masked token is guessed from both sides");
  EXPECT_EQ(After({"model.kind=encoder"}),
            "model.head: lm needs kind decoder: an encoder sees the token it is to predict; give "
            "mlm or classifier");
  EXPECT_EQ(After({"model.segments=2"}), "model.segments: must be 0 for kind decoder, is 2");
  EXPECT_EQ(After({"model.n_labels=3"}),
            "model.n_labels: is for head classifier; model.head is lm, so leave it out");
  EXPECT_EQ(After({"model.n_labels=3", "model.head=classifier"}), "");
}

TEST(ModelRules, SlidingWindow) {
  EXPECT_EQ(After({"model.sliding.window=32", "model.sliding.full_every=4"}), "");
  EXPECT_EQ(After({"model.sliding.full_every=1"}), "");  // without effect
  EXPECT_EQ(After({"model.sliding.window=32", "model.sliding.full_every=1"}),
            "model.sliding.full_every: 1 leaves no layer to slide with window 32; give 0 or at "
            "least 2, or window 0");
  EXPECT_EQ(After({"model.sliding.window=32", "model.kind=encoder", "model.head=mlm"}),
            "model.sliding.window: is for kind decoder; an encoder sees the whole sequence, is 32");
}

TEST(ModelRules, Blocks) {
  EXPECT_EQ(After({"model.block=parallel"}), "");
  EXPECT_EQ(After({"model.norm_placement=post", "model.embedding_norm=true"}), "");
  EXPECT_EQ(After({"model.block=parallel", "model.norm_placement=post"}),
            "model.block: parallel needs norm_placement pre: attention and feed-forward read one "
            "norm");
}

TEST(ObjectiveRules, OnlyALanguageModelAnswers) {
  EXPECT_EQ(After({"model.head=classifier", "samples.prompts=[hi]"}),
            "samples.prompts: only head lm answers prompts; model.head is classifier, so leave "
            "them out");
  EXPECT_EQ(After({"model.head=classifier", "train.loss_on=response"}),
            "train.loss_on: response is for head lm, which learns the next token; model.head is "
            "classifier");
  EXPECT_EQ(After({"model.head=classifier", "data.persona=", "data.train=a.txt"}),
            "model.head: classifier needs labelled texts (.jsonl of {text, label}); data.train is "
            "plain text");
}

TEST(ObjectiveRules, DistillationNeedsTeachers) {
  EXPECT_EQ(After({"train.distill.weight=0.5"}), "");  // what the default says
  EXPECT_EQ(After({"train.distill.teachers=[a, b]", "train.distill.temperature=2"}), "");
  EXPECT_EQ(After({"train.distill.temperature=2"}),
            "train.distill.teachers: must name the finished runs to learn from, e.g. [tiny.2]; or "
            "leave train.distill out");
  EXPECT_EQ(After({"train.distill.teachers=[a, a, '']"}),
            "train.distill.teachers[1]: 'a' is given twice\ntrain.distill.teachers[2]: is empty");
  EXPECT_EQ(After({"train.distill.weight=0.3"}).find("train.distill.teachers"), 0u);
}

TEST(ObjectiveRules, AveragesSchedulesAndMuonGoTogether) {
  EXPECT_EQ(
      After({"train.ema_decay=0.999", "train.schedule.kind=wsd", "train.optimizer.kind=muon"}), "");
}

}  // namespace
}  // namespace shoal::spec
