// The rules between fields, in their own words.
#include "core/spec/spec.h"
#include "core/spec/violations.h"

#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

using testing::HasSubstr;

v1::RunSpec Good() {
  v1::RunSpec spec;
  spec.mutable_data()->set_persona("pebble");
  return spec;
}

// A good spec with one thing set, and what Validate says of it.
std::string After(std::string_view assignment, std::string_view second = "") {
  v1::RunSpec spec = Good();
  EXPECT_OK(ApplySet(spec, assignment));
  if (!second.empty()) {
    EXPECT_OK(ApplySet(spec, second));
  }
  return std::string(Validate(spec).message());
}

TEST(Validate, DefaultsAreValid) {
  EXPECT_OK(Validate(Good()));
  v1::RunSpec complete = Good();
  FillDefaults(complete);
  EXPECT_OK(Validate(complete));
  EXPECT_EQ(complete.train().optimizer().lr(), 1e-3);
  EXPECT_EQ(complete.model().activation(), "gelu_tanh");
  EXPECT_TRUE(complete.resources().has_backend_options());
}

TEST(Validate, FillDefaultsKeepsWhatIsSet) {
  v1::RunSpec spec = Good();
  spec.mutable_model()->set_n_layers(9);
  FillDefaults(spec);
  EXPECT_EQ(spec.model().n_layers(), 9);
  const std::string once = spec.SerializeAsString();
  FillDefaults(spec);
  EXPECT_EQ(spec.SerializeAsString(), once);
}

TEST(Validate, ThreadsAndSlotsFollowEachOtherUnlessBothAreGiven) {
  const auto resources = [](std::string_view first, std::string_view second = "") {
    v1::RunSpec spec = Good();
    EXPECT_OK(ApplySet(spec, first));
    if (!second.empty()) {
      EXPECT_OK(ApplySet(spec, second));
    }
    FillDefaults(spec);
    return std::pair(spec.resources().slots(), spec.resources().threads());
  };
  EXPECT_EQ(resources("seed=1"), std::pair(1, 1));
  EXPECT_EQ(resources("resources.slots=2"), std::pair(2, 2));
  EXPECT_EQ(resources("resources.threads=3"), std::pair(3, 3));
  EXPECT_EQ(resources("resources.slots=4", "resources.threads=2"), std::pair(4, 2));
  EXPECT_EQ(After("resources.slots=4", "resources.threads=2"), "");
  EXPECT_EQ(After("resources.slots=2", "resources.threads=4"),
            "resources.threads: must be <= resources.slots (2), is 4; leave one of them out and it "
            "follows the other");
}

TEST(Validate, RulesBetweenFields) {
  EXPECT_EQ(After("model.n_heads=3"), "model.n_heads: must divide d_model (128), is 3");
  EXPECT_EQ(After("model.n_heads=1", "model.d_model=512"),
            "model.n_heads: gives heads of width 512 (d_model / n_heads); at most 256");
  EXPECT_EQ(After("model.vocab_size=1000"),
            "model.vocab_size: must be 0 or at least tokenizer.vocab_size (2048), is 1000");
  EXPECT_EQ(After("model.vocab_size=1000", "tokenizer.path=t.json"), "");
  EXPECT_EQ(After("train.schedule.final_lr=0.1"),
            "train.schedule.final_lr: must be <= train.optimizer.lr (0.001), is 0.1");
  EXPECT_EQ(After("train.batch.unit=tokens"),
            "train.batch.size: must hold the longest example (model.max_seq: 128 tokens), is 32");
  EXPECT_THAT(After("train.batch.size=1000000"), HasSubstr("makes batches of up to 128000000"));
  EXPECT_EQ(After("data.train=x.jsonl"), "data: give either persona or train, not both");
  EXPECT_THAT(After("data.persona="), HasSubstr("data: needs a source"));
  EXPECT_EQ(After("data.held_out=x.jsonl"),
            "data.held_out: a persona keeps its own share apart; leave held_out out");
  EXPECT_EQ(After("name=a b"),
            "name: may hold letters, digits, '-', '_' and '.', and begins with a letter, digit or "
            "'_'; is 'a b'");
  EXPECT_EQ(After("name="), "name: must not be empty");
  EXPECT_THAT(After("experiment=../x"), HasSubstr("experiment: may hold letters"));
  EXPECT_EQ(After("tags=[a, a]"), "tags[1]: 'a' is given twice");
  EXPECT_EQ(After("samples.prompts=['']"), "samples.prompts[0]: is empty");
}

TEST(Validate, DataFiles) {
  v1::RunSpec spec;
  spec.mutable_data()->set_train("corpus.csv");
  EXPECT_EQ(Validate(spec).message(), "data.train: must end with .jsonl or .txt, is 'corpus.csv'");
  spec.mutable_data()->set_train("corpus.txt");
  EXPECT_OK(Validate(spec));
  spec.mutable_train()->set_loss_on("response");
  EXPECT_THAT(Validate(spec),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("needs conversations")));
  spec.mutable_data()->clear_train();
  spec.mutable_data()->set_held_out("x.txt");
  EXPECT_THAT(std::string(Validate(spec).message()),
              HasSubstr("data.held_out: needs data.train beside it"));
}

