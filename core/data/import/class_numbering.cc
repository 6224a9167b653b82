#include "core/data/import/class_numbering.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/import/csv_reader.h"

namespace shoal::data {
namespace {

constexpr int64_t kFewestTexts = 20;   // of each class
constexpr int64_t kMostTexts = 20000;  // of a table
constexpr size_t kMostWords = 200000;  // different ones
constexpr size_t kMostClasses = 1000;

// Calls `use(class, text)` for the good records of a table.
absl::Status ForEachText(const NumberedTable& table, const ImportOptions& options,
                         const std::function<void(size_t, std::string_view)>& use) {
  SHOAL_ASSIGN_OR_RETURN(auto stream, InputStream::Open(table.path, options.max_file_bytes));
  CsvReader reader(std::move(stream), table.delimiter, options.max_line_bytes);
  CsvRecord row;
  for (int64_t n = 0; n < kMostTexts; ++n) {
    SHOAL_ASSIGN_OR_RETURN(const bool more, reader.Next(row));
    if (!more) break;
    int64_t number = 0;
    if (row.blank || !row.problem.empty() || row.fields.size() != table.shape.columns) continue;
    if (!absl::SimpleAtoi(row.fields[table.shape.label[0]], &number)) continue;
    const int64_t at = number - table.shape.first_class;
    if (at < 0 || at >= static_cast<int64_t>(table.shape.class_names.size())) continue;
    for (const size_t column : table.shape.text) use(static_cast<size_t>(at), row.fields[column]);
  }
  return absl::OkStatus();
}

// The words of a text: runs of letters, in lower case.
template <typename Use>
void ForEachWord(std::string_view text, Use use) {
  std::string word;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalpha(byte) || byte >= 0x80) {
      word += absl::ascii_tolower(byte);
    } else if (!word.empty()) {
      use(word);
      word.clear();
    }
  }
  if (!word.empty()) use(word);
}

// Multinomial naive Bayes with add-one smoothing; all classes equally probable.
class Words {
 public:
  explicit Words(size_t classes) : totals_(classes, 0), texts_(classes, 0) {}

  void Learn(size_t of, std::string_view text) {
    ++texts_[of];
    ForEachWord(text, [&](const std::string& word) {
      if (!counts_.contains(word) && counts_.size() >= kMostWords) return;
      std::vector<int32_t>& counts = counts_[word];
      counts.resize(totals_.size(), 0);
      ++counts[of];
      ++totals_[of];
    });
  }
  size_t Classify(std::string_view text) const {
    std::vector<double> scores(totals_.size(), 0);
    const auto words = static_cast<double>(counts_.size());
    ForEachWord(text, [&](const std::string& word) {
      const auto found = counts_.find(word);
      if (found == counts_.end()) return;
      for (size_t c = 0; c < scores.size(); ++c) {
        scores[c] += std::log((found->second[c] + 1.0) / (static_cast<double>(totals_[c]) + words));
      }
    });
    return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  }
  bool Enough() const {
    return std::all_of(texts_.begin(), texts_.end(),
                       [](int64_t texts) { return texts >= kFewestTexts; });
  }

 private:
  absl::flat_hash_map<std::string, std::vector<int32_t>> counts_;
  std::vector<int64_t> totals_;  // words of each class
  std::vector<int64_t> texts_;
};

}  // namespace

absl::StatusOr<std::optional<std::vector<size_t>>> MatchClasses(const NumberedTable& trained,
                                                                const NumberedTable& other,
                                                                const ImportOptions& options) {
  const size_t classes = trained.shape.class_names.size();
  if (classes != other.shape.class_names.size() || classes > kMostClasses) return std::nullopt;
  Words words(classes);
  SHOAL_RETURN_IF_ERROR(ForEachText(
      trained, options, [&](size_t of, std::string_view text) { words.Learn(of, text); }));
  if (!words.Enough()) return std::nullopt;
  std::vector<std::vector<int64_t>> seen(classes, std::vector<int64_t>(classes, 0));
  SHOAL_RETURN_IF_ERROR(ForEachText(
      other, options, [&](size_t of, std::string_view text) { ++seen[of][words.Classify(text)]; }));
  std::vector<size_t> match;
  std::set<size_t> taken;
  for (const std::vector<int64_t>& row : seen) {
    int64_t texts = 0;
    for (const int64_t count : row) texts += count;
    const auto most = std::max_element(row.begin(), row.end());
    match.push_back(static_cast<size_t>(most - row.begin()));
    const bool clear = texts >= kFewestTexts && *most * 2 > texts;
    if (!clear || !taken.insert(match.back()).second) return std::nullopt;
  }
  return match;
}

}  // namespace shoal::data
