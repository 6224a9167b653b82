// Following over a lab that goes away and comes back: a server of this process stands for it.
#include "cli/lab/follow.h"

#include <grpcpp/grpcpp.h>

#include <atomic>

#include "core/base/clock.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::cli {
namespace {

using testing::ElementsAre;

// Tells its log again at every call, a little more of it each time; loses the first calls.
class FlakyLab final : public v1::LabService::Service {
 public:
  FlakyLab(int losses, grpc::Status end) : losses_(losses), end_(std::move(end)) {}

  grpc::Status GetLab(grpc::ServerContext*, const v1::GetLabRequest*,
                      v1::GetLabResponse*) override {
    return grpc::Status::OK;
  }
  grpc::Status ReadLogs(grpc::ServerContext*, const v1::ReadLogsRequest* request,
                        grpc::ServerWriter<v1::ReadLogsResponse>* writer) override {
    const int call = ++calls_;
    for (int i = 1; i <= 2 * call; ++i) {
      v1::ReadLogsResponse response;
      response.set_attempt_number(1);
      response.mutable_line()->set_text(StrCat(request->run(), " ", i));
      writer->Write(response);
    }
    if (call <= losses_) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
    return end_;
  }
  int calls() const { return calls_; }

 private:
  const int losses_;
  const grpc::Status end_;
  std::atomic<int> calls_ = 0;
};

class FollowLogsTest : public TempDirTest {
 protected:
  absl::Status Follow(FlakyLab& lab) {
    const std::string address = StrCat("unix:", Path("lab.sock"));
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&lab);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    EXPECT_NE(server, nullptr);
    const SystemClock clock;
    LabOptions options;
    options.address = address;
    options.quiet = true;
    options.clock = &clock;
    v1::ReadLogsRequest request;
    request.set_run("r");
    return FollowLogs(options, request, [this](const v1::ReadLogsResponse& response) {
      lines_.push_back(response.line().text());
    });
  }

  std::vector<std::string> lines_;
};

TEST_F(FollowLogsTest, EveryLineIsShownOnceThoughTheLabGoesAway) {
  FlakyLab lab(2, grpc::Status::OK);
  EXPECT_OK(Follow(lab));
  EXPECT_EQ(lab.calls(), 3);
  EXPECT_THAT(lines_, ElementsAre("r 1", "r 2", "r 3", "r 4", "r 5", "r 6"));
}

TEST_F(FollowLogsTest, WhatIsNoLossEndsIt) {
  FlakyLab lab(0, grpc::Status(grpc::StatusCode::NOT_FOUND, "no such run"));
  EXPECT_THAT(Follow(lab), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(lab.calls(), 1);
}

}  // namespace
}  // namespace shoal::cli
