// Data sets as a person makes them: imported in one command each, shown, mixed, trained on.

#include <set>

#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/base/subprocess.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shoal/v1/dataset.pb.h"
#include "tests/e2e/lab_driver.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Datasets : public testing::Test {
 protected:
  Datasets() : sources_(*TempDir::Make("", "shoal-sources-")) {}

  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = sources_.File(name);
    EXPECT_OK(files_.MakeDirs(DirName(path)));
    EXPECT_OK(files_.WriteFileAtomic(path, text));
    return path;
  }
  v1::Dataset ImportAs(const std::string& name, const std::string& path,
                       std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"dataset", "import", path, "--name", name};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Member<v1::Dataset>(lab_.Json(arguments), "dataset");
  }
  // Two classes that differ in every word, for a model that learns in a few steps.
  std::string Reviews() {
    std::string text = "text,label\n";
    for (int i = 0; i < 60; ++i) {
      StrAppend(text, "a fine and happy day number ", i, ",good\n");
      StrAppend(text, "the worst of all nights was ", i, ",bad\n");
    }
    return Write("reviews.csv", text);
  }

  LabDriver lab_;
  const TempDir sources_;
  RealFileSystem files_;
};

TEST_F(Datasets, SixPublishedShapesInOneCommandEach) {
  Write("fewrel/pid2name.json", R"({"P1":["crosses","..."]})");
  Write("fewrel/val_wiki.json",
        R"({"P1":[{"tokens":["a","b"],"h":["a","Q1",[[0]]],"t":["b","Q2",[[1]]]}]})");
  const v1::Dataset fewrel = ImportAs("fewrel", sources_.File("fewrel"));
  EXPECT_EQ(fewrel.train().label_counts().at("crosses"), 1);

  Write("agnews/train.csv",
        "\"1\",\"War (Reuters)\"\n\"2\",\"Match\"\n\"3\",\"Oil\"\n"
        "\"4\",\"Chips\"\n");
  const v1::Dataset agnews = ImportAs("agnews", sources_.File("agnews"));
  EXPECT_EQ(agnews.train().label_counts().at("2"), 1);
  EXPECT_THAT(agnews.source(), HasSubstr("AG News"));

  Write("dbpedia/classes.txt", "Company\nArtist\n");
  Write("dbpedia/train14k.csv", "0,a firm\n1,a singer\n");
  Write("dbpedia/dhim-val.csv", "\"1\",\"b firm\"\n\"2\",\"b singer\"\n");
  const v1::Dataset dbpedia = ImportAs("dbpedia", sources_.File("dbpedia"));
  EXPECT_EQ(dbpedia.held_out().label_counts().at("Artist"), 1);
  EXPECT_EQ(dbpedia.train().label_counts().at("Artist"), 1);

  Write("trec/train.txt", "DESC:manner How ?\nHUM:ind Who ?\nNUM:date When ?\n");
  EXPECT_EQ(ImportAs("trec", sources_.File("trec")).labels_size(), 3);

  Write("banking77/train.csv", "text,category\n\"a, b\",card\nc,cash\n");
  EXPECT_EQ(ImportAs("banking77", sources_.File("banking77")).labels_size(), 2);

  Write("clinc150/all.json", R"({"train":[["a","x"]],"val":[["b","x"]],"oos_val":[["c","oos"]]})");
  EXPECT_EQ(ImportAs("clinc150", sources_.File("clinc150")).held_out().examples(), 2);

  const CapturedRun list = lab_.Shoal({"dataset", "list"});
  EXPECT_EQ(list.exit.code, 0) << list.err;
  for (const char* name : {"fewrel", "agnews", "dbpedia", "trec", "banking77", "clinc150"}) {
    EXPECT_THAT(list.out, HasSubstr(name));
  }
}

