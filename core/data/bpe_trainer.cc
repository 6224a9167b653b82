#include "core/data/bpe_trainer.h"

#include <algorithm>
#include <queue>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/byte_alphabet.h"
#include "core/data/gpt2_splitter.h"
#include "core/data/special_matcher.h"

namespace shoal::data {
namespace {

using Pair = std::pair<int32_t, int32_t>;

struct Candidate {
  int64_t count;
  Pair pair;
  // The queue's top: the highest count, then the smallest ids.
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

struct Word {
  std::vector<int32_t> ids;
  int64_t count = 0;
};

// A pair's occurrences: how often in the text, and in which words (possibly some where it no longer
// stands, and some more than once).
struct PairUse {
  int64_t count = 0;
  std::vector<uint32_t> words;
};

// The learning loop over unique words. Counts change only around merged positions.
class Learner {
 public:
  Learner(const BpeTrainerOptions& options, TokenizerParts parts)
      : options_(options), parts_(std::move(parts)) {
    for (size_t id = options.special_tokens.size(); id < parts_.tokens.size(); ++id) {
      id_of_bytes_.emplace(*parts_.tokens[id], static_cast<int32_t>(id));
    }
  }

  void AddWord(std::string_view bytes, int64_t count) {
    Word word{.ids = {}, .count = count};
    word.ids.reserve(bytes.size());
    for (const char c : bytes) word.ids.push_back(id_of_bytes_.at(std::string(1, c)));
    words_.push_back(std::move(word));
  }

  TokenizerParts Learn() {
    CountAllPairs();
    while (static_cast<int32_t>(parts_.tokens.size()) < options_.vocab_size && !queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const auto use = uses_.find(top.pair);
      const int64_t count = use == uses_.end() ? 0 : use->second.count;
      if (count != top.count) {  // stale: asks again with what it is worth now
        if (count >= options_.min_frequency) queue_.push({count, top.pair});
        continue;
      }
      Merge(top.pair);
    }
    return std::move(parts_);
  }

 private:
  const std::string& Bytes(int32_t id) const { return *parts_.tokens[static_cast<size_t>(id)]; }

  bool Allowed(const Pair& pair) const {
    return Bytes(pair.first).size() + Bytes(pair.second).size() <=
           static_cast<size_t>(options_.max_token_bytes);
  }

  void CountAllPairs() {
    for (size_t w = 0; w < words_.size(); ++w) {
      const Word& word = words_[w];
      for (size_t i = 0; i + 1 < word.ids.size(); ++i) {
        PairUse& use = uses_[Pair{word.ids[i], word.ids[i + 1]}];
        use.count += word.count;
        if (use.words.empty() || use.words.back() != w) {
          use.words.push_back(static_cast<uint32_t>(w));
        }
      }
    }
    for (const auto& [pair, use] : uses_) Offer(pair, use.count);
  }

  void Offer(const Pair& pair, int64_t count) {
    if (count >= options_.min_frequency && Allowed(pair)) queue_.push({count, pair});
  }

  int32_t IdOfMerged(const Pair& pair) {
    const std::string bytes = StrCat(Bytes(pair.first), Bytes(pair.second));
    const auto [it, added] =
        id_of_bytes_.emplace(bytes, static_cast<int32_t>(parts_.tokens.size()));
    if (added) parts_.tokens.emplace_back(bytes);
    return it->second;
  }

  void Merge(const Pair& pair) {
    const int32_t merged = IdOfMerged(pair);
    // A reused id can bring a merged pair back: it is merged again under its first rank.
    if (merged_pairs_.insert(pair).second) parts_.merges.push_back(pair);
    // Taken out of the table: the loop below may rehash it.
    const std::vector<uint32_t> words = std::exchange(uses_[pair].words, {});
    changed_.clear();
    for (const uint32_t w : words) MergeInWord(w, pair, merged);
    uses_.erase(pair);
    for (const Pair& p : changed_) Offer(p, uses_[p].count);
  }

  void MergeInWord(uint32_t w, const Pair& pair, int32_t merged) {
    Word& word = words_[w];
    std::vector<int32_t>& ids = word.ids;
    size_t kept = 0;  // ids[0, kept) is the word rewritten so far
    for (size_t i = 0; i < ids.size(); ++i, ++kept) {
      if (i + 1 >= ids.size() || ids[i] != pair.first || ids[i + 1] != pair.second) {
        ids[kept] = ids[i];
        continue;
      }
      if (kept > 0) {
        Lose({ids[kept - 1], pair.first}, word.count);
        Gain({ids[kept - 1], merged}, w);
      }
      if (i + 2 < ids.size()) {
        Lose({pair.second, ids[i + 2]}, word.count);
        Gain({merged, ids[i + 2]}, w);
      }
      ids[kept] = merged;
      ++i;
    }
    ids.resize(kept);
  }

