// What people ask for beside runs: to talk to a model; and an uploaded file becoming known.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/loop/command.h"
#include "coordinator/loop/plan.h"
#include "coordinator/loop/runs_table.h"
#include "coordinator/store/artifact_files.h"
#include "shoal/v1/artifact.pb.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::loop {

template <typename T>
using Callback =
    std::function<void(absl::StatusOr<T>)>;  // called once, on the loop thread; must not wait

// Makes sure that a serve job of the run is alive; answers its id. FailedPrecondition: the run has
// no weights yet, or a head that does not generate.
class ServeCommand final : public Command {
 public:
  ServeCommand(RunPtr run, absl::Duration idle_timeout, std::string actor, Callback<JobId> done)
      : run_(std::move(run)),
        idle_timeout_(idle_timeout),
        actor_(std::move(actor)),
        done_(std::move(done)) {}
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  const RunPtr run_;
  const absl::Duration idle_timeout_;
  const std::string actor_;
  const Callback<JobId> done_;
  absl::Status answer_;
};

// Nobody talks to this serve job any more.
class ServeIdleCommand final : public Command {
 public:
  explicit ServeIdleCommand(JobId job_id) : job_id_(std::move(job_id)) {}
  absl::Status Execute(Step& step) override {
    return step.Decide(scheduler::ServeIdle{job_id_}).status();
  }
  void Finish(const absl::Status&, const View&) override {}

 private:
  const JobId job_id_;
};

// Makes a file that has been put in its place known to the lab.
class ArtifactCommand final : public Command {
 public:
  ArtifactCommand(v1::ArtifactRef artifact, const store::ArtifactFiles& files,
                  std::function<void(absl::Status)> done)
      : artifact_(std::move(artifact)), files_(files), done_(std::move(done)) {}
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  const v1::ArtifactRef artifact_;
  const store::ArtifactFiles& files_;
  const std::function<void(absl::Status)> done_;
  absl::Status answer_;
};

// Looks at the committed state on the loop thread.
class LookCommand final : public Command {
 public:
  explicit LookCommand(std::function<void(const View& view)> look) : look_(std::move(look)) {}
  absl::Status Execute(Step&) override { return absl::OkStatus(); }
  void Finish(const absl::Status&, const View& view) override { look_(view); }

 private:
  const std::function<void(const View& view)> look_;
};

}  // namespace shoal::loop