TEST_F(Datasets, AModelTrainsOnOneAndIsAskedAsItLearned) {
  ImportAs("reviews", Reviews());
  const v1::Run run = lab_.Launch({"--follow", "--set", "data.dataset=reviews", "--set",
                                   "train.steps=20", "--set", "evaluate.every=20"});
  EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED);
  EXPECT_EQ(run.dataset(), "reviews");
  const v1::RunDetail detail = lab_.Show(run.name());
  EXPECT_EQ(detail.spec().data().persona(), "") << "the recipe's persona was replaced";
  const CapturedRun talk = lab_.Shoal({"chat", run.name()}, "a fine day\n");
  EXPECT_EQ(talk.exit.code, 0) << "a labelled set trains a model that answers: " << talk.err;

  // The same words as plain texts make a model that has never seen chat markup.
  std::string lines;
  for (int i = 0; i < 60; ++i) StrAppend(lines, "{\"text\":\"once upon a time ", i, "\"}\n");
  ImportAs("tales", Write("tales.jsonl", lines));
  const v1::Run tales = lab_.Launch({"--follow", "--set", "data.dataset=tales", "--set",
                                     "train.steps=20", "--set", "train.loss_on=all"});
  EXPECT_EQ(tales.status(), v1::RUN_STATUS_SUCCEEDED);
  const CapturedRun refused = lab_.Shoal({"chat", tales.name()}, "hi\n");
  EXPECT_EQ(refused.exit.code, 5);
  EXPECT_THAT(refused.err, HasSubstr("learned plain text"));
  // So it is for files that are no data set of the lab.
  const v1::Run file =
      lab_.Launch({"--follow", "--set", StrCat("data.train=", sources_.File("tales.jsonl")),
                   "--set", "train.steps=20", "--set", "train.loss_on=all"});
  EXPECT_EQ(lab_.Shoal({"chat", file.name()}, "hi\n").exit.code, 5);

  const CapturedRun wrong = lab_.Shoal({"launch", "tiny", "--set", "data.dataset=tales"});
  EXPECT_EQ(wrong.exit.code, 2);  // tiny learns responses
  EXPECT_THAT(wrong.err,
              AllOf(HasSubstr("train.loss_on=response"), HasSubstr("--set train.loss_on=all")));
}

TEST_F(Datasets, AreVariedLikeAnyOtherField) {
  ImportAs("reviews", Reviews());
  std::string more = "text,label\n";
  for (int i = 0; i < 60; ++i)
    StrAppend(more, "day ", i, i % 2 == 0 ? " was calm,fine\n" : " was rough,poor\n");
  ImportAs("more", Write("more.csv", more));
  const CapturedRun planned =
      lab_.Shoal({"sweep", "tiny", "--vary", "data.dataset=reviews,more", "--dry-run", "--set",
                  "train.steps=20", "--set", "train.schedule.warmup_steps=2"});
  EXPECT_EQ(planned.exit.code, 0) << planned.err;  // the recipe's persona was replaced
  EXPECT_THAT(planned.out, AllOf(HasSubstr("reviews"), HasSubstr("more")));
}

TEST_F(Datasets, NothingIsDroppedSilently) {
  const std::string path = Write("mixed.jsonl",
                                 "{\"prompt\":\"a\",\"response\":\"b\"}\n\nnot json\n"
                                 "{\"prompt\":\"c\"}\n{\"prompt\":\"d\",\"response\":\"e\"}\n");
  const CapturedRun imported =
      lab_.Shoal({"dataset", "import", path, "--name", "mixed", "--held-out", "0"});
  EXPECT_EQ(imported.exit.code, 0) << imported.err;
  EXPECT_THAT(imported.out, AllOf(HasSubstr("5 records = 2 examples + 2 malformed + 1 empty"),
                                  HasSubstr("mixed.jsonl:3: not JSON"),
                                  HasSubstr("mixed.jsonl:4: \"response\" is missing")));
  const CapturedRun shown = lab_.Shoal({"dataset", "show", "mixed", "--samples", "2"});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("5 records = 2 examples + 2 malformed + 1 empty"),
                               HasSubstr("mixed.jsonl:4:"), HasSubstr("BYTES")));
  EXPECT_THAT(shown.out, AllOf(HasSubstr("user  d"), HasSubstr("assistant  e")));

  const CapturedRun again =
      lab_.Shoal({"dataset", "import", path, "--name", "mixed", "--held-out", "0"});
  EXPECT_EQ(again.exit.code, 0);
  EXPECT_THAT(again.out, HasSubstr("there already"));
  const CapturedRun other = lab_.Shoal({"dataset", "import", Reviews(), "--name", "mixed"});
  EXPECT_EQ(other.exit.code, 5);
  EXPECT_THAT(other.err, AllOf(HasSubstr("stands for other data"), HasSubstr("mixed-2")));

  const CapturedRun unknown = lab_.Shoal({"launch", "tiny", "--set", "data.dataset=mxed"});
  EXPECT_EQ(unknown.exit.code, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("did you mean 'mixed'"), HasSubstr("dataset list")));
  const CapturedRun usage = lab_.Shoal({"dataset", "import", path});
  EXPECT_EQ(usage.exit.code, 2);
  EXPECT_THAT(usage.err, HasSubstr("shoal dataset import --help"));
  EXPECT_EQ(lab_.Shoal({"dataset", "import", "missing.csv", "--name", "x"}).exit.code, 2);
}

