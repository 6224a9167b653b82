#include "coordinator/store/report_writer.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "coordinator/store/checkpoint_rows.h"
#include "coordinator/store/run_rows.h"
#include "coordinator/store/series_rows.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::store {

absl::StatusOr<ReportWriter::AttemptBook*> ReportWriter::Find(const scheduler::AttemptKey& key) {
  if (auto it = attempts_.find(key); it != attempts_.end()) return &it->second;
  AttemptBook book;
  SHOAL_RETURN_IF_ERROR(db_.ForEach(
      R"sql(SELECT attempt_id, run_id, reported_sequence FROM attempt JOIN job USING (job_id)
            WHERE job_id = ? AND attempt_number = ?)sql",
      [&](const Statement& row) {
        book.attempt_id = row.Int(0);
        book.run_id = row.Text(1);
        book.acknowledged = row.Int(2);
      },
      key.job_id.str(), key.attempt_number));
  if (book.attempt_id == 0) {
    return absl::NotFoundError(
        StrCat("there is no attempt ", key.attempt_number, " of ", key.job_id));
  }
  SHOAL_ASSIGN_OR_RETURN(const v1::RunSpec spec, LoadSpec(db_, book.run_id));
  if (spec.checkpoint().has_keep_last()) book.keep_last = spec.checkpoint().keep_last();
  return &(attempts_[key] = std::move(book));
}

absl::StatusOr<int64_t> ReportWriter::Acknowledged(const scheduler::AttemptKey& key) {
  SHOAL_ASSIGN_OR_RETURN(const AttemptBook* book, Find(key));
  return book->acknowledged;
}

absl::StatusOr<ReportWriter::Tail*> ReportWriter::FindTail(AttemptBook& book,
                                                           const std::string& series) {
  if (auto it = book.tails.find(series); it != book.tails.end()) return &it->second;
  Tail tail;
  SHOAL_ASSIGN_OR_RETURN(tail.series_id, SeriesId(db_, series));
  std::string open_block;
  SHOAL_RETURN_IF_ERROR(db_.ForEach(
      R"sql(SELECT block_index, sealed, points FROM metric_block WHERE attempt_id = ? AND series_id = ?
            ORDER BY block_index DESC LIMIT 1)sql",
      [&](const Statement& row) {
        const bool sealed = row.Int(1) != 0;
        tail.block_index = row.Int(0) + (sealed ? 1 : 0);
        if (!sealed) open_block = row.Blob(2);
      },
      book.attempt_id, tail.series_id));
  if (!open_block.empty()) {
    SHOAL_ASSIGN_OR_RETURN(tail.points, DecodePoints(open_block));
  }
  return &(book.tails[series] = std::move(tail));
}

absl::Status ReportWriter::WriteTail(const AttemptBook& book, Tail& tail) {
  const BlockSummary summary = Summarize(tail.points);
  const bool sealed = tail.points.size() == kBlockPoints;
  SHOAL_RETURN_IF_ERROR(db_.Run(
      R"sql(INSERT INTO metric_block (attempt_id, series_id, block_index, sealed, count, nan_count, first_step,
                                      last_step, min, max, points)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET sealed = excluded.sealed, count = excluded.count,
              nan_count = excluded.nan_count, first_step = excluded.first_step, last_step = excluded.last_step,
              min = excluded.min, max = excluded.max, points = excluded.points)sql",
      book.attempt_id, tail.series_id, tail.block_index, sealed, summary.count, summary.nan_count,
      summary.first_step, summary.last_step, summary.min, summary.max,
      AsBlob{EncodePoints(tail.points)}));
  if (sealed) {
    tail.points.clear();
    ++tail.block_index;
  }
  return absl::OkStatus();
}

absl::Status ReportWriter::AddPoints(AttemptBook& book, const v1::SeriesPoints& series,
                                     int64_t& step) {
  if (series.points().empty()) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(Tail * tail, FindTail(book, series.series()));
  std::vector<Point> added;
  for (const v1::MetricPoint& point : series.points()) {
    added.push_back({point.step(), point.value(), point.wall_time_us()});
    step = std::max(step, point.step());
    tail->points.push_back(added.back());
    if (tail->points.size() == kBlockPoints) SHOAL_RETURN_IF_ERROR(WriteTail(book, *tail));
  }
  tail->dirty = !tail->points.empty();
  return AddToSummary(db_, book.run_id, tail->series_id, added);
}

