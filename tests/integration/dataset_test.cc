// Data sets over gRPC: named once, never changed, never lost.
#include <thread>

#include "core/base/digest.h"
#include "core/base/strings.h"
#include "core/spec/dataset_id.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/test_cluster.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

class DatasetTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(cluster_.Start()); }

  // A request for a data set of two uploaded files.
  v1::CreateDatasetRequest Request(const std::string& name, const std::string& train) {
    v1::CreateDatasetRequest request;
    request.set_request_id(StrCat("request-", name, "-", Sha256Of(train).Hex().substr(0, 8)));
    request.mutable_submitter()->set_user("ada");
    v1::Dataset& dataset = *request.mutable_dataset();
    dataset.set_name(name);
    dataset.set_kind("text");
    dataset.set_source("a test");
    AddFile(dataset, v1::BINDING_ROLE_TRAIN, "train.jsonl", train);
    AddFile(dataset, v1::BINDING_ROLE_HELD_OUT, "held_out.jsonl", "{\"text\":\"apart\"}\n");
    dataset.mutable_train()->set_examples(1);
    dataset.mutable_train()->set_unique_examples(1);
    v1::ImportReport& report = *dataset.mutable_report();
    report.set_records(3);
    report.set_examples(2);
    report.set_malformed(1);
    v1::RecordProblem* problem = report.add_problems();
    problem->set_file("a.jsonl");
    problem->set_line(7);
    problem->set_reason("not JSON");
    SetId(dataset);
    return request;
  }
  void AddFile(v1::Dataset& dataset, v1::BindingRole role, const std::string& name,
               const std::string& bytes) {
    const absl::StatusOr<v1::ArtifactRef> artifact = cluster_.Upload(bytes);
    ASSERT_OK(artifact);
    v1::DataBinding* file = dataset.add_files();
    file->set_role(role);
    file->set_sha256(artifact->sha256());
    file->set_size_bytes(artifact->size_bytes());
    file->set_file_name(name);
  }
  static void SetId(v1::Dataset& dataset) {
    const absl::StatusOr<std::string> id = spec::DatasetId(dataset.files());
    ASSERT_OK(id);
    dataset.set_dataset_id(*id);
  }
  absl::StatusOr<v1::Dataset> Create(const v1::CreateDatasetRequest& request) {
    v1::Dataset dataset;
    const absl::Status status =
        FromGrpc(cluster_.lab().CreateDataset(NewContext().get(), request, &dataset));
    if (!status.ok()) return status;
    return dataset;
  }
  absl::StatusOr<v1::Dataset> Get(const std::string& name) {
    v1::GetDatasetRequest request;
    request.set_name(name);
    v1::Dataset dataset;
    const absl::Status status =
        FromGrpc(cluster_.lab().GetDataset(NewContext().get(), request, &dataset));
    if (!status.ok()) return status;
    return dataset;
  }
  v1::ListDatasetsResponse List() {
    v1::ListDatasetsResponse list;
    EXPECT_OK(FromGrpc(
        cluster_.lab().ListDatasets(NewContext().get(), v1::ListDatasetsRequest(), &list)));
    return list;
  }
  std::vector<v1::Event> CreationEvents() {
    v1::ReadEventsResponse events;
    v1::ReadEventsRequest request;
    request.set_limit(1000);
    EXPECT_OK(FromGrpc(cluster_.lab().ReadEvents(NewContext().get(), request, &events)));
    std::vector<v1::Event> created;
    for (const v1::Event& event : events.events()) {
      if (event.kind() == "dataset.created") created.push_back(event);
    }
    return created;
  }

  TestCluster cluster_;
};

