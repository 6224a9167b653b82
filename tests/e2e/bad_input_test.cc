// Bad input by hand: each kind ends with the documented exit code, one sentence of cause, one of
// remedy, and nothing lost or left behind.

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Case {
  const char* name;
  std::vector<std::string> arguments;
  int code;
  const char* cause;
  const char* remedy;
};

std::ostream& operator<<(std::ostream& out, const Case& bad) { return out << bad.name; }

void Expect(LabDriver& lab, const Case& bad) {
  SCOPED_TRACE(bad.name);
  const CapturedRun run = lab.Shoal(bad.arguments);
  EXPECT_EQ(run.exit.code, bad.code) << run.out << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("shoal: "), HasSubstr(bad.cause), HasSubstr(bad.remedy)));
  EXPECT_THAT(run.err, Not(HasSubstr("INTERNAL")));
}

std::string Pairs(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    out += StrCat("{\"prompt\": \"say ", i, "\", \"response\": \"it is ", i, "\"}\n");
  }
  return out;
}

std::string Texts(int count) {
  std::string out;
  for (int i = 0; i < count; ++i)
    out += StrCat("{\"text\": \"The sea was calm on day ", i, ".\"}\n");
  return out;
}

// --- Found by the client alone: no lab is needed, and none is started.

class BadSpec : public testing::TestWithParam<Case> {};

