#include "core/data/tokenizer/bpe_trainer.h"

#include <algorithm>
#include <atomic>
#include <queue>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/byte_alphabet.h"
#include "core/data/tokenizer/gpt2_splitter.h"
#include "core/data/tokenizer/special_matcher.h"

namespace shoal::data {
namespace {

using Pair = std::pair<int32_t, int32_t>;

constexpr size_t kPieceBytes = size_t{64} << 10;  // of a long text that threads share
constexpr size_t kPiecesAtATime = 16;
constexpr int kMaxThreads = 64;

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

// How often each word occurs. One thread's.
class WordCounter {
 public:
  void Add(std::string_view text, const SpecialMatcher& matcher) {
    for (size_t begin = 0; begin < text.size();) {
      const SpecialMatcher::Match match = matcher.Find(text, begin);
      splitter_.ForEach(text.substr(begin, match.begin - begin), [&](std::string_view word) {
        Add(word, 1);
        ++words_;
      });
      begin = match.begin + match.size;
    }
  }
  void Add(const WordCounter& other) {
    words_ += other.words_;
    for (const auto& [word, count] : other.counts_) Add(word, count);
  }

  void Clear() { counts_.clear(); }

  int64_t words() const { return words_; }
  const absl::flat_hash_map<std::string, int64_t>& counts() const { return counts_; }

 private:
  void Add(std::string_view word, int64_t count) {
    if (const auto it = counts_.find(AbslView(word)); it != counts_.end()) {
      it->second += count;
    } else {
      counts_.emplace(std::string(word), count);
    }
  }

  Gpt2Splitter splitter_;
  absl::flat_hash_map<std::string, int64_t> counts_;
  int64_t words_ = 0;
};

bool IsVisibleAscii(char c) { return c > ' ' && c < 0x7F; }

// Cuts a long text where no word and no special token can cross: behind a newline between two
// visible characters, which is always a word of its own.
void AppendPieces(std::string_view text, const std::vector<std::string>& specials,
                  std::vector<std::string_view>& pieces) {
  const bool divisible = std::none_of(specials.begin(), specials.end(), [](const std::string& s) {
    return s.find('\n') != std::string::npos;
  });
  while (divisible && text.size() > kPieceBytes) {
    size_t cut = text.find('\n', kPieceBytes);
    while (cut != std::string_view::npos && cut + 1 < text.size() &&
           !(IsVisibleAscii(text[cut - 1]) && IsVisibleAscii(text[cut + 1]))) {
      cut = text.find('\n', cut + 1);
    }
    if (cut == std::string_view::npos || cut + 1 >= text.size()) break;
    pieces.push_back(text.substr(0, cut + 1));
    text.remove_prefix(cut + 1);
  }
  pieces.push_back(text);
}

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
  WordCounter counter;
  BpeTrainerReport report;
};

BpeTrainer::BpeTrainer(BpeTrainerOptions options) : state_(std::make_unique<State>()) {
  state_->matcher = SpecialMatcher(options.special_tokens);
  state_->options = std::move(options);
}
BpeTrainer::~BpeTrainer() = default;

void BpeTrainer::AddText(std::string_view text) {
  state_->report.text_bytes += static_cast<int64_t>(text.size());
  state_->counter.Add(text, state_->matcher);
}

void BpeTrainer::AddTexts(std::span<const std::string_view> texts) {
  State& state = *state_;
  std::vector<std::string_view> pieces;
  for (const std::string_view text : texts) {
    state.report.text_bytes += static_cast<int64_t>(text.size());
    AppendPieces(text, state.options.special_tokens, pieces);
  }
  std::atomic<size_t> next = 0;
  const auto work = [&](WordCounter& counter) {
    for (;;) {  // some pieces at a time, so that short texts cost no contention
      const size_t begin = next.fetch_add(kPiecesAtATime);
      if (begin >= pieces.size()) return;
      const size_t end = std::min(pieces.size(), begin + kPiecesAtATime);
      for (size_t i = begin; i < end; ++i) counter.Add(pieces[i], state.matcher);
    }
  };
  const size_t helpers = std::clamp(state.options.threads, 1, kMaxThreads) - 1;
  std::vector<WordCounter> counters(pieces.size() > kPiecesAtATime ? helpers : 0);
  std::vector<std::thread> threads;
  for (WordCounter& counter : counters) threads.emplace_back(work, std::ref(counter));
  work(state.counter);
  for (std::thread& thread : threads) thread.join();
  for (const WordCounter& counter : counters) state.counter.Add(counter);
}

absl::StatusOr<Tokenizer> BpeTrainer::Train(BpeTrainerReport* report) {
  SHOAL_RETURN_IF_ERROR(Check(state_->options));
  Learner learner(state_->options, StartingParts(state_->options));
  state_->report.words = state_->counter.words();
  state_->report.unique_words = static_cast<int64_t>(state_->counter.counts().size());
  for (const auto& [word, count] : state_->counter.counts()) learner.AddWord(word, count);
  state_->counter.Clear();
  TokenizerParts parts = learner.Learn();
  state_->report.merges = static_cast<int32_t>(parts.merges.size());
  state_->report.vocab_size = static_cast<int32_t>(parts.tokens.size());
  if (report != nullptr) *report = state_->report;
  return Tokenizer::FromParts(std::move(parts));
}

}  // namespace shoal::data
