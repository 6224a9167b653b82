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
            StrCat("--set: data.train: no such file: '/nofile.txt'\n",
                   "data.held_out: no such file: '/proc/1/nofile/x.txt'\n",
                   "t.yaml:3:5: tokenizer.path: '", dir(), "' is a folder, not a file"));
}

}  // namespace
}  // namespace shoal::cli
