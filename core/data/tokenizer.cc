#include "core/data/tokenizer.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/data/bpe_model.h"
#include "core/data/pretokenizer.h"

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
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size() || (skip_special && IsSpecial(id))) continue;
    text += TokenBytes(id);
  }
  return text;
}

int32_t Tokenizer::vocab_size() const { return static_cast<int32_t>(model_->parts.tokens.size()); }

std::string_view Tokenizer::TokenBytes(int32_t id) const {
  SHOAL_CHECK(id >= 0 && id < vocab_size(), "token ", id, " of ", vocab_size());
  const std::optional<std::string>& bytes = model_->parts.tokens[static_cast<size_t>(id)];
  return bytes.has_value() ? std::string_view(*bytes) : std::string_view();
}

bool Tokenizer::IsSpecial(int32_t id) const {
  return id >= 0 && id < vocab_size() && model_->special[static_cast<size_t>(id)] != 0;
}

std::vector<uint32_t> Tokenizer::TokenByteCounts() const {
  std::vector<uint32_t> counts(static_cast<size_t>(vocab_size()), 0);
  for (int32_t id = 0; id < vocab_size(); ++id) {
    if (!IsSpecial(id))
      counts[static_cast<size_t>(id)] = static_cast<uint32_t>(TokenBytes(id).size());
  }
  return counts;
}

std::optional<int32_t> Tokenizer::SpecialId(std::string_view content) const {
  for (const SpecialToken& token : model_->parts.specials) {
    if (token.content == content) return token.id;
  }
  return std::nullopt;
}

std::vector<uint8_t> Tokenizer::MissingBytes() const {
  std::vector<uint8_t> missing;
  for (size_t b = 0; b < 256; ++b) {
    if (model_->byte_id[b] < 0) missing.push_back(static_cast<uint8_t>(b));
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

  void AppendWord(std::string_view word, std::vector<int32_t>& out);
  void AppendOrdinary(std::string_view text, std::vector<int32_t>& out);

  std::shared_ptr<const Tokenizer::Model> model;
  Pretokenizer pretokenizer;
  MergeScratch scratch;
  absl::flat_hash_map<std::string, CachedWord> cache;
  std::vector<int32_t> cached_ids;
  std::string prefixed;
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
  const int64_t dropped = model->EncodeWord(word, scratch, out);
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

void Encoder::State::AppendOrdinary(std::string_view text, std::vector<int32_t>& out) {
  if (text.empty()) return;
  if (model->parts.add_prefix_space && text[0] != ' ') {
    prefixed.assign(1, ' ');
    prefixed.append(text);
    text = prefixed;
  }
  pretokenizer.ForEach(text, [&](std::string_view word) { AppendWord(word, out); });
}

Encoder::Encoder(const Tokenizer& tokenizer) : state_(std::make_unique<State>(tokenizer)) {}
Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;

void Encoder::Append(std::string_view text, std::vector<int32_t>& out) {
  const Tokenizer::Model& model = *state_->model;
  for (size_t begin = 0; begin < text.size();) {
    const SpecialMatcher::Match match = model.matcher.Find(text, begin);
    state_->AppendOrdinary(text.substr(begin, match.begin - begin), out);
    if (match.index < 0) return;
    out.push_back(model.parts.specials[static_cast<size_t>(match.index)].id);
    begin = match.begin + match.size;
  }
}

void Encoder::AppendOrdinary(std::string_view text, std::vector<int32_t>& out) {
  state_->AppendOrdinary(text, out);
}

const EncodeStats& Encoder::stats() const { return state_->stats; }

}  // namespace shoal::data
