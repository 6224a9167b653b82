#include "worker/agent/spool.h"

#include <thread>

#include "tests/support/faulty_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kNow = absl::ZeroDuration();

v1::ReportItem Item(const std::string& text) {
  v1::ReportItem item;
  item.mutable_log()->set_text(text);
  return item;
}

class SpoolTest : public TempDirTest {
 protected:
  void Open(SpoolOptions options = {}) {
    spool_.reset();
    ASSERT_OK_AND_ASSIGN(spool_, Spool::Open(faulty_, Path("spool"), options));
  }
  absl::StatusOr<int64_t> Append(const std::string& text) {
    return spool_->Append(Item(text), kNow);
  }
  // Texts of everything that is unacknowledged, "N:" before the first.
  std::vector<std::string> Read(size_t max_items = 1000, int64_t max_bytes = 1 << 20) {
    const absl::StatusOr<Spool::Batch> batch = spool_->Read(max_items, max_bytes, kNow);
    if (!batch.ok()) return {batch.status().ToString()};
    std::vector<std::string> texts;
    for (const v1::ReportItem& item : batch->items) texts.push_back(item.log().text());
    if (!texts.empty()) texts[0] = StrCat(batch->first_sequence, ":", texts[0]);
    return texts;
  }
  size_t Files() {
    return files_.ListDir(Path("spool")).value_or(std::vector<std::string>()).size();
  }

  FaultyFileSystem faulty_;
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, NumbersKeepsAndForgets) {
  Open();
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_THAT(Append("a"), IsOkAndHolds(1));
  EXPECT_THAT(Append("b"), IsOkAndHolds(2));
  EXPECT_THAT(Append("c"), IsOkAndHolds(3));
  EXPECT_THAT(Read(), ElementsAre("1:a", "b", "c"));
  EXPECT_THAT(Read(2), ElementsAre("1:a", "b"));
  EXPECT_THAT(Read(1000, 1), ElementsAre("1:a")) << "one item always fits";
  ASSERT_OK(spool_->Acknowledge(2));
  EXPECT_THAT(Read(), ElementsAre("3:c"));
  ASSERT_OK(spool_->Acknowledge(1)) << "an old answer changes nothing";
  EXPECT_EQ(spool_->acknowledged(), 2);
  EXPECT_THAT(spool_->Acknowledge(4), StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK(spool_->Acknowledge(3));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(spool_->unacknowledged_bytes(), 0);
  EXPECT_THAT(Append("d"), IsOkAndHolds(4));
  EXPECT_THAT(Read(), ElementsAre("4:d"));
}

TEST_F(SpoolTest, SegmentsGoWhenTheyAreAcknowledged) {
  Open({.segment_bytes = 40});
  for (int i = 1; i <= 20; ++i) ASSERT_OK(Append(StrCat("item ", i)));
  EXPECT_GT(Files(), 4u);
  EXPECT_THAT(Read(), SizeIs(20)) << "a batch reaches over segments";
  for (int i = 1; i <= 20; ++i) {
    EXPECT_EQ(Read(1)[0], StrCat(i, ":item ", i));
    ASSERT_OK(spool_->Acknowledge(i));
  }
  EXPECT_LE(Files(), 1u);
  EXPECT_THAT(Append("more"), IsOkAndHolds(21));
  EXPECT_THAT(Read(), ElementsAre("21:more"));
}

TEST_F(SpoolTest, SurvivesReopening) {
  Open({.segment_bytes = 40});
  for (int i = 1; i <= 9; ++i) ASSERT_OK(Append(StrCat("item ", i)));
  Open({.segment_bytes = 40});
  EXPECT_THAT(Read(), SizeIs(9));
  EXPECT_THAT(Append("next"), IsOkAndHolds(10));
  EXPECT_EQ(Read().back(), "next");
}

TEST_F(SpoolTest, ATornEndIsCutOffWhereverItIsTorn) {
  Open();
  const std::string path = Path("spool/0000000000000001.spool");
  ASSERT_OK(Append("first"));
  ASSERT_OK_AND_ASSIGN(const std::string first, files_.ReadFile(path));
  ASSERT_OK(Append("second"));
  ASSERT_OK_AND_ASSIGN(const std::string whole, files_.ReadFile(path));
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_OK(files_.RemoveAll(Path("spool")));
    ASSERT_OK(files_.MakeDirs(Path("spool")));
    ASSERT_OK(files_.WriteFileAtomic(path, std::string_view(whole).substr(0, size)));
    Open();
    EXPECT_EQ(spool_->appended(), size >= first.size() ? 1 : 0) << "torn at " << size;
    const int64_t before = spool_->appended();
    EXPECT_THAT(Append("again"), IsOkAndHolds(before + 1)) << "torn at " << size;
    EXPECT_THAT(Read(), SizeIs(static_cast<size_t>(before + 1)));
    Open();  // what was torn stays cut off
    EXPECT_THAT(Read(), SizeIs(static_cast<size_t>(before + 1))) << "torn at " << size;
  }
}

