// Over TCP a coordinator speaks TLS only, and answers nobody who does not show its key.
#include <grpcpp/generic/generic_stub.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "coordinator/identity/certificate_maker.h"
#include "coordinator/identity/identity.h"
#include "coordinator/rpc/listening.h"
#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/join/address.h"
#include "core/join/channel.h"
#include "core/join/join_file.h"
#include "core/join/key.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "tests/integration/test_cluster.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    cluster_.options().tcp_address = "127.0.0.1:0";
    ASSERT_OK(cluster_.Start());
    ASSERT_OK_AND_ASSIGN(
        endpoint_, join::JoinEndpoint(cluster_.coordinator().join_file(), SystemClock().Now()));
  }

  // GetLab over `channel`, failing fast.
  static absl::Status GetLab(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(50));
    v1::GetLabResponse response;
    return FromGrpc(
        v1::LabService::NewStub(channel)->GetLab(&context, v1::GetLabRequest(), &response));
  }
  static std::shared_ptr<grpc::Channel> Open(const join::Endpoint& endpoint) {
    return join::OpenChannel(endpoint, join::LabChannelArguments());
  }
  static absl::Status GetLab(const join::Endpoint& endpoint) {
    return join::Explain(GetLab(Open(endpoint)), endpoint);
  }

  // The same certificate, no key.
  std::shared_ptr<grpc::Channel> OpenWithoutKey() const {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = endpoint_.certificate;
    return grpc::CreateChannel(endpoint_.target, grpc::SslCredentials(tls));
  }

  TestCluster cluster_;
  join::Endpoint endpoint_;
};

// Any call, as bytes: its status.
grpc::Status CallAny(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(50));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  const auto wait = [&] { return queue.Next(&tag, &ok) && ok; };
  call->StartCall(nullptr);
  grpc::ByteBuffer answer;
  if (wait()) {
    call->WriteLast(grpc::ByteBuffer(nullptr, 0), grpc::WriteOptions(), nullptr);
    wait();
    call->Read(&answer, nullptr);
    wait();
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  return status;
}

// Every method that the coordinator serves.
std::vector<std::string> AllMethods() {
  std::vector<std::string> methods = {
      "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      "/shoal.v1.LabService/Nonsense"};
  for (const char* name : {"lab_service", "worker_service", "artifact_service"}) {
    const auto* file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
        StrCat("shoal/v1/", name, ".proto"));
    if (file == nullptr) ADD_FAILURE() << name;
    if (file == nullptr) continue;
    for (int i = 0; i < file->service_count(); ++i) {
      const auto* service = file->service(i);
      for (int k = 0; k < service->method_count(); ++k) {
        methods.push_back(StrCat("/", service->full_name(), "/", service->method(k)->name()));
      }
    }
  }
  return methods;
}

TEST_F(NetworkTest, TheJoinFileLetsIn) {
  EXPECT_OK(GetLab(endpoint_));
  EXPECT_EQ(endpoint_.target, StrCat("127.0.0.1:", cluster_.coordinator().tcp_port()));
  EXPECT_EQ(cluster_.coordinator().advertised(), endpoint_.target);
}

