#include "worker/frames/frame_channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <utility>
#include <vector>

#include "shoal/v1/runner.pb.h"
#include "tests/support/status_matchers.h"

namespace shoal::frames {
namespace {

using testing::HasSubstr;

class FrameChannelTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0); }
  void TearDown() override {
    Close(0);
    Close(1);
  }
  void Close(int end) {
    if (ends_[end] >= 0) close(std::exchange(ends_[end], -1));
  }
  static v1::AgentFrame Log(std::string text) {
    v1::AgentFrame frame;
    frame.mutable_log()->set_text(std::move(text));
    return frame;
  }
  // What the receiver makes of raw bytes and the end of file.
  absl::StatusOr<bool> ReceiveRaw(const std::string& bytes) {
    EXPECT_EQ(write(ends_[0], bytes.data(), bytes.size()), std::ssize(bytes));
    Close(0);
    FrameChannel channel(ends_[1]);
    v1::AgentFrame frame;
    return channel.Receive(frame);
  }
  int ends_[2] = {-1, -1};
};

TEST_F(FrameChannelTest, CarriesFramesInOrder) {
  FrameChannel a(ends_[0]), b(ends_[1]);
  ASSERT_OK(a.Send(Log("one")));
  ASSERT_OK(a.Send(Log("")));
  Close(0);
  v1::AgentFrame frame;
  EXPECT_THAT(b.Receive(frame), IsOkAndHolds(true));
  EXPECT_EQ(frame.log().text(), "one");
  EXPECT_THAT(b.Receive(frame), IsOkAndHolds(true));
  EXPECT_EQ(frame.log().text(), "");
  EXPECT_THAT(b.Receive(frame), IsOkAndHolds(false)) << "a clean end";
}

TEST_F(FrameChannelTest, WritersDoNotMixTheirFrames) {
  FrameChannel a(ends_[0]), b(ends_[1]);
  std::vector<std::thread> writers;
  for (const char letter : {'x', 'y', 'z'}) {
    writers.emplace_back([&a, letter] {
      for (int i = 0; i < 50; ++i) EXPECT_OK(a.Send(Log(std::string(20000, letter))));
    });
  }
  v1::AgentFrame frame;
  for (int i = 0; i < 150; ++i) {
    ASSERT_THAT(b.Receive(frame), IsOkAndHolds(true));
    EXPECT_EQ(frame.log().text(), std::string(20000, frame.log().text()[0]));
  }
  for (std::thread& writer : writers) writer.join();
}

TEST_F(FrameChannelTest, RefusesFramesThatAreTooLong) {
  FrameChannel a(ends_[0]);
  EXPECT_THAT(a.Send(Log(std::string(kMaxFrameBytes + 1, 'x'))),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReceiveRaw("\xff\xff\xff\x7f"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("at most")));
}

TEST_F(FrameChannelTest, ACutLengthIsDataLoss) {
  EXPECT_THAT(ReceiveRaw(std::string("\x05\x00", 2)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("length")));
}

TEST_F(FrameChannelTest, ACutFrameIsDataLoss) {
  EXPECT_THAT(ReceiveRaw(std::string("\x05\x00\x00\x00xy", 6)),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(FrameChannelTest, SomethingElseIsDataLoss) {
  EXPECT_THAT(ReceiveRaw(std::string("\x02\x00\x00\x00\xff\xff", 6)),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(FrameChannelTest, AGoneListenerIsUnavailable) {
  Close(1);
  FrameChannel a(ends_[0]);
  EXPECT_THAT(a.Send(Log("x")), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace shoal::frames