TEST_P(BadSpec, IsRefusedBeforeAnythingStarts) {
  LabDriver lab;
  RealFileSystem files;
  const std::string dir = lab.data_dir() + "/in";
  ASSERT_OK(files.MakeDirs(dir));
  ASSERT_OK(files.WriteFileAtomic(dir + "/twice.yaml", "name: a\nseed: 1\nseed: 2\n"));
  ASSERT_OK(files.WriteFileAtomic(dir + "/indent.yaml", "model:\n  n_layers: 2\n\td_model: 8\n"));
  ASSERT_OK(files.WriteFileAtomic(dir + "/empty.jsonl", ""));
  ASSERT_OK(files.WriteFileAtomic(dir + "/prose.jsonl", "Once upon a time\nthere was a file\n"));
  ASSERT_OK(files.WriteFileAtomic(dir + "/tokenizer.json", "{\"model\": {\"type\": \"Unigram\"}}"));
  ASSERT_OK(files.WriteFileAtomic(dir + "/cut.json", "{\"model\": {\"type\": \"BP"));
  ASSERT_OK(files.WriteFileAtomic(dir + "/latin1.jsonl", "{\"text\": \"caf\xe9\"}\n"));
  ASSERT_OK(files.WriteFileAtomic(dir + "/one.jsonl", Pairs(1)));
  ASSERT_OK(files.WriteFileAtomic(dir + "/texts.jsonl", Texts(40)));
  Case bad = GetParam();
  for (std::string& argument : bad.arguments) {
    const size_t at = argument.find("IN/");
    if (at != std::string::npos) argument.replace(at, 2, dir);
  }
  Expect(lab, bad);
  EXPECT_EQ(lab.UpPid(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BadSpec,
    testing::Values(
        Case{"UnknownKey",
             {"launch", "tiny", "--set", "model.layers=4"},
             2,
             "model.layers",
             "n_layers"},
        Case{"DuplicateKey", {"launch", "IN/twice.yaml"}, 2, "twice.yaml:3:1", "given twice"},
        Case{"WrongType", {"launch", "tiny", "--set", "model.n_layers=four"}, 2, "four", "integer"},
        Case{"OutOfRange", {"launch", "tiny", "--set", "model.n_layers=0"}, 2, "is 0", ">= 1"},
        Case{"ZeroSteps", {"launch", "tiny", "--set", "train.steps=0"}, 2, "train.steps", ">= 1"},
        Case{"NotAMultiple", {"launch", "tiny", "--set", "model.d_model=130"}, 2, "130", "n_heads"},
        Case{"BrokenYaml", {"launch", "IN/indent.yaml"}, 2, "indent.yaml:3", ""},
        Case{"MissingRecipe", {"launch", "tinny"}, 2, "tinny", "tiny"},
        Case{"MissingFile",
             {"launch", "tiny", "--set", "data.persona=", "--set", "data.train=IN/absent.jsonl"},
             2,
             "absent.jsonl",
             "data.train"},
        Case{"EmptyDataSet",
             {"launch", "tiny", "--set", "data.persona=", "--set", "data.train=IN/empty.jsonl"},
             2,
             "empty.jsonl",
             "empty"},
        Case{"NoUsableLine",
             {"launch", "tiny", "--set", "data.persona=", "--set", "data.train=IN/prose.jsonl"},
             2,
             "prose.jsonl:1",
             ".txt"},
        Case{"NoSource", {"launch", "tiny", "--set", "data.persona="}, 2, "data", "persona"},
        Case{"TwoSources",
             {"launch", "tiny", "--set", "data.persona=pebble", "--set",
              "data.train=IN/prose.jsonl"},
             2,
             "persona",
             "not both"},
        Case{"NoLineIsUtf8",
             {"launch", "tiny", "--set", "data.train=IN/latin1.jsonl"},
             2,
             "latin1.jsonl:1",
             "UTF-8"},
        Case{"NothingHeldOut",
             {"launch", "tiny", "--set", "data.train=IN/one.jsonl"},
             2,
             "no held-out example",
             "held_out_fraction"},
        Case{"NothingToLearn",
             {"launch", "tiny", "--set", "data.train=IN/texts.jsonl"},
             2,
             "no example has a response",
             "train.loss_on=all"},
        Case{"SequenceTooLong",
             {"launch", "tiny", "--set", "model.max_seq=4", "--set", "data.conversations=500"},
             2,
             "within 4 tokens",
             "raise model.max_seq"},
        Case{"UnknownPersona",
             {"launch", "tiny", "--set", "data.persona=peble"},
             2,
             "peble",
             "pebble"},
        Case{"WrongTokenizer",
             {"launch", "tiny", "--set", "tokenizer.path=IN/tokenizer.json"},
             2,
             "Unigram",
             "BPE"},
        Case{"CutTokenizer",
             {"launch", "tiny", "--set", "tokenizer.path=IN/cut.json"},
             2,
             "cut.json",
             "JSON"},
        Case{"VocabularyTooSmall",
             {"launch", "tiny", "--set", "model.vocab_size=300", "--set", "data.conversations=500"},
             2,
             "model.vocab_size",
             "300"},
        Case{"SweepValueTwice", {"sweep", "tiny", "--vary", "model.n_layers=2,2"}, 2, "2", "twice"},
        Case{"SweepUnknownPath",
             {"sweep", "tiny", "--vary", "model.layers=1,2"},
             2,
             "model.layers",
             "n_layers"},
        Case{"UnknownCommand", {"lauch", "tiny"}, 2, "lauch", "shoal launch"},
        Case{"UnknownOption", {"launch", "tiny", "--folow"}, 2, "--folow", "--help"},
        Case{"NotUtf8", {"launch", "t\xff"}, 2, "argument 2", "UTF-8"},
        Case{"BadDuration", {"up", "--lease", "soon"}, 2, "soon", "30s"},
        Case{"NoFolder", {"list", "--data-dir", "/proc/shoal"}, 5, "/proc/shoal", "--data-dir"}),
    [](const testing::TestParamInfo<Case>& kind) { return std::string(kind.param.name); });

// --- Found by the lab.

TEST(BadRequest, IsAnsweredWithCauseAndRemedy) {
  LabDriver lab;
  lab.Launch({"--follow"});
  RealFileSystem files;
  const std::string labels = lab.data_dir() + "/labels.csv";
  ASSERT_OK(files.WriteFileAtomic(labels, "text,label\nhi,greeting\nbye\n"));
  const std::string cut = lab.data_dir() + "/cut.jsonl.gz";
  ASSERT_OK(files.WriteFileAtomic(cut, "\x1f\x8b\x08\x00\x00"));
  const Case cases[] = {
      {"UnknownRun", {"show", "tinny"}, 2, "tinny", "tiny"},
      {"UnknownMetric", {"plot", "tiny", "--metric", "train/los"}, 2, "train/los", "train/loss"},
      {"UnknownDataset",
       {"launch", "tiny", "--set", "data.persona=", "--set", "data.dataset=nope"},
       2,
       "nope",
       "shoal dataset import"},
      {"TruncatedArchive", {"dataset", "import", cut, "--name", "cut"}, 2, "cut.jsonl.gz", "cut"},
      {"MissingColumn",
       {"dataset", "import", labels, "--name", "l", "--columns", "text=1,label=9"},
       2,
       "9",
       "columns"},
      {"UnreachableLab", {"--lab", lab.data_dir() + "/no.join", "list"}, 2, "no.join", ""},
      {"DeadSocket", {"--lab", "unix:" + lab.data_dir() + "/no.sock", "list"}, 4, "no.sock", ""},
  };
  for (const Case& bad : cases) Expect(lab, bad);
  EXPECT_EQ(lab.Json({"list"}).fields().at("total").number_value(), 1);  // nothing came of them
}

TEST(BadRequest, ALineWithoutALabelIsListedAndTheRestKept) {
  LabDriver lab;
  RealFileSystem files;
  const std::string path = lab.data_dir() + "/labels.csv";
  std::string text = "text,label\n";
  for (int i = 0; i < 40; ++i) text += "hi " + std::to_string(i) + ",greeting\n";
  ASSERT_OK(files.WriteFileAtomic(path, text + "bye\n"));
  const CapturedRun run = lab.Shoal({"dataset", "import", path, "--name", "labels"});
  EXPECT_EQ(run.exit.code, 0) << run.err;
  EXPECT_THAT(run.out + run.err, HasSubstr("labels.csv:42"));
  EXPECT_THAT(lab.Shoal({"dataset", "show", "labels"}).out, HasSubstr("greeting"));
}

TEST(BadFolder, ANewerDatabaseIsLeftAlone) {
  LabDriver lab;
  ASSERT_EQ(lab.Shoal({"list"}).exit.code, 0);
  ASSERT_EQ(lab.Shoal({"down"}).exit.code, 0);
  SubprocessOptions sqlite;
  sqlite.args = {"sqlite3", lab.data_dir() + "/shoal.db",
                 "INSERT INTO schema_migration SELECT 9999, 'future', 'x', applied_at_us FROM "
                 "schema_migration LIMIT 1;"};
  const auto changed = RunAndCapture(sqlite, absl::Seconds(30));
  if (!changed.ok() || !changed->exit.ok()) {
    GTEST_SKIP() << "no sqlite3: " << (changed.ok() ? changed->err : changed.status().ToString());
  }
  Expect(lab, {"NewerDatabase", {"list"}, 5, "used by a newer shoal", "Upgrade this program"});
}

TEST(BadFolder, TwoLabsAreNotLetInOneFolder) {
  LabDriver lab;
  ASSERT_EQ(lab.Shoal({"list"}).exit.code, 0);
  Expect(lab, {"TwoLabs", {"coordinator"}, 5, "in use by the coordinator", "another"});
  EXPECT_EQ(lab.Shoal({"list"}).exit.code, 0);  // the first goes on
}

TEST(BadFolder, ATruncatedCheckpointIsNamedAndNothingIsAnsweredFromIt) {
  LabDriver lab;
  const v1::Run run = lab.Launch({"--follow"});
  int cut = 0;
  const v1::RunDetail detail = lab.Show(run.run_id());
  for (const v1::Checkpoint& checkpoint : detail.checkpoints()) {
    const std::string& hex = checkpoint.artifact().sha256();
    const std::string path =
        StrCat(lab.data_dir(), "/artifacts/", hex.substr(0, 2), "/", hex.substr(2));
    if (truncate(path.c_str(), 1000) == 0) ++cut;
  }
  ASSERT_GT(cut, 0);
  std::filesystem::remove_all(lab.data_dir() + "/worker/cache");  // else the worker has it still
  Expect(lab, {"TruncatedCheckpoint",
               {"generate", "last", "-p", "Hi"},
               4,
               "no longer has its digest",
               "restore"});
}

// A folder on a disk of four mebibytes. Needs the right to mount.
class SmallDisk : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<TempDir> dir = TempDir::Make("", "shoal-full-");
    ASSERT_OK(dir.status());
    dir_.emplace(*std::move(dir));
    if (mount("tmpfs", dir_->path().c_str(), "tmpfs", 0, "size=4m") != 0) {
      GTEST_SKIP() << "cannot mount a small disk here";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) umount2(dir_->path().c_str(), MNT_DETACH);
  }

  std::optional<TempDir> dir_;
  bool mounted_ = false;
};

