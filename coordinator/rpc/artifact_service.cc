#include <memory>
#include <utility>

#include "coordinator/rpc/check.h"
#include "coordinator/rpc/reply.h"
#include "coordinator/rpc/services.h"
#include "coordinator/rpc/stream.h"
#include "coordinator/store/checkpoint_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::rpc {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

// An upload: `expected`, then data; whatever is not finished leaves no trace. Owns itself until
// OnDone.
class Put final : public grpc::ServerReadReactor<v1::PutArtifactRequest> {
 public:
  Put(loop::Loop& loop, store::Store& store, v1::PutArtifactResponse* response)
      : loop_(loop), store_(store), response_(response) {
    StartRead(&request_);
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Complete();
    if (upload_ == nullptr) return Begin();
    if (!request_.has_data())
      return End(absl::InvalidArgumentError("after `expected` only data may follow"));
    if (const absl::Status status = upload_->Append(request_.data()); !status.ok())
      return End(status);
    StartRead(&request_);
  }

  void Begin() {
    if (!request_.has_expected())
      return End(absl::InvalidArgumentError("the first message must be `expected`"));
    if (const absl::Status status = Check(request_.expected()); !status.ok()) return End(status);
    artifact_ = request_.expected();
    const absl::Status posted = store_.readers().Post([this](store::Database& db) { LookFor(db); });
    if (!posted.ok()) End(posted);
  }

  void LookFor(store::Database& db) {
    const absl::StatusOr<bool> known = store::HasArtifact(db, artifact_.sha256());
    if (!known.ok()) return End(known.status());
    const Digest digest = *Digest::FromHex(artifact_.sha256());
    if (*known && store_.files().SizeOf(digest) == artifact_.size_bytes()) {
      response_->set_already_there(true);
      return End(absl::OkStatus());
    }
    auto upload = store_.files().BeginUpload(digest, artifact_.size_bytes());
    if (!upload.ok()) return End(upload.status());
    upload_ = *std::move(upload);
    StartRead(&request_);
  }

  void Complete() {
    if (upload_ == nullptr) return End(absl::InvalidArgumentError("an upload without `expected`"));
    // Syncing to disk takes its time: not on gRPC's threads.
    const absl::Status posted = store_.readers().Post([this](store::Database&) {
      const absl::Status status = upload_->Finish();
      if (!status.ok()) return End(status);
      const absl::Status recorded = loop_.Post(std::make_unique<loop::ArtifactCommand>(
          artifact_, store_.files(), [this](const absl::Status& result) { End(result); }));
      if (!recorded.ok()) End(recorded);
    });
    if (!posted.ok()) End(posted);
  }

  void End(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }

  loop::Loop& loop_;
  store::Store& store_;
  v1::PutArtifactResponse* const response_;
  v1::PutArtifactRequest request_;
  v1::ArtifactRef artifact_;
  std::unique_ptr<store::ArtifactUpload> upload_;
};

// A download, one chunk in memory at a time.
class Get final : public ServerStream<v1::GetArtifactResponse> {
 public:
  void Open(const store::ArtifactFiles& files, const v1::GetArtifactRequest& request) {
    const absl::StatusOr<Digest> digest = Digest::FromHex(request.sha256());
    if (!digest.ok()) return End(Annotate(digest.status(), "sha256"));
    auto reader = files.Open(*digest, request.offset_bytes());
    if (!reader.ok()) return End(reader.status());
    if (request.offset_bytes() < 0 || request.offset_bytes() > (*reader)->total_bytes()) {
      return End(
          absl::OutOfRangeError(StrCat("offset_bytes: must be 0 to ", (*reader)->total_bytes(),
                                       ", is ", request.offset_bytes())));
    }
    reader_ = *std::move(reader);
    Next();
  }

 private:
  void OnDrained() override { Next(); }

  void Next() {
    absl::StatusOr<std::string> bytes = reader_->Read(kChunkBytes);
    if (!bytes.ok()) return End(bytes.status());
    if (bytes->empty() && sent_) return End(absl::OkStatus());
    sent_ = true;  // an empty file is one empty chunk
    v1::GetArtifactResponse response;
    response.set_data(*std::move(bytes));
    response.set_total_bytes(reader_->total_bytes());
    Offer(std::move(response));
  }

  std::unique_ptr<store::ArtifactReader> reader_;
  bool sent_ = false;
};

}  // namespace

grpc::ServerReadReactor<v1::PutArtifactRequest>* ArtifactServiceImpl::Put(
    Context*, v1::PutArtifactResponse* response) {
  return new rpc::Put(loop_, store_, response);
}

grpc::ServerWriteReactor<v1::GetArtifactResponse>* ArtifactServiceImpl::Get(
    Context*, const v1::GetArtifactRequest* request) {
  auto get = std::make_shared<rpc::Get>();
  get->Begin();
  get->Open(store_.files(), *request);
  return get.get();
}

grpc::ServerUnaryReactor* ArtifactServiceImpl::Find(Context* context,
                                                    const v1::FindArtifactsRequest* request,
                                                    v1::FindArtifactsResponse* response) {
  const auto read =
      [this, wanted = *request](store::Database& db) -> absl::StatusOr<v1::FindArtifactsResponse> {
    v1::FindArtifactsResponse answer;
    for (const std::string& sha256 : wanted.sha256()) {
      SHOAL_ASSIGN_OR_RETURN(const Digest digest, Digest::FromHex(sha256), "sha256");
      SHOAL_ASSIGN_OR_RETURN(const bool known, store::HasArtifact(db, sha256));
      if (!known || store_.files().SizeOf(digest) < 0) answer.add_missing(sha256);
    }
    return answer;
  };
  return ReadFor(context->DefaultReactor(), store_.readers(), response, read);
}

}  // namespace shoal::rpc
