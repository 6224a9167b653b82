#include "tests/integration/loop_driver.h"

#include <condition_variable>
#include <mutex>

#include "coordinator/store/scheduler_rows.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal {
namespace {

// One value handed from the loop thread to the driver.
template <typename T>
class Box {
 public:
  void Put(T value) {
    std::lock_guard<std::mutex> lock(mutex_);
    value_ = std::move(value);
    ready_.notify_all();
  }
  T Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.wait(lock, [&] { return value_.has_value(); });
    return *std::move(value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::optional<T> value_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LoopDriver>> LoopDriver::Open(const std::string& data_dir,
                                                             uint64_t seed,
                                                             store::Database::CommitProbe probe) {
  std::unique_ptr<LoopDriver> driver(new LoopDriver(seed));
  SHOAL_ASSIGN_OR_RETURN(driver->store_, store::Store::Open(data_dir, driver->clock_));
  loop::Loop::Options options;
  options.config.lease = absl::Seconds(10);
  SHOAL_ASSIGN_OR_RETURN(driver->loop_, loop::Loop::Make(options, *driver->store_, driver->clock_));
  driver->store_->writer().set_commit_probe(std::move(probe));
  driver->loop_->Start({});
  SHOAL_RETURN_IF_ERROR(driver->PutFile("data", driver->data_));
  for (int i = 0; i < 2; ++i)
    driver->workers_.push_back({StrCat("worker", i), StrCat("start ", seed, " ", i), "", {}});
  return driver;
}

template <typename Response, typename MakeCommand>
absl::StatusOr<Response> LoopDriver::Call(MakeCommand make) {
  auto box = std::make_shared<Box<absl::StatusOr<Response>>>();
  SHOAL_RETURN_IF_ERROR(
      loop_->Post(make([box](absl::StatusOr<Response> result) { box->Put(std::move(result)); })));
  absl::StatusOr<Response> result = box->Take();
  last_error_ = result.status();
  return result;
}

void LoopDriver::Look(std::function<void(const loop::View&)> look) {
  auto box = std::make_shared<Box<bool>>();
  SHOAL_CHECK(loop_
                  ->Post(std::make_unique<loop::LookCommand>([box, look](const loop::View& view) {
                    look(view);
                    box->Put(true);
                  }))
                  .ok());
  box->Take();
}

absl::Status LoopDriver::PutFile(const std::string& bytes, v1::ArtifactRef& artifact) {
  const Digest digest = Sha256Of(bytes);
  artifact.set_sha256(digest.Hex());
  artifact.set_size_bytes(static_cast<int64_t>(bytes.size()));
  SHOAL_ASSIGN_OR_RETURN(auto upload, store_->files().BeginUpload(digest, artifact.size_bytes()));
  SHOAL_RETURN_IF_ERROR(upload->Append(bytes));
  SHOAL_RETURN_IF_ERROR(upload->Finish());
  const auto result = Call<bool>([&](loop::Callback<bool> done) {
    return std::make_unique<loop::ArtifactCommand>(
        artifact, store_->files(),
        [done](const absl::Status& status) { status.ok() ? done(true) : done(status); });
  });
  return result.status();
}

std::string LoopDriver::Submit() {
  v1::SubmitRunRequest request;
  request.set_request_id(StrCat("r", random_()));
  request.mutable_spec()->set_name(StrCat("n", Pick(3)));
  request.mutable_spec()->mutable_data()->set_train("t.jsonl");
  request.mutable_spec()->mutable_resources()->set_backend("mock");
  request.set_no_reuse(Pick(2) == 0);
  v1::DataBinding& binding = *request.add_bindings();
  binding.set_role(v1::BINDING_ROLE_TRAIN);
  binding.set_sha256(data_.sha256());
  binding.set_size_bytes(data_.size_bytes());
  binding.set_file_name("t.jsonl");
  absl::StatusOr<loop::Submission> submission = loop::PlanRun(request);
  SHOAL_CHECK(submission.ok(), submission.status().ToString());
  const auto response = Call<v1::SubmitSweepResponse>([&](auto done) {
    return std::make_unique<loop::SubmitCommand>(*std::move(submission), std::move(done));
  });
  return response.ok() ? StrCat("run ", response->runs(0).name()) : "";
}

template <typename ControlCommand>
std::string LoopDriver::ControlSomething() {
  const auto rows = loop_->runs().Snapshot();
  if (rows->empty()) return "";
  typename ControlCommand::Request request;
  request.set_request_id(StrCat("c", random_()));
  request.set_actor("user:test@test");
  loop::Rows runs = {(*rows)[static_cast<size_t>(Pick(static_cast<int>(rows->size())))]};
  Call<typename ControlCommand::Response>([&](auto done) {
    return std::make_unique<ControlCommand>(request, std::move(runs), std::move(done));
  })
      .status()
      .IgnoreError();
  return "";
}

std::string LoopDriver::DrainSomething() {
  v1::DrainWorkerRequest request;
  request.set_request_id(StrCat("d", random_()));
  request.set_actor("user:test@test");
  request.set_worker(workers_[static_cast<size_t>(Pick(2))].name);
  request.set_undo(Pick(3) > 0);
  Call<std::string>(
      [&](auto done) { return std::make_unique<loop::DrainCommand>(request, std::move(done)); })
      .status()
      .IgnoreError();
  return "";
}

std::string LoopDriver::RestartWorker() {
  FakeWorker& worker = workers_[static_cast<size_t>(Pick(2))];
  worker.instance = StrCat("start ", random_());
  worker.held.clear();
  worker.id.clear();
  return "";
}

std::string LoopDriver::Synchronize() {
  FakeWorker& worker = workers_[static_cast<size_t>(Pick(2))];
  if (worker.id.empty()) {
    v1::RegisterRequest request;
    request.set_worker_name(worker.name);
    request.set_instance_id(worker.instance);
    request.set_slots(2);
    v1::BackendInfo& backend = *request.add_backends();
    backend.set_name("mock");
    backend.set_available(true);
    const auto response = Call<v1::RegisterResponse>([&](auto done) {
      return std::make_unique<loop::RegisterCommand>(request, std::move(done));
    });
    if (!response.ok()) return "";
    worker.id = response->worker_id();
  }
  v1::SynchronizeRequest request;
  request.set_worker_id(worker.id);
  request.set_instance_id(worker.instance);
  for (const Held& held : worker.held) *request.add_held() = held.attempt;
  const auto response = Call<v1::SynchronizeResponse>([&](auto done) {
    return std::make_unique<loop::SynchronizeCommand>(request, "unix", *loop_, std::move(done));
  });
  if (absl::IsNotFound(response.status())) worker.id.clear();
  if (!response.ok()) return "";
  for (const v1::StopOrder& stop : response->stop()) {
    std::erase_if(worker.held, [&](const Held& held) {
      return held.attempt.key().job_id() == stop.key().job_id() &&
             stop.kind() == v1::StopOrder::KIND_KILL;
    });
  }
  for (const v1::Assignment& assignment : response->start()) {
    Held& held = worker.held.emplace_back();
    *held.attempt.mutable_key() = assignment.key();
    held.attempt.set_state(v1::ATTEMPT_STATE_LEASED);
    held.step = assignment.resume_from().step();
  }
  return "";
}

std::string LoopDriver::Report() {
  FakeWorker& worker = workers_[static_cast<size_t>(Pick(2))];
  if (worker.held.empty()) return "";
  const size_t place = static_cast<size_t>(Pick(static_cast<int>(worker.held.size())));
  Held& held = worker.held[place];
  v1::ReportRequest request;
  request.set_worker_id(worker.id);
  request.set_instance_id(worker.instance);
  *request.mutable_key() = held.attempt.key();
  request.set_first_sequence(held.next_sequence);
  if (!held.started) {
    v1::AttemptStarted& started = *request.add_items()->mutable_started();
    started.set_resumed_from_step(held.step);
    started.mutable_numerics()->set_backend("mock");
    started.mutable_numerics()->set_dtype("f32");
  }
  const int points = Pick(700);
  v1::SeriesPoints& series = *request.add_items()->mutable_points();
  series.set_series(StrCat("s", Pick(2)));
  for (int i = 0; i < points; ++i) {
    v1::MetricPoint& point = *series.add_points();
    point.set_step(++held.step);
    point.set_value(static_cast<double>(random_() % 1000) / 7);
  }
  if (Pick(3) == 0) {
    v1::Checkpoint& checkpoint = *request.add_items()->mutable_checkpoint();
    checkpoint.set_kind(v1::CHECKPOINT_KIND_RESUMABLE);
    checkpoint.set_step(held.step);
    if (!PutFile(StrCat("state ", random_()), *checkpoint.mutable_artifact()).ok()) return "";
  }
  const bool finished = Pick(6) == 0;
  if (finished) {
    v1::AttemptFinished& end = *request.add_items()->mutable_finished();
    end.set_state(Pick(3) == 0 ? v1::ATTEMPT_STATE_FAILED : v1::ATTEMPT_STATE_SUCCEEDED);
    end.set_failure_class(v1::FAILURE_CLASS_BACKEND_ERROR);
    if (end.state() == v1::ATTEMPT_STATE_SUCCEEDED)
      end.set_failure_class(v1::FAILURE_CLASS_UNSPECIFIED);
  }
  const auto response = Call<v1::ReportResponse>(
      [&](auto done) { return std::make_unique<loop::ReportCommand>(request, std::move(done)); });
  if (!response.ok()) {
    if (absl::IsAborted(response.status()))
      worker.held.erase(worker.held.begin() + static_cast<std::ptrdiff_t>(place));
    return "";
  }
  held.started = true;
  held.attempt.set_state(v1::ATTEMPT_STATE_RUNNING);
  held.next_sequence += request.items_size();
  const std::string line =
      StrCat("points ", request.key().job_id(), " ", request.key().attempt_number(), " ",
             response->acknowledged(), " ", points);
  if (finished) worker.held.erase(worker.held.begin() + static_cast<std::ptrdiff_t>(place));
  return line;
}

std::string LoopDriver::RandomStep() {
  clock_.Advance(absl::Milliseconds(Pick(400)));
  const int choice = Pick(100);
  if (choice < 12) return Submit();
  if (choice < 15) return ControlSomething<loop::CancelCommand>();
  if (choice < 17) return RestartWorker();
  if (choice >= 90 && choice < 92) return ControlSomething<loop::PauseCommand>();
  if (choice >= 92 && choice < 95) return ControlSomething<loop::ResumeCommand>();
  if (choice >= 95 && choice < 97) return ControlSomething<loop::RetryCommand>();
  if (choice >= 97 && choice < 99) return DrainSomething();
  if (choice < 18) clock_.Advance(absl::Seconds(12));
  return choice < 50 ? Synchronize() : Report();
}

std::string LoopDriver::MemoryVersusDatabase() {
  std::string difference;
  Look([&](const loop::View& view) {
    const absl::StatusOr<scheduler::StateImage> image = store::LoadStateImage(view.db);
    difference = image.ok()
                     ? scheduler::Difference(view.state.Image(), scheduler::State(*image).Image())
                     : image.status().ToString();
  });
  return difference;
}

absl::StatusOr<int64_t> RecordedPoints(store::Database& db, const std::string& job_id,
                                       int attempt_number) {
  int64_t count = 0;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT coalesce(sum(count), 0) FROM metric_block JOIN attempt USING (attempt_id)
            WHERE job_id = ? AND attempt_number = ?)sql",
      [&](const store::Statement& row) { count = row.Int(0); }, job_id, attempt_number));
  return count;
}

}  // namespace shoal
