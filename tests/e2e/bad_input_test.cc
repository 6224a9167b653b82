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
  const auto there = [&](std::string text) {
    for (size_t at = 0; (at = text.find("IN/", at)) != std::string::npos; at += dir.size())
      text.replace(at, 2, dir);
    return text;
  };
  for (std::string& argument : bad.arguments) argument = there(argument);
  const std::string cause = there(bad.cause), remedy = there(bad.remedy);
  bad.cause = cause.c_str();
  bad.remedy = remedy.c_str();
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
        Case{"DuplicateKey",
             {"launch", "IN/twice.yaml"},
             2,
             "twice.yaml:3:1: 'seed' is given twice",
             "first in line 2: keep one"},
        Case{"WrongType",
             {"launch", "tiny", "--set", "model.n_layers=four"},
             2,
             "is 'four'",
             "expected an integer"},
        Case{"OutOfRange",
             {"launch", "tiny", "--set", "model.n_layers=0"},
             2,
             "is 0",
             "must be >= 1 and <= 256"},
        Case{"ZeroSteps",
             {"launch", "tiny", "--set", "train.steps=0"},
             2,
             "train.steps",
             "must be >= 1"},
        Case{"NotAMultiple",
             {"launch", "tiny", "--set", "model.d_model=130"},
             2,
             "must divide d_model (130)",
             "is 4"},
        Case{"BrokenYaml",
             {"launch", "IN/indent.yaml"},
             2,
             "indent.yaml:3:1: is not YAML",
             "indent with spaces"},
        Case{"MissingRecipe",
             {"launch", "tinny"},
             2,
             "no such file",
             "quickstart, shakespeare-cpu, tiny"},
        Case{"MissingFile",
             {"launch", "tiny", "--set", "data.persona=", "--set", "data.train=IN/latin.jsonl"},
             2,
             "data.train: no such file",
             "did you mean IN/latin1.jsonl?"},
        Case{"EmptyDataSet",
             {"launch", "tiny", "--set", "data.persona=", "--set", "data.train=IN/empty.jsonl"},
             2,
             "empty.jsonl is empty",
             "Lines look like {"},
        Case{"NoUsableLine",
             {"launch", "tiny", "--set", "data.persona=", "--set", "data.train=IN/prose.jsonl"},
             2,
             "prose.jsonl:1: not JSON",
             "a file of plain text is named .txt"},
        Case{"NoSource",
             {"launch", "tiny", "--set", "data.persona="},
             2,
             "needs a source",
             "--set data.train=FILE"},
        Case{"TwoSources",
             {"launch", "tiny", "--set", "data.persona=pebble", "--set",
              "data.train=IN/prose.jsonl"},
             2,
             "data: give either persona or train",
             "not both"},
        Case{"NoLineIsUtf8",
             {"launch", "tiny", "--set", "data.train=IN/latin1.jsonl"},
             2,
             "latin1.jsonl:1: not JSON: The input is not valid UTF-8",
             "iconv -f LATIN1 -t UTF-8"},
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
             "Unigram is not supported",
             "only BPE and WordPiece are"},
        Case{"CutTokenizer",
             {"launch", "tiny", "--set", "tokenizer.path=IN/cut.json"},
             2,
             "cut.json: not JSON",
             "fetch or copy it again"},
        Case{"VocabularyTooSmall",
             {"launch", "tiny", "--set", "model.vocab_size=300", "--set", "data.conversations=500"},
             2,
             "model.vocab_size",
             "must be 0 or at least tokenizer.vocab_size (2048)"},
        Case{"SweepValueTwice",
             {"sweep", "tiny", "--vary", "model.n_layers=2,2"},
             2,
             "'2' is given twice",
             "--repeats 2"},
        Case{"SweepUnknownPath",
             {"sweep", "tiny", "--vary", "model.layers=1,2"},
             2,
             "model.layers",
             "n_layers"},
        Case{"LostSet",
             {"launch", "tiny", "--set", "model.n_layers=1", "train.steps=20"},
             2,
             "'train.steps=20' has no option before it",
             "--set model.n_layers=2 --set train.steps=20"},
        Case{"LostVary",
             {"sweep", "tiny", "--vary", "seed=1,2", "model.n_layers=1,2"},
             2,
             "'model.n_layers=1,2' has no option before it",
             "each field has a --set or --vary of its own"},
        Case{"TagsWithoutBrackets",
             {"launch", "tiny", "--set", "tags=a,b"},
             2,
             "must not hold a comma",
             "tags=[a,b]"},
        Case{"RangeWithoutCount",
             {"sweep", "tiny", "--vary", "train.optimizer.lr=1e-4..1e-2:log"},
             2,
             "a grid needs `count`",
             "--vary train.optimizer.lr=0.0001..0.01:log:5"},
        Case{"NameWithASpace",
             {"launch", "tiny", "--name", "a b"},
             2,
             "--name: name: may hold letters",
             "is 'a b'"},
        Case{"SweepNameWithASpace",
             {"sweep", "tiny", "--vary", "seed=1,2", "--name", "a b"},
             2,
             "--name: name: may hold letters",
             "is 'a b'"},
        Case{"DatasetNameWithASpace",
             {"dataset", "import", "IN/texts.jsonl", "--name", "a b"},
             2,
             "--name: the name of a data set may hold letters",
             "is 'a b'"},
        Case{"ImportOfNothing",
             {"dataset", "import", "IN/text.jsonl", "--name", "a"},
             2,
             "text.jsonl: no such file or folder",
             "did you mean IN/texts.jsonl?"},
        Case{"OutputNowhere",
             {"tokenizer", "train", "IN/texts.jsonl", "--out", "IN/no/x.json"},
             2,
             "--out: there is no folder IN/no",
             "`mkdir -p IN/no` makes it"},
        Case{"TextNowhere",
             {"tokenizer", "train", "IN/texs.jsonl", "--out", "IN/x.json"},
             2,
             "texs.jsonl: no such file or folder",
             "did you mean IN/texts.jsonl?"},
        Case{"TokenizerNowhere",
             {"tokenizer", "lint", "IN/tokenzer.json"},
             2,
             "tokenzer.json: no such file or folder",
             "did you mean IN/tokenizer.json?"},
        Case{"LintOfNothing",
             {"dataset", "lint", "IN/proze.jsonl"},
             2,
             "proze.jsonl: no such file or folder",
             "did you mean IN/prose.jsonl?"},
        Case{"UnknownCommand",
             {"lauch", "tiny"},
             2,
             "no command is called 'lauch'",
             "did you mean `shoal launch`?"},
        Case{"UnknownOption",
             {"launch", "tiny", "--folow"},
             2,
             "--folow",
             "`shoal launch --help` explains"},
        Case{"NotUtf8",
             {"launch", "t\xff"},
             2,
             "argument 2 is not UTF-8 text",
             "the terminal's locale?"},
        Case{"BadDuration",
             {"up", "--lease", "soon"},
             2,
             "'soon' is not a duration",
             "such as 30s or 5m"},
        Case{"NoFolder",
             {"list", "--data-dir", "/proc/shoal"},
             5,
             "/proc/shoal cannot be used",
             "name another with SHOAL_HOME or --data-dir"}),
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
  const std::string nested = lab.data_dir() + "/nested";
  ASSERT_OK(files.MakeDirs(nested + "/a"));
  ASSERT_OK(files.WriteFileAtomic(nested + "/a/b.txt", "text"));
  const std::string noise = lab.data_dir() + "/noise.txt";
  std::string bytes;
  for (int i = 0; i < 400; ++i) bytes += static_cast<char>(i % 2 == 0 ? 'x' : 0x80 + i % 100);
  ASSERT_OK(files.WriteFileAtomic(noise, bytes));
  const std::string zeros = lab.data_dir() + "/zeros.txt";
  ASSERT_OK(files.WriteFileAtomic(zeros, std::string("some\0text", 9)));
  const Case cases[] = {
      {"UnknownRun",
       {"show", "tinny"},
       2,
       "there is no run or sweep \"tinny\"",
       "did you mean tiny?"},
      {"UnknownMetric", {"plot", "tiny", "--metric", "train/los"}, 2, "train/los", "train/loss"},
      {"UnknownDataset",
       {"launch", "tiny", "--set", "data.persona=", "--set", "data.dataset=nope"},
       2,
       "nope",
       "shoal dataset import"},
      {"TruncatedArchive",
       {"dataset", "import", cut, "--name", "cut"},
       2,
       "is a truncated archive",
       "fetch or copy it again"},
      {"FolderOfFolders",
       {"dataset", "import", nested, "--name", "nested"},
       2,
       "no file of data is there",
       "are not looked into: import "},
      {"NotText",
       {"dataset", "import", noise, "--name", "noise"},
       2,
       "noise.txt does not look like text: 2",
       "--format text takes the bytes as they are"},
      {"ZeroBytes",
       {"dataset", "import", zeros, "--name", "zeros"},
       2,
       "zeros.txt does not look like text: it has zero bytes",
       "formats are jsonl"},
      {"MissingColumn",
       {"dataset", "import", labels, "--name", "l", "--columns", "text=1,label=9"},
       2,
       "there is no column 9",
       "the file has 2"},
      {"UnreachableLab",
       {"--lab", lab.data_dir() + "/no.join", "list"},
       2,
       "no.join",
       "copy it from there"},
      {"DeadSocket",
       {"--lab", "unix:" + lab.data_dir() + "/no.sock", "list"},
       4,
       "no.sock",
       "`shoal doctor` looks for the reason"},
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
  Expect(
      lab,
      {"TwoLabs", {"coordinator"}, 5, "in use by the coordinator", "or use another data folder"});
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
