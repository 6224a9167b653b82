#include "cli/analysis/grouping.h"

#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/cli_analysis/made_runs.h"

namespace shoal::analysis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Paths(const std::vector<Differing>& fields) {
  std::vector<std::string> paths;
  for (const Differing& field : fields) paths.push_back(field.path);
  return paths;
}
std::vector<std::string> Titles(const std::vector<Differing>& fields) {
  std::vector<std::string> titles;
  for (const Differing& field : fields) titles.push_back(field.title);
  return titles;
}
std::vector<std::string> Labels(const Grouping& grouping) {
  std::vector<std::string> labels;
  for (const Setting& setting : grouping.settings) labels.push_back(setting.label);
  return labels;
}

TEST(Flatten, HoldsEveryFieldByItsPath) {
  v1::RunDetail run = MadeRun(3, 7, 1);
  run.mutable_spec()->mutable_samples()->add_prompts("say \"hi\", then stop");
  std::map<std::string, FlatField> fields;
  for (const FlatField& field : Flatten(run.spec(), run.bindings())) {
    EXPECT_TRUE(fields.emplace(field.path, field).second) << field.path << " occurs twice";
  }
  EXPECT_EQ(fields.at("model.n_layers").text, "3");
  EXPECT_FALSE(fields.at("model.n_layers").is_text);
  EXPECT_TRUE(fields.at("model.n_layers").identity);
  EXPECT_EQ(fields.at("seed").text, "7");
  EXPECT_EQ(fields.at("model.bias").text, "true");
  EXPECT_EQ(fields.at("train.optimizer.lr").text, "0.001");
  EXPECT_EQ(fields.at("train.optimizer.kind").text, "adamw");
  EXPECT_TRUE(fields.at("train.optimizer.kind").is_text);
  EXPECT_EQ(fields.at("samples.prompts").text, R"(["say \"hi\", then stop"])");
  EXPECT_FALSE(fields.at("samples.prompts").is_text);
  EXPECT_EQ(fields.at("tags").text, "[]");
  EXPECT_FALSE(fields.at("name").identity);
  EXPECT_FALSE(fields.at("checkpoint.every").identity);
  EXPECT_EQ(fields.at("data.train.sha256").text, std::string(64, 'a'));
  EXPECT_EQ(fields.at("data.train.sha256").shown, "a.jsonl");
}

TEST(Flatten, AnUnsetFieldIsItsDefault) {
  v1::RunDetail old = MadeRun(4, 1, 1), run = MadeRun(4, 1, 1);
  old.mutable_spec()->mutable_model()->clear_n_layers();  // 4, by default
  EXPECT_THAT(AllDifferingFields(std::vector{old, run}), IsEmpty());
}

TEST(GroupRuns, SeedsAreRepetitions) {
  const std::vector<v1::RunDetail> runs = {MadeRun(1, 1, 1), MadeRun(2, 1, 1), MadeRun(1, 2, 1),
                                           MadeRun(2, 2, 1)};
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(runs, {}));
  EXPECT_THAT(Paths(grouping.columns), ElementsAre("model.n_layers"));
  EXPECT_THAT(Titles(grouping.columns), ElementsAre("n_layers"));
  EXPECT_THAT(Paths(grouping.others), ElementsAre("seed"));
  EXPECT_THAT(Labels(grouping), ElementsAre("model.n_layers=1", "model.n_layers=2"));
  EXPECT_THAT(grouping.settings[0].runs, ElementsAre(0u, 2u));
  EXPECT_THAT(grouping.replicates, ElementsAre("seed=1", "seed=1", "seed=2", "seed=2"));
}

TEST(GroupRuns, OnlySeedsAreOneSetting) {
  const std::vector<v1::RunDetail> runs = {MadeRun(1, 1, 1), MadeRun(1, 2, 1)};
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(runs, {}));
  EXPECT_THAT(grouping.columns, IsEmpty());
  EXPECT_THAT(Labels(grouping), ElementsAre("all runs"));
}

TEST(GroupRuns, ByAFieldAveragesOverTheRest) {
  std::vector<v1::RunDetail> runs = {MadeRun(1, 1, 1), MadeRun(1, 1, 1), MadeRun(2, 1, 1),
                                     MadeRun(2, 1, 1)};
  runs[1].mutable_spec()->mutable_train()->mutable_optimizer()->set_lr(0.01);
  runs[3].mutable_spec()->mutable_train()->mutable_optimizer()->set_lr(0.01);
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(runs, {"model.n_layers"}));
  EXPECT_THAT(Paths(grouping.others), ElementsAre("train.optimizer.lr"));
  EXPECT_THAT(Labels(grouping), ElementsAre("model.n_layers=1", "model.n_layers=2"));
  EXPECT_EQ(grouping.replicates[0], grouping.replicates[2]);
  EXPECT_NE(grouping.replicates[0], grouping.replicates[1]);
}

