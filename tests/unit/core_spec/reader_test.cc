// Reading YAML and --set: what is accepted, and the exact words about what is not.
#include <string>

#include "core/base/file.h"
#include "core/spec/spec.h"
#include "shoal/v1/job.pb.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::spec {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// The error's text; "" when there is none.
std::string ErrorOf(std::string_view yaml) {
  const auto file = ParseSpecText(yaml, "t.yaml");
  return file.ok() ? "" : std::string(file.status().message());
}
std::string SetErrorOf(std::string_view assignment) {
  v1::RunSpec run;
  return std::string(ApplySet(run, assignment).message());
}

TEST(Reader, ReadsEveryKindOfField) {
  ASSERT_OK_AND_ASSIGN(const SpecFile file, ParseSpecText(R"(
name: "no"            # quoted text
experiment: on        # plain text stays text, whatever YAML 1.1 thought of it
tags: [a, "b c"]
seed: 9007199254740991
model:
  n_layers: 6
  bias: false
  norm_eps: 1e-6
  dropout: {embedding: .1}
train:
  batch:
data: {train: 2024.txt}
)",
                                                          "t.yaml"));
  EXPECT_FALSE(file.is_sweep);
  EXPECT_EQ(file.run.name(), "no");
  EXPECT_EQ(file.run.experiment(), "on");
  EXPECT_THAT(file.run.tags(), testing::ElementsAre("a", "b c"));
  EXPECT_EQ(file.run.seed(), 9007199254740991u);
  EXPECT_EQ(file.run.model().n_layers(), 6);
  EXPECT_FALSE(file.run.model().bias());
  EXPECT_EQ(file.run.model().norm_eps(), 1e-6);
  EXPECT_EQ(file.run.model().dropout().embedding(), 0.1);
  EXPECT_FALSE(file.run.model().has_d_model());  // not given: defaults come later
  EXPECT_EQ(file.run.data().train(), "2024.txt");
  EXPECT_EQ(file.positions.at("model.n_layers"), "t.yaml:7:13");
  EXPECT_EQ(file.positions.at("model"), "t.yaml:6:1");
}

TEST(Reader, AllViolationsAtOnceWithPositions) {
  EXPECT_EQ(ErrorOf("model:\n"
                    "  n_layer: 4\n"
                    "  d_model: wide\n"
                    "  n_heads: 0\n"
                    "train:\n"
                    "  loss_on: responses\n"
                    "  optimizer: {lr: 0}\n"
                    "nonsense: 1\n"
                    "lr: 1\n"),
            "t.yaml:2:3: model: unknown field 'n_layer'; did you mean 'n_layers'?\n"
            "t.yaml:3:12: model.d_model: expected an integer, is 'wide'\n"
            "t.yaml:4:12: model.n_heads: must be >= 1 and <= 256, is 0\n"
            "t.yaml:6:12: train.loss_on: must be one of all, response; is 'responses'; did you "
            "mean response?\n"
            "t.yaml:7:19: train.optimizer.lr: must be > 0 and <= 10, is 0\n"
            "t.yaml:8:1: unknown field 'nonsense'; known here: name, experiment, note, tags, "
            "seed, model, data, tokenizer, train, evaluate, samples, checkpoint, resources\n"
            "t.yaml:9:1: unknown field 'lr' here; did you mean 'train.optimizer.lr'?");
}

TEST(Reader, WrongTypes) {
  EXPECT_EQ(ErrorOf("model: 3\n"),
            "t.yaml:1:8: model: expected a group of fields, is a single value");
  EXPECT_EQ(ErrorOf("tags: one\n"),
            "t.yaml:1:7: tags: expected a list ([a, b]), is a single value");
  EXPECT_EQ(ErrorOf("seed: [1]\n"), "t.yaml:1:7: seed: expected an integer, is a list");
  EXPECT_EQ(ErrorOf("seed: -1\n"), "t.yaml:1:7: seed: must be >= 0, is -1");
  EXPECT_EQ(ErrorOf("seed: '7'\n"),
            "t.yaml:1:7: seed: expected integer, is text ('7'); write it without quotes");
  EXPECT_THAT(ErrorOf("seed:\n"), HasSubstr("seed: expected an integer, is empty"));
  EXPECT_EQ(ErrorOf("train: {steps: 1e4}\n"),
            "t.yaml:1:16: train.steps: expected an integer, is '1e4'; write 10000");
  EXPECT_EQ(ErrorOf("train: {steps: 010}\n"),
            "t.yaml:1:16: train.steps: expected an integer, is '010'; write it without leading "
            "zeros");
  EXPECT_EQ(ErrorOf("train: {steps: 99999999999999999999}\n"),
            "t.yaml:1:16: train.steps: must be between -9223372036854775808 and "
            "9223372036854775807, is '99999999999999999999'");
  EXPECT_EQ(ErrorOf("train: {steps: 0}\n"),
            "t.yaml:1:16: train.steps: must be >= 1 and <= 100000000 steps, is 0");
  EXPECT_EQ(ErrorOf("model: {bias: yes}\n"),
            "t.yaml:1:15: model.bias: expected true or false, is 'yes'");
  EXPECT_EQ(ErrorOf("model: {norm_eps: .nan}\n"),
            "t.yaml:1:19: model.norm_eps: must be a finite number, is .nan");
  EXPECT_EQ(ErrorOf("model: {norm_eps: inf}\n"),
            "t.yaml:1:19: model.norm_eps: must be a finite number, is inf");
  EXPECT_EQ(ErrorOf("model: {norm_eps: 1e-999}\n"),
            "t.yaml:1:19: model.norm_eps: too large or too small, is '1e-999'");
  EXPECT_EQ(ErrorOf("- 1\n"), "t.yaml:1:1: expected a group of fields, is a list");
  EXPECT_EQ(ErrorOf("name: " + std::string(65, 'x') + "\n"),
            "t.yaml:1:7: name: must have at most 64 bytes, has 65");
}

