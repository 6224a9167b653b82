#include "cli/lab/files_check.h"

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::cli {
namespace {

class FilesCheckTest : public TempDirTest {};

TEST_F(FilesCheckTest, FilesThatAreThereAreFine) {
  ASSERT_OK(files_.WriteFileAtomic(Path("a.jsonl"), "{}"));
  v1::RunSpec spec;
  EXPECT_OK(CheckFiles(spec));  // names none
  spec.mutable_data()->set_train(Path("a.jsonl"));
  EXPECT_OK(CheckFiles(spec));
}

TEST_F(FilesCheckTest, EveryFileThatIsMissingIsNamedWhereItWasWritten) {
  v1::RunSpec spec;
  spec.mutable_data()->set_train("/nofile.txt");
  spec.mutable_data()->set_held_out("/proc/1/nofile/x.txt");
  spec.mutable_tokenizer()->set_path(dir());
  const spec::Positions positions = {{"data.train", "--set"}, {"tokenizer.path", "t.yaml:3:5"}};
  const absl::Status status = CheckFiles(spec, &positions);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            StrCat("--set: data.train: no such file: '/nofile.txt'; `ls /` lists what is there\n",
                   "data.held_out: no such file: '/proc/1/nofile/x.txt'; there is no folder "
                   "/proc/1/nofile either\n",
                   "t.yaml:3:5: tokenizer.path: '", dir(), "' is a folder, not a file"));
}

TEST_F(FilesCheckTest, AMissingFileComesWithWhatIsNear) {
  ASSERT_OK(files_.WriteFileAtomic(Path("train.jsonl"), "{}"));
  EXPECT_OK(CheckThere(Path("train.jsonl")));
  EXPECT_THAT(CheckThere(Path("trian.jsonl")),
              StatusIs(absl::StatusCode::kNotFound,
                       StrCat(Path("trian.jsonl"), ": no such file or folder; did you mean ",
                              Path("train.jsonl"), "?")));
  EXPECT_THAT(CheckThere("shoal-no-such-file").message(),
              testing::HasSubstr("; it is looked for in /"));
}

TEST_F(FilesCheckTest, AFileIsMadeOnlyInAFolderThatIsThere) {
  EXPECT_OK(CheckCanBeMade("--out", Path("x.json")));
  EXPECT_OK(CheckCanBeMade("--out", "x.json"));
  EXPECT_THAT(CheckCanBeMade("--out", Path("no/x.json")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       StrCat("--out: there is no folder ", Path("no"), "; `mkdir -p ", Path("no"),
                              "` makes it")));
  EXPECT_THAT(CheckCanBeMade("--out", dir()).message(), testing::HasSubstr("name a file in it"));
}

}  // namespace
}  // namespace shoal::cli
