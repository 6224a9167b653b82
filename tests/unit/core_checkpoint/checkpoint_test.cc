// Writing and reading, and what is refused while writing.
#include "core/checkpoint/checkpoint.h"

#include <bit>

#include "core/base/random.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "tests/unit/core_checkpoint/samples.h"

namespace shoal::checkpoint {
namespace {

using absl::StatusCode;
using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;

using CheckpointTest = TempDirTest;

template <typename T>
absl::Status ReadInto(CheckpointReader& reader, std::string_view name, TensorType type,
                      std::vector<int64_t> shape, std::vector<T>& out) {
  return reader.Read(name, type, shape, std::as_writable_bytes(std::span(out)));
}

TEST_F(CheckpointTest, RoundTrip) {
  const SampleTensors samples;
  ASSERT_OK_AND_ASSIGN(
      const WrittenFile written,
      WriteCheckpoint(files_, Path("c.safetensors"), SampleManifest(), samples.Sources()));
  EXPECT_THAT(Sha256OfFile(Path("c.safetensors")), IsOkAndHolds(written.digest));
  EXPECT_THAT(files_.FileSize(Path("c.safetensors")), IsOkAndHolds(written.size_bytes));
  EXPECT_THAT(files_.ListDir(dir()), IsOkAndHolds(testing::ElementsAre("c.safetensors")));

  ASSERT_OK_AND_ASSIGN(CheckpointReader reader, CheckpointReader::Open(Path("c.safetensors")));
  const Manifest expected = SampleManifest();
  const Manifest& manifest = reader.manifest();
  EXPECT_EQ(manifest.kind, expected.kind);
  EXPECT_EQ(manifest.step, expected.step);
  EXPECT_EQ(manifest.run_id, expected.run_id);
  EXPECT_EQ(manifest.request_digest, expected.request_digest);
  EXPECT_TRUE(MessageDifferencer::Equals(manifest.model, expected.model));
  EXPECT_EQ(manifest.vocab_size, expected.vocab_size);
  EXPECT_EQ(manifest.tokenizer_digest, expected.tokenizer_digest);
  EXPECT_TRUE(MessageDifferencer::Equals(manifest.numerics, expected.numerics));

  ASSERT_EQ(reader.tensors().size(), 6u);
  EXPECT_EQ(reader.tensors()[1].name, "head.weight");
  EXPECT_EQ(reader.tensors()[1].elements(), 4);
  std::vector<float> weight(6);
  ASSERT_OK(ReadInto(reader, "blocks.0.attn.qkv.weight", TensorType::kF32, {3, 2}, weight));
  for (size_t i = 0; i < weight.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint32_t>(weight[i]), std::bit_cast<uint32_t>(samples.weight[i]));
  }
  std::vector<uint16_t> half(4);
  ASSERT_OK(ReadInto(reader, "head.weight", TensorType::kBf16, {2, 2}, half));
  EXPECT_EQ(half, samples.half);
  std::vector<float> none;
  ASSERT_OK(ReadInto(reader, "empty", TensorType::kF32, {0, 7}, none));
  ASSERT_OK(reader.VerifyAll());
}

TEST_F(CheckpointTest, AsksForWhatIsThere) {
  ASSERT_OK(WriteCheckpoint(files_, Path("c"), SampleManifest(), SampleTensors().Sources()));
  ASSERT_OK_AND_ASSIGN(CheckpointReader reader, CheckpointReader::Open(Path("c")));
  std::vector<float> out(6);
  EXPECT_EQ(reader.Find("nothing"), nullptr);
  EXPECT_THAT(ReadInto(reader, "nothing", TensorType::kF32, {6}, out),
              StatusIs(StatusCode::kNotFound, HasSubstr("has no tensor 'nothing'")));
  EXPECT_THAT(ReadInto(reader, "blocks.0.attn.qkv.weight", TensorType::kF32, {2, 3}, out),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("tensor 'blocks.0.attn.qkv.weight' is F32 [3, 2], expected F32 "
                                 "[2, 3]")));
  EXPECT_THAT(ReadInto(reader, "head.weight", TensorType::kF32, {2, 2}, out),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("is BF16 [2, 2]")));
  out.resize(5);
  EXPECT_THAT(ReadInto(reader, "blocks.0.attn.qkv.weight", TensorType::kF32, {3, 2}, out),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckpointReader::Open(Path("none")), StatusIs(StatusCode::kNotFound));
}

