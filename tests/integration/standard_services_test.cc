// The services that every gRPC tool expects, spoken to in bytes: health (grpc.health.v1) and
// reflection.
#include <grpcpp/generic/generic_stub.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/test_cluster.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

// Sends one message to `method` and answers the first message that comes back.
absl::StatusOr<std::string> CallInBytes(TestCluster& cluster, const std::string& method,
                                        const std::string& request) {
  grpc::GenericStub stub(cluster.NewChannel());
  const auto context = NewContext();
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(context.get(), method, &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  if (!queue.Next(&tag, &ok) || !ok) return absl::UnavailableError("the call did not start");
  grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  queue.Next(&tag, &ok);
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  queue.Next(&tag, &ok);
  const bool answered = ok;
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  if (!status.ok()) return FromGrpc(status);
  if (!answered) return absl::NotFoundError("no message came back");
  std::vector<grpc::Slice> slices;
  answer.Dump(&slices).ok();
  std::string bytes;
  for (const grpc::Slice& one : slices)
    bytes.append(reinterpret_cast<const char*>(one.begin()), one.size());
  return bytes;
}

TEST(StandardServicesTest, HealthSaysServing) {
  TestCluster cluster;
  ASSERT_OK(cluster.Start());
  // HealthCheckResponse{status: SERVING}
  EXPECT_THAT(CallInBytes(cluster, "/grpc.health.v1.Health/Check", ""),
              IsOkAndHolds(std::string("\x08\x01")));
}

TEST(StandardServicesTest, ReflectionListsOurServices) {
  TestCluster cluster;
  ASSERT_OK(cluster.Start());
  // ServerReflectionRequest{list_services: "*"}
  ASSERT_OK_AND_ASSIGN(
      const std::string answer,
      CallInBytes(cluster, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                  std::string("\x3a\x01*")));
  EXPECT_THAT(answer, testing::HasSubstr("shoal.v1.LabService"));
  EXPECT_THAT(answer, testing::HasSubstr("shoal.v1.WorkerService"));
  EXPECT_THAT(answer, testing::HasSubstr("shoal.v1.ArtifactService"));
}

TEST(StandardServicesTest, AnUnknownMethodIsRefused) {
  TestCluster cluster;
  ASSERT_OK(cluster.Start());
  EXPECT_THAT(CallInBytes(cluster, "/shoal.v1.LabService/Nonsense", ""),
              StatusIs(absl::StatusCode::kUnimplemented));
}

}  // namespace
}  // namespace shoal
