#include "tests/fault/fake_coordinator.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "core/base/digest.h"
#include "core/base/ids.h"
#include "core/base/strings.h"

namespace shoal::fault {
namespace {

absl::Duration FromProto(const google::protobuf::Duration& proto) {
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

FakeCoordinator::Key KeyOf(const v1::AttemptKey& key) {
  return {key.job_id(), key.attempt_number()};
}

}  // namespace

const v1::AttemptFinished* Recorded::finished() const {
  return !items.empty() && items.back().has_finished() ? &items.back().finished() : nullptr;
}

std::vector<v1::MetricPoint> Recorded::Points(const std::string& series) const {
  std::vector<v1::MetricPoint> points;
  for (const v1::ReportItem& item : items) {
    if (item.points().series() != series) continue;
    points.insert(points.end(), item.points().points().begin(), item.points().points().end());
  }
  return points;
}

std::vector<v1::Checkpoint> Recorded::Checkpoints() const {
  std::vector<v1::Checkpoint> checkpoints;
  for (const v1::ReportItem& item : items) {
    if (item.has_checkpoint()) checkpoints.push_back(item.checkpoint());
  }
  return checkpoints;
}

FakeCoordinator::~FakeCoordinator() { GoAway(); }

void FakeCoordinator::ComeUp() {
  {
    MutexLock lock(mutex_);
    away_ = false;
  }
  unlink(socket_.c_str());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(target(), grpc::InsecureServerCredentials());
  builder.RegisterService(static_cast<v1::WorkerService::Service*>(this));
  builder.RegisterService(static_cast<v1::ArtifactService::Service*>(this));
  server_ = builder.BuildAndStart();
}

void FakeCoordinator::GoAway() {
  if (server_ == nullptr) return;
  {
    MutexLock lock(mutex_);
    away_ = true;
    changed_.SignalAll();
  }
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
  unlink(socket_.c_str());
}

void FakeCoordinator::Lease(v1::Assignment assignment) {
  MutexLock lock(mutex_);
  leased_[KeyOf(assignment.key())] = std::move(assignment);
  changed_.SignalAll();
}

void FakeCoordinator::Order(const Key& key, v1::StopOrder::Kind kind) {
  MutexLock lock(mutex_);
  orders_[key] = kind;
  changed_.SignalAll();
}

void FakeCoordinator::MakeStale(const Key& key) {
  MutexLock lock(mutex_);
  stale_.insert(key);
}

void FakeCoordinator::ForgetWorker() {
  MutexLock lock(mutex_);
  instance_.clear();
  changed_.SignalAll();
}

void FakeCoordinator::FailPuts(grpc::Status status) {
  MutexLock lock(mutex_);
  put_status_ = std::move(status);
}

void FakeCoordinator::AcknowledgeAtMost(size_t count) {
  MutexLock lock(mutex_);
  acknowledge_at_most_ = count;
}

std::string FakeCoordinator::AddArtifact(const std::string& bytes) {
  MutexLock lock(mutex_);
  const std::string sha256 = Sha256Of(bytes).Hex();
  artifacts[sha256] = bytes;
  return sha256;
}

void FakeCoordinator::Ask(const v1::GenerateRequest& request) {
  MutexLock lock(mutex_);
  v1::ServeDown down;
  *down.mutable_generate() = request;
  if (serving_ != nullptr) serving_->Write(down);
}

bool FakeCoordinator::Await(const std::function<bool()>& done) {
  const auto deadline = CondVar::Deadline(absl::Minutes(1));
  MutexLock lock(mutex_);
  while (!done()) {
    if (!changed_.WaitUntil(mutex_, deadline)) return done();
  }
  return true;
}

void FakeCoordinator::Expect(bool condition, const std::string& promise) {
  if (!condition) broken.push_back(promise);
}

grpc::Status FakeCoordinator::Register(grpc::ServerContext*, const v1::RegisterRequest* request,
                                       v1::RegisterResponse* response) {
  MutexLock lock(mutex_);
  Expect(
      !request->instance_id().empty() && request->slots() > 0 && request->protocol_version() == 1,
      "a registration is complete");
  instance_ = request->instance_id();
  instances.push_back(instance_);
  registration = *request;
  response->set_worker_id(WorkerId::Make(absl::UnixEpoch(), 1).str());
  SetDuration(lease_, response->mutable_lease());
  changed_.SignalAll();
  return grpc::Status::OK;
}

// True when there is something to say.
bool FakeCoordinator::Answer(const v1::SynchronizeRequest& request,
                             v1::SynchronizeResponse& response) {
  response.Clear();
  SetDuration(lease_, response.mutable_lease());
  SetDuration(lease_ / 3, response.mutable_next_call());
  std::set<Key> holds;
  for (const v1::HeldAttempt& one : request.held()) {
    const Key key = KeyOf(one.key());
    holds.insert(key);
    if (leased_.contains(key)) *response.add_renewed() = one.key();
    if (orders_.contains(key)) {
      *response.add_stop()->mutable_key() = one.key();
      response.mutable_stop(response.stop_size() - 1)->set_kind(orders_[key]);
      response.mutable_stop(response.stop_size() - 1)->set_reason("a test wants it");
    }
  }
  for (const auto& [key, assignment] : leased_) {
    if (!holds.contains(key) && recorded[key].items.empty()) *response.add_start() = assignment;
  }
  return response.start_size() + response.stop_size() > 0;
}

grpc::Status FakeCoordinator::Synchronize(grpc::ServerContext* context,
                                          const v1::SynchronizeRequest* request,
                                          v1::SynchronizeResponse* response) {
  const auto deadline = CondVar::Deadline(std::min(FromProto(request->max_wait()), lease_ / 3));
  MutexLock lock(mutex_);
  ++synchronized;
  if (request->instance_id() != instance_) return {grpc::StatusCode::NOT_FOUND, "register again"};
  draining = request->draining();
  held.clear();
  for (const v1::HeldAttempt& one : request->held()) held[KeyOf(one.key())] = one;
  changed_.SignalAll();
  while (!Answer(*request, *response) && !away_ && !context->IsCancelled()) {
    if (request->instance_id() != instance_) return {grpc::StatusCode::NOT_FOUND, "register again"};
    // In slices, since a cancelled call wakes nobody.
    if (!changed_.WaitUntil(mutex_,
                            std::min(deadline, CondVar::Deadline(absl::Milliseconds(20)))) &&
        deadline <= CondVar::Deadline(absl::ZeroDuration())) {
      break;
    }
  }
  return away_ ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "going away") : grpc::Status::OK;
}

grpc::Status FakeCoordinator::Report(grpc::ServerContext*, const v1::ReportRequest* request,
                                     v1::ReportResponse* response) {
  MutexLock lock(mutex_);
  const Key key = KeyOf(request->key());
  if (stale_.contains(key)) {
    ++stale_reports;
    changed_.SignalAll();
    return {grpc::StatusCode::ABORTED, "the attempt is stale"};
  }
  Recorded& attempt = recorded[key];
  Expect(request->items_size() > 0 && request->items_size() <= 4096,
         "a report has 1 to 4096 items");
  Expect(request->ByteSizeLong() <= size_t{4} << 20, "a report has at most 4 MiB");
  Expect(
      request->first_sequence() >= 1 && request->first_sequence() <= std::ssize(attempt.items) + 1,
      StrCat("items are numbered without gaps: ", request->first_sequence(), " after ",
             attempt.items.size()));
  size_t taken = 0;
  for (int i = 0; i < request->items_size(); ++i) {
    const auto place = static_cast<size_t>(request->first_sequence()) + static_cast<size_t>(i) - 1;
    const v1::ReportItem& item = request->items(i);
    if (place < attempt.items.size()) {
      Expect(attempt.items[place].SerializeAsString() == item.SerializeAsString(),
             "an item keeps its number");
      continue;
    }
    if (++taken > acknowledge_at_most_) {
      changed_.SignalAll();
      return {grpc::StatusCode::UNAVAILABLE, "the answer is lost"};
    }
    Expect(attempt.finished() == nullptr, "finished is the last item");
    Expect(item.has_started() ? attempt.items.empty() : true, "started is the first item");
    if (item.has_checkpoint()) {
      Expect(artifacts.contains(item.checkpoint().artifact().sha256()),
             "a checkpoint is uploaded before it is reported");
    }
    attempt.items.push_back(item);
  }
  response->set_acknowledged(std::ssize(attempt.items));
  if (attempt.finished() != nullptr) leased_.erase(key);
  changed_.SignalAll();
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Serve(grpc::ServerContext*,
                                    grpc::ServerReaderWriter<v1::ServeDown, v1::ServeUp>* stream) {
  v1::ServeUp up;
  const bool opened = stream->Read(&up) && up.has_open();
  {
    MutexLock lock(mutex_);
    Expect(opened, "a serve stream begins with open");
    serving_ = stream;
    ++serve_streams;
    changed_.SignalAll();
  }
  while (stream->Read(&up)) {
    MutexLock lock(mutex_);
    answers.push_back(up.event());
    changed_.SignalAll();
  }
  MutexLock lock(mutex_);
  serving_ = nullptr;
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Put(grpc::ServerContext*,
                                  grpc::ServerReader<v1::PutArtifactRequest>* reader,
                                  v1::PutArtifactResponse*) {
  v1::PutArtifactRequest part;
  v1::ArtifactRef expected;
  std::string bytes;
  bool small = true;
  while (reader->Read(&part)) {
    if (part.has_expected()) expected = part.expected();
    small = small && part.data().size() <= size_t{1} << 20;
    bytes += part.data();
  }
  MutexLock lock(mutex_);
  Expect(small, "a chunk has at most 1 MiB");
  if (!put_status_.ok()) return put_status_;
  if (Sha256Of(bytes).Hex() != expected.sha256())
    return {grpc::StatusCode::INVALID_ARGUMENT, "another digest"};
  Expect(!artifacts.contains(expected.sha256()), "what is there is not sent again");
  artifacts[expected.sha256()] = bytes;
  changed_.SignalAll();
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Get(grpc::ServerContext*, const v1::GetArtifactRequest* request,
                                  grpc::ServerWriter<v1::GetArtifactResponse>* writer) {
  std::string bytes;
  {
    MutexLock lock(mutex_);
    ++downloads;
    const auto found = artifacts.find(request->sha256());
    if (found == artifacts.end())
      return {grpc::StatusCode::NOT_FOUND, StrCat("no artifact ", request->sha256())};
    bytes = found->second;
  }
  v1::GetArtifactResponse part;
  part.set_total_bytes(std::ssize(bytes));
  for (size_t offset = 0; offset < bytes.size(); offset += size_t{1} << 20) {
    part.set_data(bytes.substr(offset, size_t{1} << 20));
    writer->Write(part);
  }
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Find(grpc::ServerContext*, const v1::FindArtifactsRequest* request,
                                   v1::FindArtifactsResponse* response) {
  MutexLock lock(mutex_);
  for (const std::string& sha256 : request->sha256()) {
    if (!artifacts.contains(sha256)) response->add_missing(sha256);
  }
  return grpc::Status::OK;
}

}  // namespace shoal::fault