TEST_F(SmallDisk, AFolderThatCannotBeWrittenSaysSo) {
  ASSERT_EQ(mount("tmpfs", dir_->path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m"), 0);
  LabDriver lab;
  Expect(lab, {"ReadOnly",
               {"--data-dir", dir_->path() + "/lab", "up"},
               5,
               "Read-only file system",
               dir_->path().c_str()});
}

TEST_F(SmallDisk, RefusesAndLosesNothing) {
  LabDriver lab;
  const std::vector<std::string> there = {"--data-dir", dir_->path() + "/lab"};
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), there.begin(), there.end());
    return arguments;
  };
  ASSERT_EQ(lab.Shoal(with({"up"})).exit.code, 0);
  const int filler = open((dir_->path() + "/filler").c_str(), O_CREAT | O_WRONLY, 0600);
  const std::string block(4096, 'x');
  while (write(filler, block.data(), block.size()) > 0) {
  }
  close(filler);
  const CapturedRun refused =
      lab.Shoal(with({"launch", "tiny", "--set", "data.conversations=500"}));
  EXPECT_TRUE(refused.exit.code == 5 || refused.exit.code == 4) << refused.exit.code << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("pace"));        // "no space left", "free some space"
  EXPECT_EQ(lab.Shoal(with({"list"})).exit.code, 0);  // reading goes on
  unlink((dir_->path() + "/filler").c_str());
  EXPECT_EQ(lab.Shoal(with({"list"})).exit.code, 0);
  EXPECT_EQ(lab.Shoal(with({"down"})).exit.code, 0);
}

}  // namespace
}  // namespace shoal::e2e