TEST_F(DatasetTest, IsStoredOnceWhateverIsRepeated) {
  const v1::CreateDatasetRequest request = Request("news", "{\"text\":\"one\"}\n");
  ASSERT_OK_AND_ASSIGN(const v1::Dataset first, Create(request));
  EXPECT_EQ(first.submitted_by(), "ada");
  EXPECT_GT(first.created_at().seconds(), 0);
  ASSERT_OK_AND_ASSIGN(v1::Dataset again, Create(request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  // Another request with the same content: the same data set, unchanged.
  v1::CreateDatasetRequest other = request;
  other.set_request_id("other");
  other.mutable_submitter()->set_user("bob");
  other.mutable_dataset()->set_source("elsewhere");
  ASSERT_OK_AND_ASSIGN(again, Create(other));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(CreationEvents(), SizeIs(1));
  EXPECT_EQ(CreationEvents()[0].actor(), "user:ada@unknown");
  EXPECT_EQ(CreationEvents()[0].message(), "news");
  // The id of a request stands for that request.
  other.set_request_id(request.request_id());
  EXPECT_THAT(Create(other), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
  ASSERT_OK(cluster_.Restart());
  ASSERT_OK_AND_ASSIGN(again, Create(request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(List().datasets(), SizeIs(1));
}

TEST_F(DatasetTest, NeverChanges) {
  ASSERT_OK_AND_ASSIGN(const v1::Dataset first, Create(Request("news", "{\"text\":\"one\"}\n")));
  EXPECT_THAT(Create(Request("news", "{\"text\":\"two\"}\n")),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("'news' stands for other data"), HasSubstr("'news-2'"))));
  ASSERT_OK_AND_ASSIGN(const v1::Dataset kept, Get("news"));
  EXPECT_EQ(kept.SerializeAsString(), first.SerializeAsString());
  // The same data may have two names.
  ASSERT_OK_AND_ASSIGN(const v1::Dataset copy, Create(Request("copy", "{\"text\":\"one\"}\n")));
  EXPECT_EQ(copy.dataset_id(), first.dataset_id());
}

TEST_F(DatasetTest, IsFoundByNameAndByTheBeginningOfItsId) {
  ASSERT_OK_AND_ASSIGN(const v1::Dataset news, Create(Request("news", "{\"text\":\"one\"}\n")));
  ASSERT_OK(Create(Request("chats", "{\"text\":\"two\"}\n")));
  ASSERT_OK_AND_ASSIGN(v1::Dataset found, Get(news.dataset_id().substr(0, 8)));
  EXPECT_EQ(found.name(), "news");
  EXPECT_THAT(found.report().problems(), SizeIs(1));
  ASSERT_OK(Get(news.dataset_id()));
  EXPECT_THAT(Get(news.dataset_id().substr(0, 7)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get("newz"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("did you mean 'news'?"), HasSubstr("shoal dataset list"))));
  EXPECT_THAT(List().datasets(), SizeIs(2));
  EXPECT_THAT(List().datasets(0).report().problems(), SizeIs(0)) << "lists are short";
}

TEST_F(DatasetTest, WhatCannotBeIsRefused) {
  const v1::CreateDatasetRequest good = Request("news", "{\"text\":\"one\"}\n");
  v1::CreateDatasetRequest bad = good;
  bad.mutable_dataset()->set_name("../x");
  bad.mutable_dataset()->set_kind("stuff");
  bad.mutable_dataset()->mutable_report()->set_records(99);
  EXPECT_THAT(Create(bad), StatusIs(absl::StatusCode::kInvalidArgument,
                                    AllOf(HasSubstr("name"), HasSubstr("kind"),
                                          HasSubstr("records (99) must be examples (2)"))));
  bad = good;
  bad.mutable_dataset()->set_dataset_id(std::string(64, '0'));
  EXPECT_THAT(Create(bad),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("digest of its files")));
  bad = good;
  bad.mutable_dataset()->mutable_files()->RemoveLast();
  bad.mutable_dataset()->mutable_files(0)->set_role(v1::BINDING_ROLE_TOKENIZER);
  EXPECT_THAT(Create(bad),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("TRAIN or HELD_OUT")));
  bad = good;
  bad.mutable_dataset()->mutable_files(0)->set_sha256(std::string(64, 'a'));
  SetId(*bad.mutable_dataset());
  EXPECT_THAT(Create(bad),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("upload them first")));
  bad = good;
  bad.mutable_dataset()->mutable_files(0)->set_size_bytes(3);
  EXPECT_THAT(Create(bad), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bytes, not 3")));
  bad = good;
  bad.clear_request_id();
  EXPECT_THAT(Create(bad), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
  EXPECT_THAT(List().datasets(), SizeIs(0));
  EXPECT_THAT(CreationEvents(), SizeIs(0));
}

TEST_F(DatasetTest, OfTwoWhoComeAtOnceOneHasTheName) {
  std::vector<v1::CreateDatasetRequest> requests;
  for (int i = 0; i < 8; ++i) {
    requests.push_back(Request("news", StrCat("{\"text\":\"", i / 2, "\"}\n")));
    requests.back().set_request_id(StrCat("r", i));
  }
  std::vector<absl::Status> answers(requests.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < requests.size(); ++i) {
    threads.emplace_back([&, i] { answers[i] = Create(requests[i]).status(); });
  }
  for (std::thread& thread : threads) thread.join();
  const auto stored = std::count_if(answers.begin(), answers.end(),
                                    [](const absl::Status& status) { return status.ok(); });
  EXPECT_EQ(stored, 2) << "both who bring the same content, and nobody else";
  EXPECT_THAT(CreationEvents(), SizeIs(1));
}

TEST_F(DatasetTest, ItsFilesOutliveCheckpointsOfTheSameBytes) {
  // The bytes of a data set come back as a run's checkpoint, which is then dropped as old.
  const std::string bytes = "{\"text\":\"one\"}\n";
  const v1::CreateDatasetRequest request = Request("news", bytes);
  ASSERT_OK(Create(request));
  ASSERT_OK(cluster_.Submit("tiny"));
  ScriptedWorker worker(cluster_, "local");
  ASSERT_OK(worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  ASSERT_OK_AND_ASSIGN(const v1::ArtifactRef same, cluster_.Upload(bytes));
  ASSERT_OK(worker.Report(assignment.key(), {StartedItem(0)}));
  for (int step = 1; step <= 5; ++step) {
    v1::ArtifactRef artifact = same;
    if (step > 1) {
      ASSERT_OK_AND_ASSIGN(artifact, cluster_.Upload(StrCat("checkpoint ", step)));
    }
    ASSERT_OK(worker.Report(assignment.key(),
                            {CheckpointItem(v1::CHECKPOINT_KIND_RESUMABLE, step, artifact)}));
  }
  ASSERT_OK(cluster_.Restart());
  v1::FindArtifactsRequest find;
  find.add_sha256(same.sha256());
  v1::FindArtifactsResponse found;
  ASSERT_OK(FromGrpc(cluster_.artifacts().Find(NewContext().get(), find, &found)));
  EXPECT_THAT(found.missing(), SizeIs(0));
  ASSERT_OK_AND_ASSIGN(const v1::RunDetail detail, cluster_.GetDetail("tiny"));
  EXPECT_LT(detail.checkpoints_size(), 5)
      << "the old ones must have gone for this to mean anything";
}

}  // namespace
}  // namespace shoal