TEST_F(NetworkTest, WithoutTheKeyNoMethodAnswers) {
  const std::vector<std::string> methods = AllMethods();
  EXPECT_GT(methods.size(), 25u);
  join::Endpoint wrong = endpoint_;
  wrong.key = join::NewKey();
  const auto none = OpenWithoutKey();
  const auto other = Open(wrong);
  for (const std::string& method : methods) {
    for (const auto& channel : {none, other}) {
      const grpc::Status status = CallAny(channel, method);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED)
          << method << ": " << status.error_message();
      EXPECT_THAT(status.error_message(), HasSubstr("join file")) << method;
    }
  }
  // And with it they do: the check above would pass on a server that refuses everybody.
  const auto good = Open(endpoint_);
  EXPECT_TRUE(CallAny(good, "/grpc.health.v1.Health/Check").ok());
  EXPECT_EQ(CallAny(good, "/shoal.v1.LabService/Nonsense").error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(NetworkTest, AWrongKeyIsToldSo) {
  join::Endpoint wrong = endpoint_;
  wrong.key = join::NewKey();
  EXPECT_THAT(GetLab(wrong), StatusIs(absl::StatusCode::kUnauthenticated,
                                      AllOf(HasSubstr(endpoint_.file), HasSubstr("join-file"))));
  for (const std::string& key : {std::string("x"), endpoint_.key.substr(0, 69), std::string()}) {
    if (key.empty()) continue;  // gRPC sends no header without a token
    wrong.key = key;
    EXPECT_THAT(GetLab(wrong), StatusIs(absl::StatusCode::kUnauthenticated)) << key;
  }
}

TEST_F(NetworkTest, AnotherCertificateIsToldSo) {
  ASSERT_OK_AND_ASSIGN(const auto other,
                       identity::MakeCertificate({"127.0.0.1"}, SystemClock().Now()));
  join::Endpoint wrong = endpoint_;
  wrong.certificate = other.certificate;
  EXPECT_THAT(GetLab(wrong), StatusIs(absl::StatusCode::kUnauthenticated,
                                      AllOf(HasSubstr("certificate is another"),
                                            HasSubstr(endpoint_.file), Not(HasSubstr(wrong.key)))));
}

TEST_F(NetworkTest, ThePlaintextClientGetsNothing) {
  EXPECT_THAT(GetLab(grpc::CreateChannel(endpoint_.target, grpc::InsecureChannelCredentials())),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(NetworkTest, WhatSpeaksNoTlsIsToldSo) {
  // The lab's own Unix socket has no TLS; behind a TCP port it stands for any other program.
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  const auto server = builder.BuildAndStart();
  join::Endpoint wrong = endpoint_;
  wrong.target = StrCat("127.0.0.1:", port);
  EXPECT_THAT(GetLab(wrong), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("speaks no TLS")));
  server->Shutdown();
}

TEST_F(NetworkTest, ShutdownIsForTheUnixSocketOnly) {
  cluster_.Stop();
  cluster_.options().allow_shutdown = true;
  ASSERT_OK(cluster_.Start());
  ASSERT_OK_AND_ASSIGN(endpoint_,
                       join::JoinEndpoint(cluster_.coordinator().join_file(), SystemClock().Now()));
  v1::ShutdownResponse response;
  const auto stub = v1::LabService::NewStub(Open(endpoint_));
  EXPECT_THAT(FromGrpc(stub->Shutdown(NewContext().get(), v1::ShutdownRequest(), &response)),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_FALSE(cluster_.coordinator().WaitForShutdown(absl::ZeroDuration()));
}

TEST_F(NetworkTest, TheJoinFileOutlivesARestart) {
  const int port = cluster_.coordinator().tcp_port();
  cluster_.options().tcp_address = StrCat("127.0.0.1:", port);
  ASSERT_OK(cluster_.Restart());
  EXPECT_OK(GetLab(endpoint_));
}

TEST_F(NetworkTest, ARotatedKeyCountsFromTheNextCallOn) {
  const auto channel = Open(endpoint_);
  ASSERT_OK(GetLab(channel));
  ASSERT_OK(identity::Rotate(cluster_.data_dir(), SystemClock().Now()));
  EXPECT_THAT(GetLab(channel), StatusIs(absl::StatusCode::kUnauthenticated));
  ASSERT_OK_AND_ASSIGN(const join::Endpoint anew,
                       join::JoinEndpoint(endpoint_.file, SystemClock().Now()));
  EXPECT_OK(GetLab(anew));
}

TEST_F(NetworkTest, AnUnreadableKeyFileRefusesEverybody) {
  RealFileSystem files;
  ASSERT_OK(files.RemoveFile(identity::KeyDigestPath(cluster_.data_dir())));
  EXPECT_THAT(GetLab(endpoint_), StatusIs(absl::StatusCode::kUnauthenticated));
}

class ListenTest : public testing::Test {
 protected:
  absl::Status Start(const std::string& listen, const std::string& advertise = "") {
    cluster_.options().tcp_address = listen;
    cluster_.options().advertise = advertise;
    return cluster_.Start();
  }
  TestCluster cluster_;
};

TEST_F(ListenTest, ATakenPortIsToldWithTheRemedy) {
  TestCluster first;
  first.options().tcp_address = "127.0.0.1:0";
  ASSERT_OK(first.Start());
  const std::string address = StrCat("127.0.0.1:", first.coordinator().tcp_port());
  EXPECT_THAT(Start(address), StatusIs(absl::StatusCode::kUnavailable,
                                       AllOf(HasSubstr("is in use"), HasSubstr(address),
                                             HasSubstr("name another port"))));
  // It left no trace, and the folder is free again.
  EXPECT_FALSE(RealFileSystem().Exists(join::JoinFileOf(cluster_.data_dir())));
  EXPECT_OK(Start("127.0.0.1:0"));
}

TEST_F(ListenTest, AHostThatIsNotOursIsTold) {
  EXPECT_THAT(Start("203.0.113.7:7411"),  // TEST-NET-3, RFC 5737
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("no address of this machine"), HasSubstr("0.0.0.0:7411"))));
  EXPECT_THAT(Start("no-such-host.invalid:7411"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not known here")));
}

TEST_F(ListenTest, NonsenseIsAUsageError) {
  for (const char* listen : {"7411", "localhost", "localhost:port", "localhost:70000"}) {
    EXPECT_THAT(Start(listen),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("HOST:PORT")));
  }
  EXPECT_THAT(Start("127.0.0.1:0", "0.0.0.0:1"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--advertise")));
}

TEST_F(ListenTest, APrivilegedPortIsRefusedToOthersThanRoot) {
  int first = 1024;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first;
  if (first <= 80) GTEST_SKIP() << "anybody may listen on any port here";
  EXPECT_EXIT(
      {
        if (geteuid() == 0 && setuid(65534) != 0) _exit(9);  // nobody
        const absl::Status status = rpc::CheckPort({"127.0.0.1", 80});
        std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
        _exit(absl::IsPermissionDenied(status) ? 0 : 1);
      },
      testing::ExitedWithCode(0), "only root may listen on port 80.*from 1024 on");
}

TEST_F(ListenTest, WhatIsAdvertisedStandsInTheJoinFileAndTheCertificate) {
  ASSERT_OK(Start("0.0.0.0:0", "lab.example.org:7411"));
  EXPECT_EQ(cluster_.coordinator().advertised(), "lab.example.org:7411");
  ASSERT_OK_AND_ASSIGN(const join::JoinFile join,
                       join::ReadJoinFile(cluster_.coordinator().join_file()));
  EXPECT_EQ(join.address, "lab.example.org:7411");
  ASSERT_OK_AND_ASSIGN(const join::Certificate read, join::ReadCertificate(join.certificate));
  EXPECT_THAT(read.names, testing::IsSupersetOf({"lab.example.org", "localhost", "127.0.0.1"}));
}

TEST_F(ListenTest, AnExpiredCertificateIsToldAtStart) {
  FakeClock clock;
  cluster_.options().clock = &clock;
  ASSERT_OK(Start("127.0.0.1:0"));
  cluster_.Stop();
  clock.Advance(absl::Hours(24 * 3700));
  EXPECT_THAT(Start("127.0.0.1:0"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                             AllOf(HasSubstr("expired"), HasSubstr("--rotate"))));
}

}  // namespace
}  // namespace shoal