TEST(Validate, RangesOfMessagesAndAllAtOnce) {
  v1::RunSpec spec = Good();
  spec.mutable_model()->set_n_heads(0);  // would divide by zero in a rule
  spec.mutable_model()->set_activation("swish");
  spec.mutable_train()->set_steps(-5);
  spec.mutable_train()->mutable_optimizer()->set_lr(std::numeric_limits<double>::quiet_NaN());
  spec.set_note("\xff");
  EXPECT_EQ(Validate(spec).message(),
            "note: is not UTF-8\n"
            "model.n_heads: must be >= 1 and <= 256, is 0\n"
            "model.activation: must be one of relu, gelu_tanh, gelu_erf, silu; is "
            "'swish'\n"
            "train.steps: must be >= 1 and <= 100000000 steps, is -5\n"
            "train.optimizer.lr: must be a finite number, is nan");
}

TEST(Validate, PositionsAreKept) {
  ASSERT_OK_AND_ASSIGN(SpecFile file,
                       ParseSpecText("data: {persona: p}\nmodel:\n  n_heads: 7\n", "t.yaml"));
  EXPECT_EQ(Validate(file.run, &file.positions).message(),
            "t.yaml:3:12: model.n_heads: must divide d_model (128), is 7");
  ASSERT_OK(ApplySet(file, "model.n_heads=6"));
  EXPECT_EQ(Validate(file.run, &file.positions).message(),
            "--set: model.n_heads: must divide d_model (128), is 6");
  // A field nobody wrote is placed where its group was.
  ASSERT_OK_AND_ASSIGN(file, ParseSpecText("name: x\ndata: {conversations: 100}\n", "t.yaml"));
  EXPECT_THAT(std::string(Validate(file.run, &file.positions).message()),
              testing::StartsWith("t.yaml:2:1: data: needs a source"));
}

// What is wrong with a file and what is set by hand, read together.
std::string AllOf(std::string_view yaml, const std::vector<std::string>& sets,
                  const std::vector<std::string>& varied = {}) {
  Violations violations;
  SpecFile file = ParseSpecText(yaml, "t.yaml", violations);
  for (const std::string& set : sets) ApplySet(file, set, violations);
  CheckSoundRules(file, varied, violations);
  return std::string(violations.ToStatus().message());
}

TEST(SoundRules, AreCheckedBesideFieldsThatDoNotParse) {
  EXPECT_EQ(AllOf("data: {persona: p}", {"model.d_model=131", "train.steps=abc"}),
            "--set: train.steps: expected an integer, is 'abc'\n"
            "model.n_heads: must divide d_model (131), is 4");
  EXPECT_EQ(AllOf("data: {persona: p}\nmodel: {n_heads: 7}\ntrain: {steps: abc}", {}),
            "t.yaml:3:16: train.steps: expected an integer, is 'abc'\n"
            "t.yaml:2:18: model.n_heads: must divide d_model (128), is 7");
}

TEST(SoundRules, LeaveOutWhatReadsADoubtfulField) {
  // Any of these could be what makes 131 right.
  EXPECT_EQ(AllOf("data: {persona: p}", {"model.d_model=131", "model.n_heads=many"}),
            "--set: model.n_heads: expected an integer, is 'many'");
  EXPECT_THAT(AllOf("data: {persona: p}", {"model.d_model=131", "model.n_headz=1"}),
              testing::Not(HasSubstr("must divide")));
  EXPECT_THAT(AllOf("data: {persona: p}\nmodel: {d_model: 131, n_headz: 1}", {}),
              testing::Not(HasSubstr("must divide")));
  EXPECT_EQ(AllOf("data: {persona: p}", {"model.d_model=131", "seed=x"}, {"model.n_heads"}),
            "--set: seed: expected an integer, is 'x'");
  EXPECT_THAT(AllOf("daten: {persona: p}", {}), testing::Not(HasSubstr("needs a source")));
  EXPECT_THAT(AllOf("data: {persona: p", {}), testing::Not(HasSubstr("needs a source")));
}

TEST(SoundRules, OfASweepAreThoseOfItsBase) {
  const std::string base = "base: {data: {persona: p}, model: {d_model: 131}, seed: x}\n";
  EXPECT_EQ(AllOf(base + "space: {train.steps: [1, 2]}", {}),
            "t.yaml:1:57: base.seed: expected an integer, is 'x'\n"
            "t.yaml:1:28: model.n_heads: must divide d_model (131), is 4");
  EXPECT_THAT(AllOf(base + "space: {model.n_heads: [1, 131]}", {}),
              testing::Not(HasSubstr("must divide")));
  EXPECT_THAT(AllOf(base + "variants: [{name: a, set: {model.d_model: 4}}]", {}),
              testing::Not(HasSubstr("must divide")));
}

TEST(Validate, FieldsOfANewerVersionAreRefused) {
  v1::RunSpec spec = Good();
  spec.GetReflection()->MutableUnknownFields(&spec)->AddVarint(4242, 1);
  EXPECT_EQ(Validate(spec).message(), "holds field number 4242, which this version does not know");
}

TEST(Validate, ResolveVocabSize) {
  v1::ModelSpec model;
  EXPECT_THAT(ResolveVocabSize(model, 2418), IsOkAndHolds(2418));
  model.set_vocab_size(4096);
  EXPECT_THAT(ResolveVocabSize(model, 2418), IsOkAndHolds(4096));
  model.set_vocab_size(100);
  EXPECT_THAT(ResolveVocabSize(model, 2418),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "model.vocab_size: must be 0 or at least the tokenizer's size (2418), is "
                       "100"));
  EXPECT_THAT(ResolveVocabSize(model, 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace shoal::spec
