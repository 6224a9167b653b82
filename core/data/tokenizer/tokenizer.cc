#include "core/data/tokenizer/tokenizer.h"

#include <algorithm>
#include <array>

#include "absl/container/flat_hash_map.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/data/tokenizer/tokenizer_model.h"

namespace shoal::data {
namespace {

// Words longer than this are rare and not worth a cache entry.
constexpr size_t kMaxCachedWordBytes = 256;
// The cache starts over when it holds this many words: about 20 MB.
constexpr size_t kMaxCachedWords = 200'000;

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

absl::StatusOr<Tokenizer> Tokenizer::FromParts(TokenizerParts parts) {
  SHOAL_ASSIGN_OR_RETURN(std::shared_ptr<const Model> model, Model::Build(std::move(parts)));
  return Tokenizer(std::move(model));
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, EncodeStats* stats) const {
  std::vector<int32_t> ids;
  Encoder encoder(*this);
  encoder.Append(text, ids);
  if (stats != nullptr) *stats = encoder.stats();
  return ids;
}

std::vector<int32_t> Tokenizer::EncodeOrdinary(std::string_view text, EncodeStats* stats) const {
  std::vector<int32_t> ids;
  Encoder encoder(*this);
  encoder.AppendOrdinary(text, ids);
  if (stats != nullptr) *stats = encoder.stats();
  return ids;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text;
  bool first = true;
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size() || (skip_special && IsSpecial(id))) continue;
    text += TokenBytes(id, first);
    first = false;
  }
  return text;
}

int32_t Tokenizer::vocab_size() const { return static_cast<int32_t>(model_->parts.tokens.size()); }

std::string_view Tokenizer::TokenBytes(int32_t id, bool first) const {
  SHOAL_CHECK(id >= 0 && id < vocab_size(), "token ", id, " of ", vocab_size());
  return model_->Text(id, first);
}

bool Tokenizer::IsSpecial(int32_t id) const {
  return id >= 0 && id < vocab_size() && model_->special[static_cast<size_t>(id)] != 0;
}

bool Tokenizer::IsUnknown(int32_t id) const { return model_->parts.unknown == id; }

bool Tokenizer::CountsBytes() const {
  using Change = NormalizerStep::Kind;
  using Step = PretokenizerStep::Kind;
  const TokenizerParts& parts = model_->parts;
  if (parts.kind == ModelKind::kWordPiece) return false;
  for (const NormalizerStep& step : parts.normalizers) {
    // Another spelling of the same text; about as many bytes.
    if (step.kind != Change::kNfc && step.kind != Change::kNfd) return false;
  }
  return std::none_of(parts.pretokenizers.begin(), parts.pretokenizers.end(), [](const auto& step) {
    const bool removes = step.behavior == PretokenizerStep::Behavior::kRemoved &&
                         (step.kind == Step::kSplit || step.kind == Step::kPunctuation);
    return removes || step.kind == Step::kWhitespaceSplit || step.kind == Step::kBert;
  });
}

std::vector<uint32_t> Tokenizer::TokenByteCounts() const {
  std::vector<uint32_t> counts(static_cast<size_t>(vocab_size()), 0);
  if (!CountsBytes()) return counts;
  for (int32_t id = 0; id < vocab_size(); ++id) {
    if (IsSpecial(id) || IsUnknown(id)) continue;
    counts[static_cast<size_t>(id)] = static_cast<uint32_t>(TokenBytes(id).size());
  }
  return counts;
}

std::optional<int32_t> Tokenizer::SpecialId(std::string_view content) const {
  for (const AddedToken& token : model_->parts.added) {
    if (token.content == content) return token.id;
  }
  return std::nullopt;
}