TEST(GroupRuns, KnowsWhichPathsThereAre) {
  const std::vector<v1::RunDetail> runs = {MadeRun(1, 1, 1), MadeRun(2, 1, 1)};
  EXPECT_THAT(GroupRuns(runs, {"model.n_layer"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'model.n_layers'")));
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(runs, {"model.d_model"}));
  EXPECT_THAT(Labels(grouping), ElementsAre("all runs"));  // they do not differ in it
}

TEST(GroupRuns, TitlesAreAsLongAsTheyMustBe) {
  v1::RunDetail a = MadeRun(1, 1, 1), b = MadeRun(2, 1, 1);
  b.mutable_spec()->mutable_train()->mutable_optimizer()->set_kind("sgd");
  b.mutable_spec()->mutable_train()->mutable_schedule()->set_kind("linear");
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(std::vector{a, b}, {}));
  EXPECT_THAT(Titles(grouping.columns), ElementsAre("n_layers", "optimizer.kind", "schedule.kind"));
}

TEST(GroupRuns, NamesNotesAndPathsAreNoSetting) {
  v1::RunDetail a = MadeRun(1, 1, 1), b = MadeRun(1, 2, 1);
  b.mutable_spec()->set_note("another day");
  b.mutable_spec()->mutable_data()->set_train("elsewhere/a.jsonl");
  b.mutable_spec()->mutable_checkpoint()->set_every(7);
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(std::vector{a, b}, {}));
  EXPECT_THAT(grouping.columns, IsEmpty());
}

TEST(GroupRuns, OtherDataIsAnotherSettingEvenUnderTheSameName) {
  v1::RunDetail a = MadeRun(1, 1, 1), b = MadeRun(1, 1, 1);
  Rebind(b, v1::BINDING_ROLE_TRAIN, 'b');
  Rebind(b, v1::BINDING_ROLE_HELD_OUT, 'b');  // follows from the training data: no column more
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(std::vector{a, b}, {}));
  EXPECT_THAT(Titles(grouping.columns), ElementsAre("data"));
  EXPECT_THAT(Labels(grouping), ElementsAre("data=a.jsonl@aaaaaaaa", "data=a.jsonl@bbbbbbbb"));
  for (const char* by : {"data", "data.train.sha256"}) {
    ASSERT_OK_AND_ASSIGN(const Grouping chosen, GroupRuns(std::vector{a, b}, {by}));
    EXPECT_THAT(Titles(chosen.columns), ElementsAre("data"));
    EXPECT_THAT(chosen.others, IsEmpty());
  }
}

TEST(GroupRuns, ATokenizerThatFollowsFromAFieldIsNoColumn) {
  v1::RunDetail a = MadeRun(1, 1, 1), b = MadeRun(1, 1, 1);
  b.mutable_spec()->mutable_tokenizer()->set_vocab_size(512);
  Rebind(b, v1::BINDING_ROLE_TOKENIZER, 'b');
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(std::vector{a, b}, {}));
  EXPECT_THAT(Paths(grouping.columns), ElementsAre("tokenizer.vocab_size"));
}

TEST(GroupRuns, ABindingThatOnlySomeHaveIsADifference) {
  v1::RunDetail a = MadeRun(1, 1, 1), b = MadeRun(1, 1, 1);
  v1::DataBinding& binding = *b.add_bindings();
  binding.set_role(v1::BINDING_ROLE_INIT_FROM);
  binding.set_sha256(std::string(64, 'c'));
  binding.set_file_name("base.safetensors");
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(std::vector{a, b}, {}));
  ASSERT_THAT(Titles(grouping.columns), ElementsAre("init_from"));
  EXPECT_EQ(grouping.columns[0].of_run[0].shown, "-");
  EXPECT_EQ(grouping.columns[0].of_run[1].shown, "base.safetensors");
}

TEST(GroupRuns, ThreadsAreASetting) {
  v1::RunDetail a = MadeRun(1, 1, 1), b = MadeRun(1, 1, 1);
  b.mutable_spec()->mutable_resources()->set_threads(2);
  ASSERT_OK_AND_ASSIGN(const Grouping grouping, GroupRuns(std::vector{a, b}, {}));
  EXPECT_THAT(Titles(grouping.columns), ElementsAre("threads"));
}

}  // namespace
}  // namespace shoal::analysis