TEST(Reader, YamlThatIsRefused) {
  EXPECT_EQ(ErrorOf("name: a\nname: b\n"),
            "t.yaml:2:1: 'name' is given twice; first in line 1: keep one");
  EXPECT_EQ(ErrorOf("name: &x a\n"),
            "t.yaml:1:7: anchors (&name) are not allowed; write the value out");
  EXPECT_THAT(ErrorOf("name: &x a\nnote: *x\n"), HasSubstr("aliases (*name) are not allowed"));
  EXPECT_THAT(ErrorOf("seed: !!int 4\n"), HasSubstr("is not allowed; the field says the type"));
  EXPECT_EQ(ErrorOf("[a]: 1\n"), "t.yaml:1:1: a key must be the name of a field");
  EXPECT_THAT(ErrorOf("name: a\n---\nname: b\n"), HasSubstr("a second document begins"));
  EXPECT_THAT(ErrorOf("name: [a\n"), HasSubstr("is not YAML: "));
  EXPECT_THAT(ErrorOf("\tname: a\n"), HasSubstr("t.yaml:1:"));
  EXPECT_EQ(ErrorOf("name: a\nnote: \xff\n"), "t.yaml:2:7: bytes that are not UTF-8");
  EXPECT_EQ(ErrorOf(std::string("name: a\0b\n", 10)),
            "t.yaml:1:8: a control character; only tabs and line ends may stand in a spec");
  EXPECT_EQ(ErrorOf(std::string(kMaxSpecBytes + 1, ' ')),
            "t.yaml: is 1048577 bytes; a spec has at most 1048576");
}

TEST(Reader, WhatIsRefusedHidesNothingElse) {
  EXPECT_EQ(ErrorOf("name: &x a\nname: b\nnote: *x\nmodel: {n_layer: 2}\nseed: many\n"),
            "t.yaml:1:7: anchors (&name) are not allowed; write the value out\n"
            "t.yaml:2:1: 'name' is given twice; first in line 1: keep one\n"
            "t.yaml:3:7: aliases (*name) are not allowed; write the value out\n"
            "t.yaml:4:9: model: unknown field 'n_layer'; did you mean 'n_layers'?\n"
            "t.yaml:5:7: seed: expected an integer, is 'many'");
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_EQ(ErrorOf("tags: " + deep + "\nseed: many\n"),
            "t.yaml:1:38: nested deeper than 32 levels\n"
            "t.yaml:1:8: tags[0]: expected text, is a list\n"
            "t.yaml:2:7: seed: expected an integer, is 'many'");
}

TEST(Reader, DepthIsCapped) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "{a: ";
  EXPECT_THAT(ErrorOf(deep), HasSubstr("t.yaml:"));
  std::string closed = deep + "1" + std::string(100, '}');
  EXPECT_THAT(ErrorOf(closed), HasSubstr("nested deeper than 32 levels"));
  EXPECT_THAT(ErrorOf(std::string(5000, '[')), HasSubstr("t.yaml:"));
}

TEST(Reader, EmptyTextIsAnEmptyRun) {
  ASSERT_OK_AND_ASSIGN(const SpecFile file, ParseSpecText("# nothing\n", "t.yaml"));
  EXPECT_FALSE(file.is_sweep);
  EXPECT_EQ(file.run.ByteSizeLong(), 0u);
}

