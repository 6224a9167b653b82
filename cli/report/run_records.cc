#include "cli/report/run_records.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "cli/analysis/grouping.h"
#include "cli/output/json.h"
#include "core/base/strings.h"
#include "core/spec/run_status.h"

namespace shoal::report {
namespace {

using cli::Cell;
using cli::TextCell;
using CellOf = std::function<Cell(size_t run)>;

Cell Positive(int64_t value) { return value > 0 ? Cell(value) : Cell(); }
Cell Positive(double value) { return value > 0 ? Cell(value) : Cell(); }

Cell JsonList(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string json = "[";
  for (const std::string& text : texts)
    StrAppend(json, json.size() > 1 ? "," : "", cli::JsonText(text));
  return cli::RawJson{json + "]"};
}

// A value of the spec, as what it is: a number, a text, true or false, a list.
Cell FieldCell(const analysis::FlatField& field) {
  return field.is_text ? TextCell(field.text) : Cell(cli::RawJson{field.text});
}

class Builder {
 public:
  explicit Builder(std::span<const v1::RunDetail> details) : details_(details) {
    records_.rows.resize(details.size());
  }
  const v1::Run& run(size_t r) const { return details_[r].run(); }

  void Add(std::string name, const CellOf& cell) {
    records_.columns.push_back(std::move(name));
    for (size_t r = 0; r < details_.size(); ++r) records_.rows[r].push_back(cell(r));
  }
  Records Take() { return std::move(records_); }

 private:
  std::span<const v1::RunDetail> details_;
  Records records_;
};

void AddRun(Builder& out, std::span<const v1::RunDetail> details) {
  out.Add("run", [&](size_t r) { return TextCell(out.run(r).name()); });
  out.Add("run_id", [&](size_t r) { return TextCell(out.run(r).run_id()); });
  out.Add("experiment", [&](size_t r) { return TextCell(out.run(r).experiment()); });
  out.Add("sweep_id", [&](size_t r) { return TextCell(out.run(r).sweep_id()); });
  out.Add("trial_index", [&](size_t r) {
    return out.run(r).sweep_id().empty() ? Cell() : Cell(int64_t{out.run(r).trial_index()});
  });
  out.Add("status", [&](size_t r) { return Cell(std::string(spec::Name(out.run(r).status()))); });
  out.Add("status_reason", [&](size_t r) { return TextCell(out.run(r).status_reason()); });
  out.Add("reused", [&](size_t r) { return Cell(out.run(r).reused()); });
  out.Add("seed", [&](size_t r) { return Cell(static_cast<int64_t>(details[r].spec().seed())); });
  out.Add("step", [&](size_t r) { return Cell(out.run(r).step()); });
  out.Add("total_steps", [&](size_t r) { return Cell(out.run(r).total_steps()); });
  out.Add("parameters", [&](size_t r) { return Positive(out.run(r).parameters()); });
  out.Add("train_flops", [&](size_t r) {
    const auto flops = analysis::TrainFlops(out.run(r));
    return flops ? Cell(*flops) : Cell();
  });
}

void AddCost(Builder& out) {
  out.Add("tokens_per_s", [&](size_t r) {
    const auto speed = analysis::TokensPerSecond(out.run(r));
    return speed ? Cell(*speed) : Cell();
  });
  out.Add("wall_time_s", [&](size_t r) {
    const auto time = analysis::WallSeconds(out.run(r));
    return time ? Cell(*time) : Cell();
  });
  out.Add("compute_s", [&](size_t r) { return Positive(out.run(r).compute_seconds()); });
  out.Add("peak_memory_bytes", [&](size_t r) { return Positive(out.run(r).peak_memory_bytes()); });
}

void AddOrigin(Builder& out) {
  out.Add("created_at", [&](size_t r) { return TimeCell(out.run(r).created_at()); });
  out.Add("started_at", [&](size_t r) { return TimeCell(out.run(r).started_at()); });
  out.Add("finished_at", [&](size_t r) { return TimeCell(out.run(r).finished_at()); });
  out.Add("submitted_by", [&](size_t r) { return TextCell(out.run(r).submitted_by()); });
  out.Add("submitted_from", [&](size_t r) { return TextCell(out.run(r).submitted_from()); });
  out.Add("build_id", [&](size_t r) { return TextCell(out.run(r).build_id()); });
  out.Add("request_digest", [&](size_t r) { return TextCell(out.run(r).request_digest()); });
  out.Add("fingerprint", [&](size_t r) { return TextCell(out.run(r).fingerprint()); });
  out.Add("tags", [&](size_t r) { return JsonList(out.run(r).tags()); });
  out.Add("note", [&](size_t r) { return TextCell(out.run(r).note()); });
}

void AddMetrics(Builder& out, std::span<const v1::RunDetail> details) {
  std::set<std::string> names;
  for (const v1::RunDetail& detail : details) {
    for (const auto& [name, summary] : detail.run().metrics()) names.insert(name);
  }
  for (const std::string& name : names) {
    const auto add = [&](const char* what,
                         const std::function<Cell(const v1::MetricSummary&)>& of) {
      out.Add(StrCat(name, ".", what), [&](size_t r) {
        const auto it = out.run(r).metrics().find(name);
        return it == out.run(r).metrics().end() ? Cell() : of(it->second);
      });
    };
    // Where no value was finite there is no smallest.
    const auto extreme = [](const v1::MetricSummary& s, Cell cell) {
      return s.count() > s.not_finite() ? cell : Cell();
    };
    add("last", [](const auto& s) { return Cell(s.last()); });
    add("last_step", [](const auto& s) { return Cell(s.last_step()); });
    add("min", [&](const auto& s) { return extreme(s, s.min()); });
    add("min_step", [&](const auto& s) { return extreme(s, s.min_step()); });
    add("max", [&](const auto& s) { return extreme(s, s.max()); });
    add("max_step", [&](const auto& s) { return extreme(s, s.max_step()); });
    add("count", [](const auto& s) { return Cell(s.count()); });
    add("not_finite", [](const auto& s) { return Cell(s.not_finite()); });
  }
}

}  // namespace

Records RunRecords(std::span<const v1::RunDetail> details, const analysis::Comparison* comparison) {
  Builder out(details);
  AddRun(out, details);
  if (comparison != nullptr) {
    std::vector<const analysis::RunValue*> values(details.size());
    std::vector<std::string> labels(details.size());
    for (const analysis::SettingResult& result : comparison->settings) {
      for (const analysis::RunValue& one : result.runs) {
        values[one.run] = &one;
        labels[one.run] = result.setting.label;
      }
    }
    out.Add("setting", [&](size_t r) { return TextCell(labels[r]); });
    out.Add("counted", [&](size_t r) { return Cell(values[r]->counted); });
    out.Add("not_counted_because", [&](size_t r) { return TextCell(values[r]->reason); });
  }
  const std::set<std::string> told = {"name", "experiment", "note", "tags", "seed"};
  for (const analysis::Differing& field : analysis::AllDifferingFields(details)) {
    if (told.contains(field.path)) continue;
    out.Add(field.path, [&](size_t r) { return FieldCell(field.of_run[r]); });
  }
  AddCost(out);
  AddOrigin(out);
  AddMetrics(out, details);
  return out.Take();
}

Cell TimeCell(int64_t unix_us) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromUnixMicros(unix_us),
                          absl::UTCTimeZone());
}

Cell TimeCell(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return {};
  return TimeCell(time.seconds() * 1000000 + time.nanos() / 1000);
}

}  // namespace shoal::report