TEST_F(SpoolTest, ADamagedMiddleIsAnError) {
  Open({.segment_bytes = 1});
  for (const char* text : {"a", "b", "c"}) ASSERT_OK(Append(text));
  const std::string path = Path("spool/0000000000000002.spool");
  ASSERT_OK_AND_ASSIGN(std::string bytes, files_.ReadFile(path));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  ASSERT_OK(files_.WriteFileAtomic(path, bytes));
  EXPECT_THAT(spool_->Read(10, 1000, kNow),
              StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("item 2")));
  EXPECT_THAT(Spool::Open(files_, Path("spool"), {}), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SpoolTest, AFullDiskLosesNothingThatWasThere) {
  Open();
  ASSERT_OK(Append("a"));
  faulty_.TearAppendAfter(0, 7, absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(Append("b"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Append("b"), StatusIs(absl::StatusCode::kResourceExhausted))
      << "also when a segment's first record tears";
  EXPECT_THAT(Read(), ElementsAre("1:a"));
  faulty_.Heal();
  EXPECT_THAT(Append("b"), IsOkAndHolds(2));
  ASSERT_OK(spool_->Acknowledge(1));
  EXPECT_THAT(Read(), ElementsAre("2:b"));
  EXPECT_THAT(Append("c"), IsOkAndHolds(3));
  Open();
  EXPECT_EQ(Read().back(), "c");
}

TEST_F(SpoolTest, AFailedWriteAfterEverythingWasAcknowledged) {
  Open();
  ASSERT_OK(Append("a"));
  ASSERT_OK(spool_->Acknowledge(1));
  faulty_.TearAppendAfter(0, 3, absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(Append("b").ok());
  faulty_.Heal();
  EXPECT_THAT(Append("b"), IsOkAndHolds(2));
  EXPECT_THAT(Read(), ElementsAre("2:b"));
  ASSERT_OK(spool_->Acknowledge(2));
  EXPECT_THAT(Read(), IsEmpty());
}

TEST_F(SpoolTest, AFullSpoolMakesItsWriterWait) {
  Open({.capacity_bytes = 60});
  ASSERT_OK(Append(std::string(30, 'a')));
  EXPECT_THAT(Append(std::string(30, 'b')), StatusIs(absl::StatusCode::kDeadlineExceeded));
  std::thread writer([&] {
    EXPECT_THAT(spool_->Append(Item(std::string(30, 'b')), absl::Seconds(60)), IsOkAndHolds(2));
  });
  ASSERT_OK(spool_->Acknowledge(1));
  writer.join();
  EXPECT_THAT(Read(), SizeIs(1));
  ASSERT_OK(spool_->Acknowledge(2));
  EXPECT_OK(Append(std::string(500, 'c'))) << "larger than the whole spool, and alone in it";
}

TEST_F(SpoolTest, ClosingWakesAndRefuses) {
  Open({.capacity_bytes = 10});
  ASSERT_OK(Append("a"));
  std::thread writer([&] {
    EXPECT_THAT(spool_->Append(Item("b"), absl::Seconds(60)), StatusIs(absl::StatusCode::kAborted));
  });
  spool_->Close();
  writer.join();
  EXPECT_THAT(Read(), ElementsAre("1:a")) << "what is there can still be read";
}

TEST_F(SpoolTest, OneWriterAndOneReader) {
  Open({.segment_bytes = 100});
  constexpr int64_t kItems = 2000;
  std::thread writer([&] {
    for (int64_t i = 1; i <= kItems; ++i)
      EXPECT_THAT(spool_->Append(Item(StrCat(i)), absl::Seconds(60)), IsOkAndHolds(i));
  });
  int64_t next = 1;
  while (next <= kItems) {
    const absl::StatusOr<Spool::Batch> batch = spool_->Read(7, 1000, absl::Seconds(60));
    ASSERT_OK(batch);
    ASSERT_EQ(batch->first_sequence, next);
    for (const v1::ReportItem& item : batch->items) EXPECT_EQ(item.log().text(), StrCat(next++));
    ASSERT_OK(spool_->Acknowledge(next - 1));
  }
  writer.join();
}

}  // namespace
}  // namespace shoal::agent
