#include "worker/engine/backend/backend.h"

#include <cstring>

#include "tests/unit/worker_engine/engine_fixture.h"
#include "worker/engine/backend/check_backend.h"
#include "worker/engine/backend/loader.h"

namespace shoal::engine {
namespace {

using testing::Contains;
using testing::HasSubstr;

class BackendTest : public EngineTest {};

TEST_F(BackendTest, ListsAndProbesWhatIsInstalled) {
  EXPECT_THAT(InstalledBackends(), Contains("reference"));
  bool found = false;
  for (const v1::BackendInfo& backend : ProbeBackends()) {
    if (backend.name() != "reference") continue;
    found = true;
    EXPECT_TRUE(backend.available()) << backend.reason();
    EXPECT_GE(backend.device_count(), 1);
    EXPECT_GE(backend.numerics_version(), 1);
  }
  EXPECT_TRUE(found);
}

TEST_F(BackendTest, RefusesNamesThatAreNotBackends) {
  EXPECT_THAT(LoadBackend("../evil"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(LoadBackend(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(LoadBackend("check:"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(LoadBackend("absent"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("installed are")));
  EXPECT_THAT(LoadBackend("check:absent"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Device::Open({.backend = "absent"}), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(BackendTest, AutoIsTheFastestAvailable) {
  std::vector<v1::BackendInfo> backends(3);
  backends[0].set_name("reference");
  backends[0].set_available(true);
  backends[1].set_name("onednn");
  backends[1].set_available(true);
  backends[2].set_name("cuda");
  EXPECT_EQ(*ResolveAutoBackend(backends), "onednn");
  backends[2].set_available(true);
  EXPECT_EQ(*ResolveAutoBackend(backends), "cuda");
  EXPECT_THAT(ResolveAutoBackend({}), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(BackendTest, BuffersHoldWhatIsWritten) {
  ASSERT_OK_AND_ASSIGN(Buffer buffer, device_->Allocate(256));
  std::vector<float> zeros(64, 1.0F);
  ASSERT_OK(buffer.Read(0, zeros.data(), 256));
  EXPECT_THAT(zeros, testing::Each(0.0F));
  const float value = 2.5F;
  ASSERT_OK(buffer.Write(128, &value, 4));
  Buffer moved = std::move(buffer);
  float back = 0;
  ASSERT_OK(moved.Read(128, &back, 4));
  EXPECT_EQ(back, value);
}

// Trains through the check of `backend`.
absl::Status TrainChecked(const std::string& backend, const TrainerOptions& options,
                          const data::Shard& train, const data::Shard& held_out) {
  SHOAL_ASSIGN_OR_RETURN(auto device, Device::Open({.backend = "check:" + backend}));
  SHOAL_ASSIGN_OR_RETURN(auto trainer, Trainer::Create(*device, options, train, held_out));
  for (int i = 0; i < 3; ++i) SHOAL_RETURN_IF_ERROR(trainer->Step());
  return trainer->Evaluate(0).status();
}

TEST_F(BackendTest, TheReferencePassesItsOwnCheck) {
  EXPECT_OK(TrainChecked("reference", TinyOptions(3), *train_, *held_out_));
  TrainerOptions plain = TinyOptions(3);
  plain.fuse = false;
  EXPECT_OK(TrainChecked("reference", plain, *train_, *held_out_));
}

TEST_F(BackendTest, TheCheckNamesTheOperationThatIsWrong) {
  const absl::Status status = TrainChecked("mock", TinyOptions(3), *train_, *held_out_);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("EMBEDDING (embedding)")));
  EXPECT_THAT(status.ToString(), HasSubstr("the reference says"));
}

TEST_F(BackendTest, EveryInstalledComputeBackendPassesTheCheck) {
  for (const v1::BackendInfo& backend : ProbeBackends()) {
    if (!backend.available() || backend.name() == "mock") continue;
    for (const char* activation : {"relu", "gelu_tanh", "gelu_erf"}) {
      TrainerOptions options = TinyOptions(3);
      options.model.set_activation(activation);
      options.model.mutable_dropout()->set_attention(0.2);
      options.model.mutable_dropout()->set_feed_forward(0.2);
      EXPECT_OK(TrainChecked(backend.name(), options, *train_, *held_out_)) << backend.name();
      options.train.set_dtype("bf16");
      if (!backend.supports_bf16()) continue;
      EXPECT_OK(TrainChecked(backend.name(), options, *train_, *held_out_)) << backend.name();
    }
  }
}

}  // namespace
}  // namespace shoal::engine
