#include "coordinator/rpc/series_stream.h"

#include <memory>
#include <string>
#include <vector>

#include "coordinator/rpc/stream.h"
#include "coordinator/store/series_rows.h"
#include "core/base/status.h"

namespace shoal::rpc {
namespace {

constexpr int64_t kPointsOfMessage = 1 << 16;  // about 1.7 MB

// One piece of work at a time is on the readers' threads: listing first, then a message whenever
// the one before has been written. So its members need no lock.
class SeriesStream final : public ServerStream<v1::GetSeriesResponse> {
 public:
  SeriesStream(store::ReaderPool& readers, const v1::GetSeriesRequest& request)
      : readers_(readers), request_(request) {}

  void Open(const std::string& run_id) {
    Post([this, run_id](store::Database& db) {
      auto series =
          store::ListBlocks(db, run_id, {request_.series().begin(), request_.series().end()},
                            request_.include_superseded());
      if (!series.ok()) return End(series.status());
      series_ = *std::move(series);
      SendNext(db);
    });
  }

 private:
  void OnDrained() override {
    Post([this](store::Database& db) { SendNext(db); });
  }

  template <typename Work>
  void Post(Work work) {
    const absl::Status posted =
        readers_.Post([self = shared_from_this(), work](store::Database& db) { work(db); });
    if (!posted.ok()) End(posted);
  }

  void SendNext(store::Database& db) {
    v1::GetSeriesResponse response;
    int64_t points = 0;
    while (at_series_ < series_.size() && points < kPointsOfMessage) {
      const store::SeriesBlocks& series = series_[at_series_];
      if (at_block_ == series.blocks.size()) {
        ++at_series_;
        at_block_ = 0;
        continue;
      }
      const store::BlockRef& block = series.blocks[at_block_++];
      points += block.count;
      const absl::Status read = store::ReadBlock(
          db, series.name, block, request_.include_superseded(), *response.mutable_series());
      if (!read.ok()) return End(Annotate(read, series.name));
    }
    if (points == 0) return End(absl::OkStatus());
    Offer(std::move(response));
  }

  store::ReaderPool& readers_;
  const v1::GetSeriesRequest request_;
  std::vector<store::SeriesBlocks> series_;
  size_t at_series_ = 0;  // the next block to read
  size_t at_block_ = 0;
};

}  // namespace

grpc::ServerWriteReactor<v1::GetSeriesResponse>* StartGetSeries(
    loop::Loop& loop, store::Store& store, const v1::GetSeriesRequest& request) {
  auto stream = std::make_shared<SeriesStream>(store.readers(), request);
  stream->Begin();
  const absl::StatusOr<loop::RunPtr> run = loop.runs().ResolveOne(request.run());
  if (run.ok()) {
    stream->Open((*run)->run_id());
  } else {
    stream->End(run.status());
  }
  return stream.get();
}

}  // namespace shoal::rpc