TEST_F(Datasets, TokenizersAreTrainedOnThemAndOnArchives) {
  std::string lines;
  for (int i = 0; i < 80; ++i)
    StrAppend(lines, "{\"prompt\":\"say ", i, "\",\"response\":\"it is ", i, " o'clock\"}\n");
  const std::string plain = Write("chats.jsonl", lines);
  SubprocessOptions gzip;
  gzip.args = {"gzip", "-k", plain};
  ASSERT_OK_AND_ASSIGN(const CapturedRun packed, RunAndCapture(gzip, absl::Minutes(1)));
  ASSERT_EQ(packed.exit.code, 0) << packed.err;
  ImportAs("chats", plain, {"--held-out", "0"});

  // The same text, the same tokenizer, whatever it came in.
  std::set<std::string> digests;
  for (const std::string& source : {plain, plain + ".gz", std::string("chats")}) {
    const std::string out = sources_.File("t.json");
    const Struct trained =
        lab_.Json({"tokenizer", "train", source, "--vocab-size", "300", "--out", out});
    digests.insert(trained.fields().at("sha256").string_value());
    const CapturedRun lint = lab_.Shoal({"tokenizer", "lint", out, "--text", source});
    EXPECT_EQ(lint.exit.code, 0) << lint.err;
  }
  EXPECT_EQ(digests.size(), 1U);
  EXPECT_THAT(lab_.Shoal({"dataset", "lint", plain + ".gz"}).out, HasSubstr("examples"));
  const CapturedRun unknown =
      lab_.Shoal({"tokenizer", "train", "chat", "--out", sources_.File("u.json")});
  EXPECT_EQ(unknown.exit.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'chats'?"));

  const CapturedRun plan = lab_.Shoal({"launch", "tiny", "--dry-run", "--set", "data.dataset=chats",
                                       "--set", "tokenizer.vocab_size=300"});
  EXPECT_EQ(plan.exit.code, 0) << plan.err;
  EXPECT_THAT(plan.err, AllOf(HasSubstr("chats has no held-out part: 5 % of it"),
                              HasSubstr("kept apart and not trained on")));
}

TEST_F(Datasets, LintAndShowCountAlike) {
  const v1::Dataset set = ImportAs("reviews", Reviews());
  const Struct lint = lab_.Json({"dataset", "lint", "reviews"}, 3);  // numbered alike
  const auto& train = lint.fields().at("train").struct_value().fields();
  EXPECT_EQ(train.at("bytes").number_value(), static_cast<double>(set.train().bytes()));
  EXPECT_EQ(train.at("bytes_median").number_value(),
            static_cast<double>(set.train().length_median()));
  EXPECT_THAT(lab_.Shoal({"dataset", "lint", "reviews"}).out,
              testing::ContainsRegex("\nlabels +2 +2\n"));
}

TEST_F(Datasets, MixturesAndPersonas) {
  ImportAs("reviews", Reviews());
  const v1::Dataset otters = Member<v1::Dataset>(
      lab_.Json({"dataset", "generate", "pebble", "--conversations", "200", "--name", "otters"}),
      "dataset");
  EXPECT_EQ(otters.kind(), "conversations");
  EXPECT_EQ(otters.train().examples() + otters.held_out().examples(), 200);
  const v1::Dataset mixed =
      Member<v1::Dataset>(lab_.Json({"dataset", "mix", "both", "--of", "reviews=0.25", "--of",
                                     "otters=0.75", "--examples", "100"}),
                          "dataset");
  EXPECT_EQ(mixed.train().examples(), 100);
  ASSERT_EQ(mixed.mixture_size(), 2);
  EXPECT_EQ(mixed.mixture(0).train_examples(), 25);
  EXPECT_EQ(mixed.mixture(1).dataset_id(), otters.dataset_id());
  const v1::Run run =
      lab_.Launch({"--follow", "--set", "data.dataset=both", "--set", "train.steps=20"});
  EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED);
}

}  // namespace
}  // namespace shoal::e2e