TEST(Reader, SweepsAreRecognised) {
  ASSERT_OK_AND_ASSIGN(const SpecFile file, ParseSpecText(R"(
name: depth
base: {data: {persona: pebble}}
space:
  model.n_layers: {values: [1, 2, 4]}
variants:
  - {name: narrow, set: {model.d_model: 64}}
)",
                                                          "s.yaml"));
  ASSERT_TRUE(file.is_sweep);
  EXPECT_EQ(file.sweep.name(), "depth");
  EXPECT_EQ(file.sweep.base().data().persona(), "pebble");
  EXPECT_THAT(file.sweep.space().at("model.n_layers").values(),
              testing::ElementsAre("1", "2", "4"));
  EXPECT_EQ(file.sweep.variants(0).set().at("model.d_model"), "64");
  EXPECT_EQ(file.positions.at("space.model.n_layers.values[2]"), "s.yaml:5:35");
}

TEST(Reader, AnyMessageCanBeRead) {
  v1::Job job;
  ASSERT_OK(ReadYaml("{job_id: j, state: JOB_STATE_RUNNING, numerics: {threads: 2}}", "j", job));
  EXPECT_EQ(job.state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job.numerics().threads(), 2);
  EXPECT_THAT(ReadYaml("state: RUNNING", "j", job),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("must be one of JOB_STATE_")));
}

using ReaderFile = TempDirTest;

TEST_F(ReaderFile, FromDisk) {
  ASSERT_OK(files_.WriteFileAtomic(Path("r.yaml"), "name: r\n"));
  ASSERT_OK_AND_ASSIGN(const SpecFile file, ParseSpecFile(Path("r.yaml")));
  EXPECT_EQ(file.run.name(), "r");
  EXPECT_EQ(file.positions.at("name"), Path("r.yaml") + ":1:7");
  EXPECT_THAT(ParseSpecFile(Path("none.yaml")), StatusIs(StatusCode::kNotFound));
  ASSERT_OK(files_.WriteFileAtomic(Path("big.yaml"), std::string(kMaxSpecBytes + 1, '#')));
  EXPECT_THAT(ParseSpecFile(Path("big.yaml")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is 1048577 bytes")));
}

TEST(Set, SetsScalarsAndLists) {
  v1::RunSpec run;
  Positions positions;
  ASSERT_OK(ApplySet(run, "model.n_layers=4", &positions));
  ASSERT_OK(ApplySet(run, "model.n_layers = 8", &positions));
  EXPECT_EQ(run.model().n_layers(), 8);
  ASSERT_OK(ApplySet(run, "note= a=b: \"c\" ", &positions));
  EXPECT_EQ(run.note(), " a=b: \"c\" ");
  ASSERT_OK(ApplySet(run, "samples.prompts=[hi, 'are you, hungry']"));
  EXPECT_THAT(run.samples().prompts(), testing::ElementsAre("hi", "are you, hungry"));
  ASSERT_OK(ApplySet(run, "samples.prompts=just one"));
  EXPECT_THAT(run.samples().prompts(), testing::ElementsAre("just one"));
  ASSERT_OK(ApplySet(run, "tags=[]"));
  EXPECT_EQ(positions.at("model.n_layers"), "--set");
}

TEST(Set, SaysWhatIsWrong) {
  EXPECT_EQ(SetErrorOf("model.n_layers=four"),
            "--set: model.n_layers: expected an integer, is 'four'");
  EXPECT_EQ(SetErrorOf("model.n_layers=0"),
            "--set: model.n_layers: must be >= 1 and <= 256 blocks, is 0");
  EXPECT_EQ(SetErrorOf("model.layers=1"),
            "--set: model.layers: unknown field 'layers'; did you mean 'n_layers'?");
  EXPECT_EQ(SetErrorOf("model=1"),
            "--set: model: is a group; set one of its fields, such as model.n_layers");
  EXPECT_EQ(SetErrorOf("seed.x=1"), "--set: seed.x: 'seed' has no fields of its own");
  EXPECT_EQ(SetErrorOf("seed"), "--set: expected PATH=VALUE, is 'seed'");
  EXPECT_EQ(SetErrorOf("tags=[a"), "--set: tags: expected a list ([a, b])");
  EXPECT_EQ(SetErrorOf("train.optimizer.lr="),
            "--set: train.optimizer.lr: expected a number, is ''");
}

TEST(Set, AnErrorChangesNothing) {
  v1::RunSpec run;
  run.mutable_model()->set_n_layers(3);
  EXPECT_THAT(ApplySet(run, "model.n_layers=999"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(run.model().n_layers(), 3);
}

TEST(Set, OfASweepMeansItsBase) {
  ASSERT_OK_AND_ASSIGN(SpecFile file, ParseSpecText("space: {seed: {values: [1]}}", "s.yaml"));
  ASSERT_OK(ApplySet(file, "train.steps=7"));
  EXPECT_EQ(file.sweep.base().train().steps(), 7);
  EXPECT_EQ(file.positions.at("base.train.steps"), "--set");
}

}  // namespace
}  // namespace shoal::spec