TEST_F(CheckpointTest, TensorsMayBeReadInPieces) {
  // Larger than a piece, so that offsets matter; as from device memory.
  std::vector<float> values(700'001);
  Random random(1, PurposeOf(Purpose::kTest));
  for (float& value : values) value = random.Normal();
  int64_t calls = 0;
  TensorSource source{
      .name = "w",
      .type = TensorType::kF32,
      .shape = {700'001},
      .data = {},
      .read = [&](int64_t offset, std::span<std::byte> out) {
        ++calls;
        std::memcpy(out.data(), reinterpret_cast<const char*>(values.data()) + offset, out.size());
        return absl::OkStatus();
      }};
  ASSERT_OK_AND_ASSIGN(const WrittenFile copied,
                       WriteCheckpoint(files_, Path("copied"), SampleManifest(), {&source, 1}));
  EXPECT_EQ(calls, 6);  // 3 pieces, twice
  const TensorSource direct =
      SampleTensors::Source("w", TensorType::kF32, {700'001}, std::span(values));
  ASSERT_OK_AND_ASSIGN(const WrittenFile mapped,
                       WriteCheckpoint(files_, Path("mapped"), SampleManifest(), {&direct, 1}));
  EXPECT_EQ(copied.digest, mapped.digest);

  source.read = [&](int64_t, std::span<std::byte> out) {
    std::fill(out.begin(), out.end(), static_cast<std::byte>(calls++));
    return absl::OkStatus();
  };
  EXPECT_THAT(WriteCheckpoint(files_, Path("copied"), SampleManifest(), {&source, 1}),
              StatusIs(StatusCode::kInternal, HasSubstr("'w' changed while it was written")));
  source.read = [](int64_t, std::span<std::byte>) { return absl::UnavailableError("gone"); };
  EXPECT_THAT(WriteCheckpoint(files_, Path("copied"), SampleManifest(), {&source, 1}),
              StatusIs(StatusCode::kUnavailable, HasSubstr("reading tensor 'w': gone")));
  EXPECT_THAT(Sha256OfFile(Path("copied")), IsOkAndHolds(copied.digest));
}

TEST_F(CheckpointTest, WeightsAreTheParametersAlone) {
  ASSERT_OK(WriteCheckpoint(files_, Path("c"), SampleManifest(), SampleTensors().Sources()));
  ASSERT_OK(WriteWeightsOf(files_, Path("c"), Path("w")));
  ASSERT_OK_AND_ASSIGN(CheckpointReader reader, CheckpointReader::Open(Path("w")));
  EXPECT_EQ(reader.manifest().kind, v1::CHECKPOINT_KIND_WEIGHTS);
  EXPECT_EQ(reader.manifest().step, 1200);
  EXPECT_EQ(reader.tensors().size(), 4u);
  EXPECT_NE(reader.Find("blocks.0.attn.qkv.weight"), nullptr);
  EXPECT_EQ(reader.Find("optimizer/m/blocks.0.attn.qkv.weight"), nullptr);
  ASSERT_OK(reader.VerifyAll());
}

TEST_F(CheckpointTest, RefusesBadInput) {
  const SampleTensors samples;
  const auto write = [&](Manifest manifest, std::vector<TensorSource> tensors) {
    return WriteCheckpoint(files_, Path("x"), manifest, tensors).status();
  };
  EXPECT_THAT(write(Manifest(), {}), StatusIs(StatusCode::kInvalidArgument));
  Manifest manifest = SampleManifest();
  manifest.request_digest = "short";
  EXPECT_THAT(write(manifest, {}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("the request digest")));
  auto tensors = samples.Sources();
  tensors[1].name = tensors[0].name;
  EXPECT_THAT(write(SampleManifest(), tensors),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is given twice")));
  for (const char* name : {"", "a b", "\"", "__metadata__", "h\xC3\xA9"}) {
    tensors = samples.Sources();
    tensors[0].name = name;
    EXPECT_THAT(write(SampleManifest(), tensors), StatusIs(StatusCode::kInvalidArgument)) << name;
  }
  tensors = samples.Sources();
  tensors[0].shape = {3, 3};
  EXPECT_THAT(write(SampleManifest(), tensors),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("has 24 bytes, its shape [3, 3] of F32 makes 36")));
  tensors[0].shape = {int64_t{1} << 40, int64_t{1} << 40};
  EXPECT_THAT(write(SampleManifest(), tensors),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("impossible shape")));
  tensors[0].shape = {-3, -2};
  EXPECT_THAT(write(SampleManifest(), tensors), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(files_.ListDir(dir()), IsOkAndHolds(testing::IsEmpty()));
}

TEST_F(CheckpointTest, AFullDiskLeavesTheOldFile) {
  FaultyFileSystem faulty;
  ASSERT_OK_AND_ASSIGN(const WrittenFile old, WriteCheckpoint(faulty, Path("c"), SampleManifest(),
                                                              SampleTensors().Sources()));
  SampleTensors other;
  other.weight[0] = 99;
  const absl::Status full = absl::ResourceExhaustedError("disk full");
  // Header and five tensors with bytes: six appends, then the sync, then the rename.
  for (int64_t after = 0; after < 6; ++after) {
    faulty.TearAppendAfter(after, 3, full);
    EXPECT_THAT(WriteCheckpoint(faulty, Path("c"), SampleManifest(), other.Sources()),
                StatusIs(StatusCode::kResourceExhausted, HasSubstr("saving the checkpoint")));
    faulty.Heal();
    EXPECT_THAT(Sha256OfFile(Path("c")), IsOkAndHolds(old.digest));
    EXPECT_THAT(files_.ListDir(dir()), IsOkAndHolds(testing::ElementsAre("c"))) << after;
  }
  for (FileOperation operation :
       {FileOperation::kOpenAppend, FileOperation::kSync, FileOperation::kRename}) {
    faulty.FailAfter(operation, 0, full);
    EXPECT_THAT(WriteCheckpoint(faulty, Path("c"), SampleManifest(), other.Sources()),
                StatusIs(StatusCode::kResourceExhausted));
    faulty.Heal();
    EXPECT_THAT(Sha256OfFile(Path("c")), IsOkAndHolds(old.digest));
    EXPECT_THAT(files_.ListDir(dir()), IsOkAndHolds(testing::ElementsAre("c")));
  }
  ASSERT_OK(WriteCheckpoint(faulty, Path("c"), SampleManifest(), other.Sources()));
  EXPECT_NE(*Sha256OfFile(Path("c")), old.digest);
}

}  // namespace
}  // namespace shoal::checkpoint