std::vector<uint8_t> Tokenizer::MissingBytes() const {
  const bool over_bytes = model_->parts.kind == ModelKind::kByteBpe;
  std::array<bool, 256> occurs{};
  for (const std::optional<std::string>& token : model_->parts.tokens) {
    for (const char c : token.value_or("")) occurs[static_cast<uint8_t>(c)] = true;
  }
  std::vector<uint8_t> missing;
  Encoder encoder(*this);
  std::vector<int32_t> ids;
  ModelScratch scratch;
  for (size_t b = 0; b < 256; ++b) {
    const std::string text(1, static_cast<char>(b));
    bool lost = !occurs[b];
    if (over_bytes) {
      lost = model_->words->EncodeWord(text, scratch, ids) > 0;
    } else if (b < 0x80) {
      const int64_t before = encoder.stats().dropped_bytes;
      encoder.AppendOrdinary(text, ids);
      lost = encoder.stats().dropped_bytes > before;
    }
    if (lost) missing.push_back(static_cast<uint8_t>(b));
  }
  return missing;
}

const TokenizerParts& Tokenizer::parts() const { return model_->parts; }

struct Encoder::State {
  struct CachedWord {
    uint32_t begin = 0;  // into cached_ids
    uint32_t count = 0;
    int64_t dropped = 0;
  };

  explicit State(const Tokenizer& tokenizer) : model(tokenizer.model_) {}

  void Append(std::string_view text, bool special, std::vector<int32_t>& out);
  void AppendNormalized(std::string_view text, bool special, std::vector<int32_t>& out);
  void AppendWord(std::string_view word, std::vector<int32_t>& out);

  std::shared_ptr<const Tokenizer::Model> model;
  PretokenizerScratch pretokenizer;
  ModelScratch scratch;
  absl::flat_hash_map<std::string, CachedWord> cache;
  std::vector<int32_t> cached_ids;
  EncodeStats stats;
};

void Encoder::State::AppendWord(std::string_view word, std::vector<int32_t>& out) {
  if (const auto hit = cache.find(AbslView(word)); hit != cache.end()) {
    const auto first = cached_ids.begin() + hit->second.begin;
    out.insert(out.end(), first, first + hit->second.count);
    stats.dropped_bytes += hit->second.dropped;
    return;
  }
  const size_t begin = out.size();
  const int64_t dropped = model->words->EncodeWord(word, scratch, out);
  stats.dropped_bytes += dropped;
  if (word.size() > kMaxCachedWordBytes) return;
  if (cache.size() >= kMaxCachedWords) {
    cache.clear();
    cached_ids.clear();
  }
  CachedWord entry{static_cast<uint32_t>(cached_ids.size()),
                   static_cast<uint32_t>(out.size() - begin), dropped};
  cached_ids.insert(cached_ids.end(), out.begin() + static_cast<ptrdiff_t>(begin), out.end());
  cache.emplace(std::string(word), entry);
}

void Encoder::State::AppendNormalized(std::string_view text, bool special,
                                      std::vector<int32_t>& out) {
  model->in_normalized.ForEach(
      text, special,
      [&](std::string_view stretch) {
        model->pretokenizer.ForEach(stretch, pretokenizer,
                                    [&](std::string_view word) { AppendWord(word, out); });
      },
      [&](int32_t id) { out.push_back(id); });
}

void Encoder::State::Append(std::string_view text, bool special, std::vector<int32_t>& out) {
  model->in_text.ForEach(
      text, special,
      [&](std::string_view stretch) {
        if (model->normalizer.empty()) return AppendNormalized(stretch, special, out);
        AppendNormalized(model->normalizer.Apply(stretch, pretokenizer.pattern), special, out);
      },
      [&](int32_t id) { out.push_back(id); });
}

Encoder::Encoder(const Tokenizer& tokenizer) : state_(std::make_unique<State>(tokenizer)) {}
Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;

void Encoder::Append(std::string_view text, std::vector<int32_t>& out) {
  state_->Append(text, /*special=*/true, out);
}

void Encoder::AppendOrdinary(std::string_view text, std::vector<int32_t>& out) {
  state_->Append(text, /*special=*/false, out);
}

const EncodeStats& Encoder::stats() const { return state_->stats; }

}  // namespace shoal::data