  void Lose(const Pair& pair, int64_t count) { uses_[pair].count -= count; }

  void Gain(const Pair& pair, uint32_t w) {
    PairUse& use = uses_[pair];
    use.count += words_[w].count;
    if (use.words.empty() || use.words.back() != w) use.words.push_back(w);
    changed_.insert(pair);
  }

  const BpeTrainerOptions& options_;
  TokenizerParts parts_;
  absl::flat_hash_map<std::string, int32_t> id_of_bytes_;
  std::vector<Word> words_;
  absl::flat_hash_map<Pair, PairUse> uses_;
  absl::flat_hash_set<Pair> changed_;
  absl::flat_hash_set<Pair> merged_pairs_;
  std::priority_queue<Candidate> queue_;
};

absl::Status Check(const BpeTrainerOptions& options) {
  const auto least = static_cast<int64_t>(options.special_tokens.size()) + 256;
  if (options.vocab_size < least) {
    return absl::InvalidArgumentError(
        StrCat("vocab_size is ", options.vocab_size, "; the ", options.special_tokens.size(),
               " special tokens and 256 bytes need at least ", least));
  }
  if (options.min_frequency < 1 || options.max_token_bytes < 1) {
    return absl::InvalidArgumentError(StrCat("min_frequency (", options.min_frequency,
                                             ") and max_token_bytes (", options.max_token_bytes,
                                             ") must be at least 1"));
  }
  for (const std::string& special : options.special_tokens) {
    if (special.size() < 2) {
      return absl::InvalidArgumentError(
          StrCat("special token \"", special, "\" must be longer than one byte"));
    }
  }
  return absl::OkStatus();
}

// Special tokens and the 256 bytes.
TokenizerParts StartingParts(const BpeTrainerOptions& options) {
  TokenizerParts parts;
  for (const std::string& special : options.special_tokens) {
    parts.added.push_back({.id = static_cast<int32_t>(parts.tokens.size()), .content = special});
    parts.tokens.emplace_back(special);
  }
  for (const uint8_t byte : BytesInSymbolOrder()) {
    parts.tokens.emplace_back(std::string(1, static_cast<char>(byte)));
  }
  return parts;
}

}  // namespace

struct BpeTrainer::State {
  BpeTrainerOptions options;
  SpecialMatcher matcher;
  Gpt2Splitter splitter;
  absl::flat_hash_map<std::string, int64_t> counts;
  BpeTrainerReport report;
};

BpeTrainer::BpeTrainer(BpeTrainerOptions options) : state_(std::make_unique<State>()) {
  state_->matcher = SpecialMatcher(options.special_tokens);
  state_->options = std::move(options);
}
BpeTrainer::~BpeTrainer() = default;

void BpeTrainer::AddText(std::string_view text) {
  State& state = *state_;
  state.report.text_bytes += static_cast<int64_t>(text.size());
  for (size_t begin = 0; begin < text.size();) {
    const SpecialMatcher::Match match = state.matcher.Find(text, begin);
    state.splitter.ForEach(text.substr(begin, match.begin - begin), [&](std::string_view word) {
      if (const auto it = state.counts.find(AbslView(word)); it != state.counts.end()) {
        ++it->second;
      } else {
        state.counts.emplace(std::string(word), 1);
      }
      ++state.report.words;
    });
    begin = match.begin + match.size;
  }
}

absl::StatusOr<Tokenizer> BpeTrainer::Train(BpeTrainerReport* report) {
  SHOAL_RETURN_IF_ERROR(Check(state_->options));
  Learner learner(state_->options, StartingParts(state_->options));
  state_->report.unique_words = static_cast<int64_t>(state_->counts.size());
  for (const auto& [word, count] : state_->counts) learner.AddWord(word, count);
  state_->counts.clear();
  TokenizerParts parts = learner.Learn();
  state_->report.merges = static_cast<int32_t>(parts.merges.size());
  state_->report.vocab_size = static_cast<int32_t>(parts.tokens.size());
  if (report != nullptr) *report = state_->report;
  return Tokenizer::FromParts(std::move(parts));
}

}  // namespace shoal::data
