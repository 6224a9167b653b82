#include "cli/output/dataset_text.h"

#include <algorithm>
#include <map>
#include <vector>

#include "cli/output/format.h"
#include "cli/output/table.h"
#include "core/base/strings.h"

namespace shoal::cli {
namespace {

constexpr size_t kSampleBytes = 600;  // of one text

// "1", "2-3", "4-7", ..., "1 K-2 K".
std::string LengthRange(size_t bin) {
  const int64_t from = int64_t{1} << bin;
  if (bin == 0) return "0-1";
  return StrCat(WithCommas(from), "-", WithCommas(2 * from - 1));
}

std::string Bar(double share, int columns) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = std::max(share > 0 ? 1 : 0, static_cast<int>(share * columns * 8 + 0.5));
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  return bar + kEighths[eighths % 8];
}

std::string Cut(std::string_view text) {
  if (text.size() <= kSampleBytes) return Printable(text, false);
  size_t end = kSampleBytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
  return StrCat(Printable(text.substr(0, end), false), "… (",
                WithCommas(static_cast<int64_t>(text.size())), " bytes)");
}

}  // namespace

std::string RecordsLine(const v1::ImportReport& report) {
  return StrCat(WithCommas(report.records()), " records = ", WithCommas(report.examples()),
                " examples + ", WithCommas(report.malformed()), " malformed + ",
                WithCommas(report.empty()), " empty");
}

std::string ProblemLines(const v1::ImportReport& report, int limit) {
  std::string out;
  const int shown = std::min(limit, report.problems_size());
  for (int i = 0; i < shown; ++i) {
    const v1::RecordProblem& problem = report.problems(i);
    StrAppend(out, "  ", Printable(problem.file(), false), ":", problem.line(), ": ",
              Printable(problem.reason(), false), "\n");
  }
  if (report.malformed() > shown) {
    StrAppend(out, "  and ", WithCommas(report.malformed() - shown), " more\n");
  }
  return out;
}

std::string PartsLine(const v1::Dataset& dataset) {
  if (dataset.kind() == "document") {
    return StrCat(WithCommas(dataset.train().bytes()), " bytes to train on, ",
                  WithCommas(dataset.held_out().bytes()), " held out");
  }
  return StrCat(WithCommas(dataset.train().examples()), " training examples, ",
                WithCommas(dataset.held_out().examples()), " held out");
}

std::string LabelTable(const Terminal& terminal, const v1::Dataset& dataset, int limit) {
  std::map<std::string, std::pair<int64_t, int64_t>> counts;
  for (const auto& [label, count] : dataset.train().label_counts()) counts[label].first = count;
  for (const auto& [label, count] : dataset.held_out().label_counts()) {
    counts[label].second = count;
  }
  if (counts.empty()) return "";
  std::vector<std::pair<std::string, std::pair<int64_t, int64_t>>> sorted(counts.begin(),
                                                                          counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.first + a.second.second > b.second.first + b.second.second;
  });
  Table table({{dataset.kind() == "labelled" ? "LABEL" : "TOPIC"},
               {"TRAIN", Table::Align::kRight},
               {"HELD OUT", Table::Align::kRight}});
  int shown = 0;
  for (const auto& [label, sides] : sorted) {
    if (shown++ == limit) break;
    table.Add({label.empty() ? "(none)" : Ellipsize(Printable(label, false), 60),
               WithCommas(sides.first), WithCommas(sides.second)});
  }
  std::string out = table.Render(terminal);
  if (static_cast<int>(sorted.size()) > limit) {
    StrAppend(out, "and ", sorted.size() - static_cast<size_t>(limit),
              " more; --labels all lists "
              "them\n");
  }
  return out;
}

std::string LengthHistogram(const Terminal& terminal, const v1::Dataset& dataset) {
  std::vector<int64_t> bins;
  for (const v1::DatasetPart* part : {&dataset.train(), &dataset.held_out()}) {
    for (int i = 0; i < part->length_counts_size(); ++i) {
      if (bins.size() <= static_cast<size_t>(i)) bins.resize(static_cast<size_t>(i) + 1);
      bins[static_cast<size_t>(i)] += part->length_counts(i);
    }
  }
  size_t first = 0;
  while (first < bins.size() && bins[first] == 0) ++first;
  if (first == bins.size()) return "";
  const int64_t most = *std::max_element(bins.begin(), bins.end());
  const int room = std::clamp(terminal.columns - 40, 10, 50);
  Table table({{"BYTES", Table::Align::kRight}, {"EXAMPLES", Table::Align::kRight}, {""}});
  for (size_t bin = first; bin < bins.size(); ++bin) {
    const double share = static_cast<double>(bins[bin]) / static_cast<double>(most);
    table.Add({LengthRange(bin), WithCommas(bins[bin]),
               Styled(terminal, Style::kCyan, Bar(share, room))});
  }
  return table.Render(terminal);
}

std::string SampleText(const Terminal& terminal, const data::Record& record) {
  std::string out;
  switch (record.kind) {
    case data::Record::Kind::kText:
      StrAppend(out, "  ", Cut(record.text), "\n");
      break;
    case data::Record::Kind::kLabelled:
      StrAppend(out, "  ", Styled(terminal, Style::kGreen, Cut(record.label)), "  ",
                Cut(record.text), "\n");
      break;
    case data::Record::Kind::kConversation:
      for (const data::Message& message : record.conversation.messages) {
        StrAppend(out, "  ", Styled(terminal, Style::kGreen, data::RoleName(message.role)), "  ",
                  Cut(message.content), "\n");
      }
      break;
  }
  return out;
}

}  // namespace shoal::cli
