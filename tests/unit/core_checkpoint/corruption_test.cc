// Whatever happens to a checkpoint's bytes, it is found, said, and never trusted.
#include <cstring>

#include "core/base/random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "tests/unit/core_checkpoint/samples.h"

namespace shoal::checkpoint {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

class CorruptionTest : public TempDirTest {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteCheckpoint(files_, Path("c"), SampleManifest(), SampleTensors().Sources()));
    ASSERT_OK_AND_ASSIGN(bytes_, files_.ReadFile(Path("c")));
  }

  // Opens and verifies `bytes` as a checkpoint.
  absl::Status Check(std::string_view bytes) {
    // Not atomic: no sync for thousands of files.
    EXPECT_OK(files_.RemoveFile(Path("x")));
    auto out = files_.OpenAppend(Path("x"));
    EXPECT_OK(out);
    EXPECT_OK((*out)->Append(bytes));
    auto reader = CheckpointReader::Open(Path("x"));
    if (!reader.ok()) return reader.status();
    return reader->VerifyAll();
  }

  int64_t HeaderEnd() const {
    return 8 + *HeaderBytes(bytes_, static_cast<int64_t>(bytes_.size()));
  }

  std::string bytes_;
};

TEST_F(CorruptionTest, TheWholeFileIsFine) { EXPECT_OK(Check(bytes_)); }

TEST_F(CorruptionTest, EveryChangedByteIsFound) {
  for (size_t i = 0; i < bytes_.size(); ++i) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string changed = bytes_;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      const absl::Status status = Check(changed);
      // A changed format version or type may read as "newer than this program".
      EXPECT_TRUE(status.code() == StatusCode::kDataLoss ||
                  status.code() == StatusCode::kUnimplemented)
          << "byte " << i << " ^ " << flip << ": " << status;
      EXPECT_FALSE(status.message().empty());
    }
  }
}

TEST_F(CorruptionTest, EveryTruncationIsFound) {
  for (size_t size = 0; size < bytes_.size(); ++size) {
    EXPECT_THAT(Check(std::string_view(bytes_).substr(0, size)), StatusIs(StatusCode::kDataLoss))
        << size;
  }
  EXPECT_THAT(Check(bytes_ + '\0'), StatusIs(StatusCode::kDataLoss));
}

TEST_F(CorruptionTest, SaysWhat) {
  EXPECT_THAT(Check(""), StatusIs(StatusCode::kDataLoss, HasSubstr("has 0 bytes, too few")));
  EXPECT_THAT(Check(std::string_view(bytes_).substr(0, 100)),
              StatusIs(StatusCode::kDataLoss, HasSubstr("(cut short)")));
  EXPECT_THAT(Check(std::string_view(bytes_).substr(0, bytes_.size() - 1)),
              StatusIs(StatusCode::kDataLoss, HasSubstr("lies at")));
  std::string changed = bytes_;
  changed[static_cast<size_t>(HeaderEnd()) + 24] ^= 1;  // the tensor after the first
  EXPECT_THAT(Check(changed),
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr("tensor 'head.weight' is damaged: its digest does not hold")));
  const size_t step = bytes_.find("1200");
  changed = bytes_;
  changed[step] = '2';
  EXPECT_THAT(Check(changed), StatusIs(StatusCode::kDataLoss, HasSubstr("the header was changed")));
}

TEST_F(CorruptionTest, OnlyWhatIsReadIsVerified) {
  std::string changed = bytes_;
  changed.back() ^= 1;  // the last optimizer tensor
  ASSERT_OK(files_.WriteFileAtomic(Path("x"), changed));
  ASSERT_OK_AND_ASSIGN(CheckpointReader reader, CheckpointReader::Open(Path("x")));
  EXPECT_OK(reader.Bytes("blocks.0.attn.qkv.weight"));
  EXPECT_THAT(reader.Bytes("optimizer/v/blocks.0.attn.qkv.weight"),
              StatusIs(StatusCode::kDataLoss));
}