absl::StatusOr<ReportWriter::Written> ReportWriter::Write(const v1::ReportRequest& report,
                                                          int first, int64_t acknowledged,
                                                          absl::Time now) {
  SHOAL_CHECK(db_.in_transaction(), "a report is all or nothing");
  const scheduler::AttemptKey key{JobId::Parse(report.key().job_id()).value(),
                                  report.key().attempt_number()};
  SHOAL_ASSIGN_OR_RETURN(AttemptBook * book, Find(key));
  Written written{book->run_id, {}};
  int64_t step = -1;
  for (int i = first; i < report.items_size(); ++i) {
    SHOAL_RETURN_IF_ERROR(WriteItem(key, *book, report.items(i), now, step, written));
  }
  for (auto& [name, tail] : book->tails) {
    if (!tail.dirty) continue;
    SHOAL_RETURN_IF_ERROR(WriteTail(*book, tail));
    tail.dirty = false;
  }
  if (step >= 0) {
    // A run is where its training is: who serves it starts at step 0.
    SHOAL_RETURN_IF_ERROR(db_.Run(R"sql(UPDATE run SET step = ?1 WHERE run_id = ?2
                        AND EXISTS (SELECT 1 FROM job WHERE job_id = ?3 AND kind <> ?4))sql",
                                  step, book->run_id, key.job_id.str(),
                                  static_cast<int>(v1::JOB_KIND_SERVE)));
    SHOAL_RETURN_IF_ERROR(
        db_.Run("UPDATE attempt SET step = ? WHERE attempt_id = ?", step, book->attempt_id));
  }
  book->acknowledged = acknowledged;
  SHOAL_RETURN_IF_ERROR(
      db_.Run("UPDATE attempt SET reported_sequence = ?, reported_at_us = ? WHERE attempt_id = ?",
              acknowledged, now, book->attempt_id));
  return written;
}

absl::Status ReportWriter::WriteItem(const scheduler::AttemptKey& key, AttemptBook& book,
                                     const v1::ReportItem& item, absl::Time now, int64_t& step,
                                     Written& written) {
  switch (item.item_case()) {
    case v1::ReportItem::kStarted:
      step = item.started().resumed_from_step();
      if (key.attempt_number > 1) {
        SHOAL_RETURN_IF_ERROR(SupersedePoints(db_, key, book.run_id, step));
      }
      return absl::OkStatus();
    case v1::ReportItem::kPoints:
      return AddPoints(book, item.points(), step);
    case v1::ReportItem::kLog:
      return db_.Run(
          "INSERT INTO log (run_id, attempt_id, wall_time_us, level, text) VALUES (?, ?, ?, ?, ?)",
          book.run_id, book.attempt_id, item.log().wall_time_us(), item.log().level(),
          item.log().text());
    case v1::ReportItem::kSample:
      return db_.Run(
          "INSERT INTO sample (run_id, attempt_id, step, prompt, text) VALUES (?, ?, ?, ?, ?)",
          book.run_id, book.attempt_id, item.sample().step(), item.sample().prompt(),
          item.sample().text());
    case v1::ReportItem::kCheckpoint: {
      SHOAL_RETURN_IF_ERROR(
          InsertCheckpoint(db_, book.run_id, book.attempt_id, item.checkpoint(), now));
      SHOAL_ASSIGN_OR_RETURN(std::vector<std::string> removed,
                             DropOldCheckpoints(db_, book.run_id, book.keep_last));
      written.removed_artifacts.insert(written.removed_artifacts.end(), removed.begin(),
                                       removed.end());
      return absl::OkStatus();
    }
    case v1::ReportItem::kFinished:  // the scheduler's updates say the rest
      return db_.Run("UPDATE attempt SET peak_memory_bytes = ? WHERE attempt_id = ?",
                     item.finished().peak_memory_bytes(), book.attempt_id);
    case v1::ReportItem::ITEM_NOT_SET:  // from a newer worker: counted, not understood
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace shoal::store
