#include "core/data/tokenizer/pretokenizer.h"

#include <algorithm>

#include "core/base/status.h"
#include "core/data/tokenizer/unicode_text.h"

namespace shoal::data {
namespace {

using Kind = PretokenizerStep::Kind;
using Behavior = PretokenizerStep::Behavior;

// Pieces that cover the text, one per match and one per stretch between matches.
template <typename IsMatch>
void FindChars(std::string_view text, IsMatch&& is_match, std::vector<Cut>& cuts) {
  size_t rest = 0;  // where what has no cut yet begins
  for (size_t at = 0, bytes = 1; at < text.size(); at += bytes) {
    const std::optional<char32_t> c = DecodeUtf8(text.substr(at), bytes);
    if (!c.has_value() || !is_match(*c)) continue;
    if (rest < at) cuts.push_back({rest, at, false});
    cuts.push_back({at, at + bytes, true});
    rest = at + bytes;
  }
  if (rest < text.size()) cuts.push_back({rest, text.size(), false});
}

void FindPattern(std::string_view text, const Pattern& pattern, PatternScratch& scratch,
                 std::vector<Cut>& cuts) {
  for (size_t begin = 0; begin < text.size();) {
    const Pattern::Match match = pattern.Find(text, begin, scratch);
    if (begin < match.begin) cuts.push_back({begin, match.begin, false});
    if (match.found) cuts.push_back({match.begin, match.end, true});
    begin = match.end;
  }
}

// Whether `next` belongs to the piece whose last part is `cut`.
bool Joins(Behavior behavior, const Cut& cut, const Cut& next) {
  switch (behavior) {
    case Behavior::kContiguous:
      return cut.match == next.match;
    case Behavior::kMergedWithPrevious:
      return next.match && !cut.match;
    case Behavior::kMergedWithNext:  // of a run of matches, the last goes with what follows
      return cut.match && !next.match;
    case Behavior::kIsolated:
    case Behavior::kRemoved:
      return false;
  }
  return false;
}

// Joins and removes pieces as the behavior says; they stay in order.
void Apply(Behavior behavior, std::vector<Cut>& cuts) {
  size_t kept = 0;
  for (const Cut found : cuts) {
    if (behavior == Behavior::kRemoved && found.match) continue;
    if (kept > 0 && Joins(behavior, cuts[kept - 1], found)) {
      cuts[kept - 1].end = found.end;
      cuts[kept - 1].match = found.match;  // of the last part
    } else {
      cuts[kept++] = found;
    }
  }
  cuts.resize(kept);
}

}  // namespace

absl::StatusOr<Pretokenizer> Pretokenizer::Create(const std::vector<PretokenizerStep>& steps) {
  Pretokenizer result;
  const auto add = [&result](PretokenizerStep step) { result.steps_.push_back({step, {}}); };
  for (const PretokenizerStep& step : steps) {
    if (!result.steps_.empty() && result.steps_.back().what.kind == Kind::kByteLevel) {
      return absl::InvalidArgumentError(
          "pre_tokenizer: a step after ByteLevel is not supported: it would see bytes");
    }
    if (step.kind == Kind::kBert) {
      add({.kind = Kind::kWhitespaceSplit, .behavior = Behavior::kRemoved});
      add({.kind = Kind::kPunctuation, .behavior = Behavior::kIsolated});
      continue;
    }
    add(step);
    if (step.kind != Kind::kSplit) continue;
    SHOAL_ASSIGN_OR_RETURN(Pattern pattern, Pattern::Compile(step.pattern), "pre_tokenizer: Split");
    result.steps_.back().pattern.push_back(std::move(pattern));
  }
  return result;
}

void Pretokenizer::Find(const Step& step, std::string_view text, PatternScratch& scratch,
                        std::vector<Cut>& cuts) {
  cuts.clear();
  switch (step.what.kind) {
    case Kind::kSplit:
      FindPattern(text, step.pattern[0], scratch, cuts);
      if (step.what.invert) {
        for (Cut& cut : cuts) cut.match = !cut.match;
      }
      Apply(step.what.behavior, cuts);
      break;
    case Kind::kDigits:
      FindChars(text, IsNumeric, cuts);
      Apply(step.what.individual_digits ? Behavior::kIsolated : Behavior::kContiguous, cuts);
      break;
    case Kind::kPunctuation:
      FindChars(text, IsBertPunctuation, cuts);
      Apply(step.what.behavior, cuts);
      break;
    case Kind::kWhitespaceSplit:
      FindChars(text, IsWhiteSpace, cuts);
      Apply(Behavior::kRemoved, cuts);
      break;
    case Kind::kBert:
    case Kind::kByteLevel:
      break;  // taken apart by Create, and by Run
  }
}

void Pretokenizer::Run(size_t index, std::string_view piece, PretokenizerScratch& scratch,
                       absl::FunctionRef<void(std::string_view)> f) const {
  if (index == steps_.size()) return f(piece);
  const Step& step = steps_[index];
  if (step.what.kind == Kind::kByteLevel) {
    if (step.what.add_prefix_space && !piece.starts_with(' ')) {
      scratch.prefixed.assign(1, ' ');
      scratch.prefixed.append(piece);
      piece = scratch.prefixed;
    }
    if (step.what.use_regex) return scratch.gpt2.ForEach(piece, f);
    return f(piece);
  }
  if (scratch.cuts.size() < steps_.size()) scratch.cuts.resize(steps_.size());
  std::vector<Cut>& cuts = scratch.cuts[index];
  Find(step, piece, scratch.pattern, cuts);
  for (const Cut& cut : cuts) {
    Run(index + 1, piece.substr(cut.begin, cut.end - cut.begin), scratch, f);
  }
}

}  // namespace shoal::data