TEST_F(CorruptionTest, RandomDamageNeverCrashes) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed, PurposeOf(Purpose::kTest));
    std::string changed = bytes_;
    for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
      const size_t at = random.Below(static_cast<uint64_t>(HeaderEnd()));
      static constexpr std::string_view kBytes = "{}[]\",:0919 -\\u\xff\0";
      switch (random.Below(3)) {
        case 0:
          changed[at] = kBytes[random.Below(kBytes.size())];
          break;
        case 1:
          changed.erase(at, 1 + random.Below(9));
          break;
        default:
          changed.insert(at, changed.substr(random.Below(changed.size()), 9));
          break;
      }
    }
    if (changed == bytes_) continue;
    EXPECT_FALSE(Check(changed).ok()) << seed;
  }
}

// Headers made by hand: each breaks one rule.
class HeaderTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(HeaderTest, IsRefused) {
  const auto& [json, what] = GetParam();
  std::string file(8, '\0');
  const uint64_t length = std::strlen(json);
  std::memcpy(file.data(), &length, 8);
  file += json;
  const auto header = ParseHeader(file, static_cast<int64_t>(file.size()) + 24);
  EXPECT_FALSE(header.ok());
  EXPECT_THAT(std::string(header.status().message()), HasSubstr(what));
}

INSTANTIATE_TEST_SUITE_P(
    All, HeaderTest,
    testing::Values(
        std::pair("[]", "is not a JSON object"),
        std::pair("{\"a\":1}", "tensor 'a': is not an object"),
        std::pair("{}", "holds 24 data bytes, its tensors have 0"),
        std::pair(R"({"a":{"shape":[6],"data_offsets":[0,24]}})", "has no dtype"),
        std::pair(R"({"a":{"dtype":"F64","shape":[3],"data_offsets":[0,24]}})", "has type F64"),
        std::pair(R"({"a":{"dtype":"F32","data_offsets":[0,24]}})", "has no shape"),
        std::pair(R"({"a":{"dtype":"F32","shape":[6]}})", "has no data_offsets"),
        std::pair(R"({"a":{"dtype":"F32","shape":[6],"data_offsets":[0,24,30]}})",
                  "has no data_offsets"),
        std::pair(R"({"a":{"dtype":"F32","shape":[-6],"data_offsets":[0,24]}})",
                  "a dimension that is not a count"),
        std::pair(R"({"a":{"dtype":"F32","shape":[5],"data_offsets":[0,24]}})",
                  "has 24 bytes, its shape [5] of F32 makes 20"),
        std::pair(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,24]}})",
                  "makes too many"),
        std::pair(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,6],"data_offsets":[0,24]}})",
                  "more than 8 dimensions"),
        std::pair(R"({"a":{"dtype":"F32","shape":[6],"data_offsets":[24,0]}})", "lies at [24, 0)"),
        std::pair(R"({"a":{"dtype":"F32","shape":[7],"data_offsets":[0,28]}})",
                  "lies at [0, 28) of 24 data bytes"),
        std::pair(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}})",
                  "begins at byte 8 of the data, the one before it ends at 0"),
        std::pair(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
                  R"("b":{"dtype":"F32","shape":[3],"data_offsets":[12,24]}})",
                  "tensor 'b' begins at byte 12"),
        std::pair(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},)"
                  R"("a":{"dtype":"F32","shape":[3],"data_offsets":[12,24]}})",
                  "tensor 'a' occurs twice"),
        std::pair(R"({"__metadata__":{"a":1}})", "entry 'a' is not text"),
        std::pair(R"({"__metadata__":{"a":"1","a":"2"}})", "entry 'a' occurs twice"),
        std::pair(R"({"__metadata__":[]})", "__metadata__ is not an object")));

TEST(Header, LengthIsCapped) {
  std::string file(8, '\xff');
  EXPECT_THAT(ParseHeader(file, int64_t{1} << 40),
              StatusIs(StatusCode::kDataLoss, HasSubstr("claims a header of")));
}

TEST_F(CorruptionTest, NewerFormatsAreRefused) {
  std::string changed = bytes_;
  const std::string entry = "\"shoal.format_version\":\"1\"";
  const size_t at = changed.find(entry);
  ASSERT_NE(at, std::string::npos);
  changed.replace(at, entry.size(), "\"shoal.format_version\":\"2\"");
  EXPECT_THAT(Check(changed), StatusIs(StatusCode::kUnimplemented,
                                       HasSubstr("was written in format 2; this version of Shoal "
                                                 "reads format 1")));
}

}  // namespace
}  // namespace shoal::checkpoint
