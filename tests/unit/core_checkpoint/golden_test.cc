// Files of the safetensors library are read, and it reads ours: tests/golden/checkpoint was made by
// tests/golden/scripts/make_safetensors_golden.py.
#include <cstring>

#include "core/base/file.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "tests/unit/core_checkpoint/samples.h"

namespace shoal::checkpoint {
namespace {

using GoldenTest = TempDirTest;

TEST_F(GoldenTest, ReadsTheLibrarysFile) {
  ASSERT_OK_AND_ASSIGN(
      CheckpointReader reader,
      CheckpointReader::Open(SourcePath("tests/golden/checkpoint/foreign.safetensors")));
  EXPECT_EQ(reader.manifest().kind, v1::CHECKPOINT_KIND_UNSPECIFIED);
  ASSERT_EQ(reader.tensors().size(), 4u);
  std::vector<float> weight(12);
  ASSERT_OK(reader.Read("wte.weight", TensorType::kF32, std::vector<int64_t>{3, 4},
                        std::as_writable_bytes(std::span(weight))));
  for (size_t i = 0; i < weight.size(); ++i) EXPECT_EQ(weight[i], static_cast<float>(i) / 8);
  std::vector<uint16_t> half(6);
  ASSERT_OK(reader.Read("wte.half", TensorType::kBf16, std::vector<int64_t>{2, 3},
                        std::as_writable_bytes(std::span(half))));
  EXPECT_THAT(half, testing::ElementsAre(0xC040, 0xC000, 0xBF80, 0x0000, 0x3F80, 0x4000));
  float scalar = 0;
  ASSERT_OK(reader.Read("scalar", TensorType::kF32, std::vector<int64_t>{},
                        std::as_writable_bytes(std::span(&scalar, 1))));
  EXPECT_EQ(scalar, 2.5f);
  EXPECT_EQ(reader.Find("empty")->shape, (std::vector<int64_t>{0, 5}));
  EXPECT_OK(reader.VerifyAll());
}

// Byte for byte what the library read (shoal.txt is its account). To renew after a change of
// format: run this test, copy the file it names, run the script.
TEST_F(GoldenTest, WritesWhatTheLibraryRead) {
  ASSERT_OK(WriteCheckpoint(files_, Path("shoal.safetensors"), SampleManifest(),
                            SampleTensors().Sources()));
  ASSERT_OK_AND_ASSIGN(const std::string written, files_.ReadFile(Path("shoal.safetensors")));
  auto golden = files_.ReadFile(SourcePath("tests/golden/checkpoint/shoal.safetensors"));
  if (!golden.ok() || *golden != written) {
    ASSERT_OK(files_.WriteFileAtomic(BuildPath("shoal.safetensors"), written));
  }
  ASSERT_OK(golden);
  EXPECT_TRUE(*golden == written) << "see " << BuildPath("shoal.safetensors");
  ASSERT_OK_AND_ASSIGN(const std::string account,
                       files_.ReadFile(SourcePath("tests/golden/checkpoint/shoal.txt")));
  EXPECT_THAT(account, testing::HasSubstr("blocks.0.attn.qkv.weight torch.float32 [3, 2] [0.5, "
                                          "-1.25, 3.0, "));
  EXPECT_THAT(account, testing::HasSubstr("head.weight torch.bfloat16 [2, 2] [1.0, -2.0, inf, "));
  EXPECT_THAT(account, testing::HasSubstr("shoal.step=1200\n"));
}

}  // namespace
}  // namespace shoal::checkpoint
