#include "coordinator/store/series_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/base/status.h"

namespace shoal::store {

absl::StatusOr<int64_t> SeriesId(Database& db, const std::string& name) {
  int64_t id = 0;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT series_id FROM series WHERE name = ?", [&](const Statement& row) { id = row.Int(0); },
      name));
  if (id != 0) return id;
  SHOAL_RETURN_IF_ERROR(db.Run("INSERT INTO series (name) VALUES (?)", name));
  return db.last_insert_id();
}

absl::Status AddToSummary(Database& db, const std::string& run_id, int64_t series_id,
                          const std::vector<Point>& points) {
  if (points.empty()) return absl::OkStatus();
  std::optional<double> min;
  std::optional<double> max;
  int64_t min_step = 0;
  int64_t max_step = 0;
  int64_t not_finite = 0;
  double sum = 0;
  for (const Point& point : points) {
    if (!std::isfinite(point.value)) {
      ++not_finite;
      continue;
    }
    sum += point.value;
    if (!min || point.value < *min) min = point.value, min_step = point.step;
    if (!max || point.value > *max) max = point.value, max_step = point.step;
  }
  const Point& last = points.back();
  // A comparison with NULL is not true: the side that has a number wins.
  return db.Run(
      R"sql(INSERT INTO metric_summary (run_id, series_id, last, last_step, last_wall_time_us, min, min_step, max,
                                        max_step, count, not_finite, sum)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET
              last = excluded.last, last_step = excluded.last_step, last_wall_time_us = excluded.last_wall_time_us,
              min_step = CASE WHEN min IS NULL OR excluded.min < min THEN excluded.min_step ELSE min_step END,
              max_step = CASE WHEN max IS NULL OR excluded.max > max THEN excluded.max_step ELSE max_step END,
              min = coalesce(min(min, excluded.min), min, excluded.min),
              max = coalesce(max(max, excluded.max), max, excluded.max),
              count = count + excluded.count, not_finite = not_finite + excluded.not_finite,
              sum = sum + excluded.sum)sql",
      run_id, series_id, last.value, last.step, last.wall_time_us, min, min_step, max, max_step,
      static_cast<int64_t>(points.size()), not_finite, sum);
}

namespace {

struct Block {
  std::string points;
  int64_t hidden_after;  // INT64_MAX: nothing hidden
};

// Calls `block(series_id, Block)` for a run's blocks that are not hidden as a whole, in order of
// recording.
template <typename Function>
absl::Status ForEachVisibleBlock(Database& db, const std::string& run_id, Function&& block) {
  return db.ForEach(
      R"sql(SELECT series_id, metric_block.points, coalesce(attempt.superseded_after_step, 9223372036854775807)
            FROM job JOIN attempt USING (job_id) JOIN metric_block USING (attempt_id)
            WHERE job.run_id = ?
              AND (attempt.superseded_after_step IS NULL
                   OR metric_block.first_step <= attempt.superseded_after_step)
            ORDER BY series_id, attempt.attempt_id, metric_block.block_index)sql",
      [&](const Statement& row) {
        block(row.Int(0), Block{std::string(row.Blob(1)), row.Int(2)});
      },
      run_id);
}

absl::StatusOr<std::vector<Point>> VisiblePoints(const Block& block) {
  SHOAL_ASSIGN_OR_RETURN(std::vector<Point> points, DecodePoints(block.points));
  std::erase_if(points, [&](const Point& point) { return point.step > block.hidden_after; });
  return points;
}

absl::Status RemakeSummaries(Database& db, const std::string& run_id) {
  SHOAL_RETURN_IF_ERROR(db.Run("DELETE FROM metric_summary WHERE run_id = ?", run_id));
  std::vector<std::pair<int64_t, Block>> blocks;  // first read, then write: one statement at a time
  SHOAL_RETURN_IF_ERROR(ForEachVisibleBlock(db, run_id, [&](int64_t series_id, Block block) {
    blocks.emplace_back(series_id, std::move(block));
  }));
  for (const auto& [series_id, block] : blocks) {
    SHOAL_ASSIGN_OR_RETURN(const std::vector<Point> points, VisiblePoints(block));
    SHOAL_RETURN_IF_ERROR(AddToSummary(db, run_id, series_id, points));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SupersedePoints(Database& db, const scheduler::AttemptKey& key,
                             const std::string& run_id, int64_t step) {
  // From the start means that even a point at step 0 is recorded again.
  const int64_t after = step == 0 ? -1 : step;
  SHOAL_RETURN_IF_ERROR(db.Run(
      R"sql(UPDATE attempt SET superseded_after_step = min(coalesce(superseded_after_step, ?1), ?1)
            WHERE job_id = ?2 AND attempt_number < ?3)sql",
      after, key.job_id.str(), key.attempt_number));
  return RemakeSummaries(db, run_id);
}

absl::StatusOr<std::vector<SeriesBlocks>> ListBlocks(Database& db, const std::string& run_id,
                                                     const std::vector<std::string>& names,
                                                     bool all) {
  const std::set<std::string> wanted(names.begin(), names.end());
  std::vector<SeriesBlocks> series;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT series.name, attempt_id, series_id, block_index, metric_block.count,
                   coalesce(attempt.superseded_after_step, 9223372036854775807), attempt_number
            FROM job JOIN attempt USING (job_id) JOIN metric_block USING (attempt_id) JOIN series USING (series_id)
            WHERE job.run_id = ?
              AND (? OR attempt.superseded_after_step IS NULL
                   OR metric_block.first_step <= attempt.superseded_after_step)
            ORDER BY series.name, attempt_id, block_index)sql",
      [&](const Statement& row) {
        const std::string name(row.Text(0));
        if (!wanted.empty() && !wanted.contains(name)) return;
        if (series.empty() || series.back().name != name) series.emplace_back().name = name;
        series.back().blocks.push_back({row.Int(1), row.Int(2), row.Int(3), row.Int(4), row.Int(5),
                                        static_cast<int>(row.Int(6))});
      },
      run_id, all));
  return series;
}

absl::Status ReadBlock(Database& db, const std::string& series, const BlockRef& block, bool all,
                       google::protobuf::RepeatedPtrField<v1::SeriesPoints>& pieces) {
  std::string bytes;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT points FROM metric_block WHERE attempt_id = ? AND series_id = ? AND block_index = ?",
      [&](const Statement& row) { bytes = row.Blob(0); }, block.attempt_id, block.series_id,
      block.block_index));
  SHOAL_ASSIGN_OR_RETURN(std::vector<Point> points, DecodePoints(bytes));
  if (points.size() > static_cast<size_t>(block.count))
    points.resize(static_cast<size_t>(block.count));
  v1::SeriesPoints* piece = pieces.empty() ? nullptr : &*pieces.rbegin();
  for (const Point& point : points) {
    const bool hidden = point.step > block.hidden_after;
    if (hidden && !all) continue;
    if (piece == nullptr || piece->series() != series || piece->superseded() != hidden ||
        piece->attempt_number() != block.attempt_number) {
      piece = pieces.Add();
      piece->set_series(series);
      piece->set_attempt_number(block.attempt_number);
      piece->set_superseded(hidden);
    }
    v1::MetricPoint& added = *piece->add_points();
    added.set_step(point.step);
    added.set_value(point.value);
    added.set_wall_time_us(point.wall_time_us);
  }
  return absl::OkStatus();
}

}  // namespace shoal::store
