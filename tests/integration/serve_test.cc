// Talking to a model: the caller's Generate, the broker, and a worker's Serve stream, all over
// gRPC.
#include <thread>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/test_cluster.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using testing::HasSubstr;

v1::GenerateRequest Question(const std::string& run, const std::string& text) {
  v1::GenerateRequest request;
  request.set_run_id(run);
  request.set_request_id("mine");
  request.set_text(text);
  return request;
}

struct Heard {
  std::string text;
  std::string waited_for;
  bool done = false;
  absl::Status status;
};

Heard Listen(v1::LabService::Stub& lab, const v1::GenerateRequest& request) {
  Heard heard;
  auto context = NewContext();
  auto reader = lab.Generate(context.get(), request);
  v1::GenerateEvent event;
  while (reader->Read(&event)) {
    EXPECT_EQ(event.request_id(), "mine");
    if (event.has_text()) heard.text += event.text().text();
    if (event.has_waiting()) heard.waited_for += event.waiting().reason() + "; ";
    if (event.has_done()) heard.done = true;
  }
  heard.status = FromGrpc(reader->Finish());
  return heard;
}

// A worker's open Serve stream, spoken by hand.
class Holder {
 public:
  Holder(TestCluster& cluster, const ScriptedWorker& worker, const v1::AttemptKey& key)
      : context_(NewContext()), stream_(cluster.worker_stub().Serve(context_.get())) {
    v1::ServeUp up;
    up.mutable_open()->set_worker_id(worker.id());
    up.mutable_open()->set_instance_id(worker.instance());
    *up.mutable_open()->mutable_key() = key;
    stream_->Write(up);
  }
  v1::ServeDown Next() {
    v1::ServeDown down;
    EXPECT_TRUE(stream_->Read(&down));
    return down;
  }
  void Say(const std::string& request_id, const std::string& text, bool done) {
    v1::ServeUp up;
    up.mutable_event()->set_request_id(request_id);
    up.mutable_event()->mutable_text()->set_text(text);
    stream_->Write(up);
    if (!done) return;
    up.mutable_event()->mutable_done()->set_finish_reason("stop");
    stream_->Write(up);
  }
  absl::Status Leave() {
    stream_->WritesDone();
    v1::ServeDown down;
    while (stream_->Read(&down)) continue;
    return FromGrpc(stream_->Finish());
  }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ServeUp, v1::ServeDown>> stream_;
};

class ServeTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster_.options().serve_idle_timeout = absl::Seconds(1);
    ASSERT_OK(cluster_.Start());
    ASSERT_OK(cluster_.Submit("tiny").status());
    ASSERT_OK(worker_.Register());
  }
  void Train() {
    ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker_.WaitForAssignment());
    ASSERT_OK(worker_.RunToEnd(assignment, 0, 10));
  }
  TestCluster cluster_;
  ScriptedWorker worker_{cluster_, "local"};
};

TEST_F(ServeTest, WithoutWeightsTheAnswerSaysSo) {
  EXPECT_THAT(Listen(cluster_.lab(), Question("tiny", "hi")).status,
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no weights yet")));
  EXPECT_THAT(Listen(cluster_.lab(), Question("nobody", "hi")).status,
              StatusIs(absl::StatusCode::kNotFound));
  v1::GenerateRequest empty;
  empty.set_run_id("tiny");
  EXPECT_THAT(Listen(cluster_.lab(), empty).status,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("prompt")));
}

TEST_F(ServeTest, TwoQuestionsAreAnsweredByOneModelWhichEndsWhenIdle) {
  Train();
  Heard first, second;
  std::thread first_caller([&] { first = Listen(cluster_.lab(), Question("tiny", "one")); });
  ASSERT_OK_AND_ASSIGN(const v1::Assignment serve, worker_.WaitForAssignment());
  EXPECT_EQ(serve.kind(), v1::JOB_KIND_SERVE);
  EXPECT_EQ(serve.weights().step(), 10);
  ASSERT_OK(worker_.Report(serve.key(), {StartedItem(0)}).status());
  Holder holder(cluster_, worker_, serve.key());
  const v1::ServeDown one = holder.Next();
  EXPECT_EQ(one.generate().text(), "one");
  std::thread second_caller([&] { second = Listen(cluster_.lab(), Question("tiny", "two")); });
  const v1::ServeDown two = holder.Next();
  EXPECT_EQ(two.generate().text(), "two");
  // Answers interleave and find their callers, though both chose the same id.
  holder.Say(two.generate().request_id(), "B1 ", false);
  holder.Say(one.generate().request_id(), "A1 ", false);
  holder.Say(one.generate().request_id(), "A2", true);
  holder.Say(two.generate().request_id(), "B2", true);
  first_caller.join();
  second_caller.join();
  EXPECT_OK(first.status);
  EXPECT_EQ(first.text, "A1 A2");
  EXPECT_TRUE(first.done);
  EXPECT_NE(first.waited_for, "");
  EXPECT_EQ(second.text, "B1 B2");

  // Nobody asks any more: the worker is told to stop, and the job ends well.
  bool stopped = false;
  for (int i = 0; i < 100 && !stopped; ++i) {
    ASSERT_OK_AND_ASSIGN(const v1::SynchronizeResponse response,
                         worker_.Synchronize(absl::Seconds(1)));
    stopped = response.stop_size() > 0;
  }
  ASSERT_TRUE(stopped);
  ASSERT_OK(worker_.Report(serve.key(), {FinishedItem(v1::ATTEMPT_STATE_CANCELLED, 0)}).status());
  EXPECT_THAT(holder.Leave(), StatusIs(absl::StatusCode::kAborted));
  ASSERT_OK_AND_ASSIGN(const v1::RunDetail detail, cluster_.GetDetail("tiny"));
  EXPECT_EQ(detail.jobs(1).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(detail.run().status(), v1::RUN_STATUS_SUCCEEDED) << "talking changes nothing";
}

TEST_F(ServeTest, ACallerWhoLeavesCancelsAndALostWorkerInterrupts) {
  Train();
  auto context = NewContext();
  auto reader = cluster_.lab().Generate(context.get(), Question("tiny", "long"));
  ASSERT_OK_AND_ASSIGN(const v1::Assignment serve, worker_.WaitForAssignment());
  ASSERT_OK(worker_.Report(serve.key(), {StartedItem(0)}).status());
  Holder holder(cluster_, worker_, serve.key());
  const v1::ServeDown question = holder.Next();
  context->TryCancel();
  EXPECT_EQ(holder.Next().cancel_request_id(), question.generate().request_id());
  v1::GenerateEvent event;
  while (reader->Read(&event)) continue;
  reader->Finish();

  Heard heard;
  std::thread caller([&] { heard = Listen(cluster_.lab(), Question("tiny", "again")); });
  EXPECT_EQ(holder.Next().generate().text(), "again");
  ScriptedWorker reborn(cluster_, "local", "another start");
  ASSERT_OK(reborn.Register());
  ASSERT_OK(reborn.Synchronize().status());  // it speaks: the old process is over
  caller.join();
  EXPECT_THAT(heard.status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(holder.Leave(), StatusIs(absl::StatusCode::kAborted));
}

TEST_F(ServeTest, AStreamOfAStrangerIsRefused) {
  Train();
  v1::AttemptKey key;
  key.set_job_id("job-00000000000000000000");
  key.set_attempt_number(1);
  Holder holder(cluster_, worker_, key);
  EXPECT_THAT(holder.Leave(), StatusIs(absl::StatusCode::kAborted));
}

}  // namespace
}  // namespace shoal
