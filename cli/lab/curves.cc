#include "cli/lab/curves.h"

#include "core/base/status.h"

namespace shoal::cli {

absl::Status ForEachPiece(Lab& lab, const std::string& run, const std::vector<std::string>& series,
                          bool all_attempts,
                          const std::function<absl::Status(const v1::SeriesPoints&)>& take) {
  v1::GetSeriesRequest request;
  request.set_run(run);
  request.mutable_series()->Add(series.begin(), series.end());
  request.set_include_superseded(all_attempts);
  grpc::ClientContext context;  // no deadline: how long it takes depends on what takes the points
  const auto reader = lab.service().GetSeries(&context, request);
  for (v1::GetSeriesResponse response; reader->Read(&response);) {
    for (const v1::SeriesPoints& piece : response.series()) {
      const absl::Status taken = take(piece);
      if (taken.ok()) continue;
      context.TryCancel();
      (void)reader->Finish();
      return taken;
    }
  }
  return FromGrpc(reader->Finish());
}

absl::StatusOr<std::vector<v1::SeriesPoints>> ReadCurves(Lab& lab, const std::string& run,
                                                         const std::vector<std::string>& series) {
  std::vector<v1::SeriesPoints> curves;
  SHOAL_RETURN_IF_ERROR(ForEachPiece(lab, run, series, false, [&](const v1::SeriesPoints& piece) {
    if (curves.empty() || curves.back().series() != piece.series())
      curves.emplace_back().set_series(piece.series());
    curves.back().mutable_points()->MergeFrom(piece.points());
    return absl::OkStatus();
  }));
  return curves;
}

}  // namespace shoal::cli
