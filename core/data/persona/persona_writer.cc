#include "core/data/persona/persona_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "core/base/strings.h"

namespace shoal::data {
namespace {

// "a" or "an" before a filler, by its first sound as far as its letters tell.
std::string_view ArticleFor(std::string_view filler) {
  const std::string start = absl::AsciiStrToLower(AbslView(filler.substr(0, 4)));
  for (const std::string_view silent : {"hour", "hone", "heir"}) {
    if (start.starts_with(silent)) return "an ";
  }
  for (const std::string_view consonant : {"uni", "use", "eu", "one", "once"}) {
    if (start.starts_with(consonant)) return "a ";
  }
  if (start.starts_with("8") || start == "11" || start == "18") return "an ";
  return !start.empty() && std::string_view("aeiou").find(start[0]) != std::string_view::npos
             ? "an "
             : "a ";
}

}  // namespace

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9E3779B97F4A7C15u + (hash << 6) + (hash >> 2);
  hash = (hash ^ hash >> 33) * 0xFF51AFD7ED558CCDu;
  hash = (hash ^ hash >> 33) * 0xC4CEB9FE1A85EC53u;
  return hash ^ hash >> 33;
}

bool Writer::AnyUsable(const std::vector<Line>& lines) const {
  return std::any_of(lines.begin(), lines.end(), [&](const Line& line) { return Usable(line); });
}

size_t Writer::PickUsable(const std::vector<Line>& lines) {
  std::vector<size_t> usable;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (Usable(lines[i])) usable.push_back(i);
  }
  return usable[random_.Below(usable.size())];
}

void Writer::Write(const Template& line, std::string& out) {
  for (const Piece& piece : line) {
    switch (piece.kind) {
      case Piece::Kind::kText:
        out += piece.text;
        break;
      case Piece::Kind::kChoice:
        Write(Pick(piece.choices), out);
        break;
      case Piece::Kind::kBlank:
        WriteBlank(piece, out);
        break;
      case Piece::Kind::kSum:
        StrAppend(out, Sum(piece.terms));
        break;
    }
  }
}

bool Writer::Usable(const Line& line) const {
  return std::all_of(line.needs.begin(), line.needs.end(),
                     [&](const TaggedBlank& blank) { return Find(blank) != nullptr; });
}

const Writer::Filled* Writer::Find(const TaggedBlank& blank) const {
  for (const Tagged& tagged : tagged_) {
    if (tagged.blank == blank) return &tagged.filled;
  }
  return nullptr;
}

Writer::Filled Writer::FillTagged(const TaggedBlank& blank) {
  if (const Filled* known = Find(blank)) return *known;
  Filled filled = Fill(blank.blank);
  tagged_.push_back({blank, filled});
  return filled;
}

void Writer::WriteBlank(const Piece& piece, std::string& out) {
  Filled filled = piece.tag < 0 ? Fill(piece.blank) : FillTagged({piece.blank, piece.tag});
  std::string& text = filled.text;
  if (piece.article) text = StrCat(ArticleFor(text), text);
  if (piece.capital && !text.empty()) {
    text[0] = absl::ascii_toupper(static_cast<unsigned char>(text[0]));
  }
  out += text;
  if (filled.trail != 0) trail_ = Mix(trail_, filled.trail);
}

int64_t Writer::Sum(const std::vector<Term>& terms) {
  int64_t sum = 0;
  for (const Term& term : terms) {
    int64_t value = term.value;
    if (term.blank >= 0) {
      const std::string text = FillTagged({term.blank, term.tag}).text;
      if (!absl::SimpleAtoi(text, &value)) value = 0;  // a number blank, as the file was checked
    }
    sum = term.op == '*' ? sum * value : term.op == '-' ? sum - value : sum + value;
  }
  return sum;
}

// A filler that this conversation has not used yet, while there are any.
Writer::Filled Writer::Fill(int32_t index) {
  const Blank& blank = grammar_.blanks[static_cast<size_t>(index)];
  const bool number = blank.fillers.empty();
  const uint64_t size =
      number ? static_cast<uint64_t>(blank.to - blank.from) + 1 : blank.fillers.size();
  taken_.clear();
  for (const Used& used : used_) {
    if (used.blank == index) taken_.push_back(used.filler);
  }
  const bool fresh = taken_.size() < size;
  uint64_t choice = random_.Below(fresh ? size - taken_.size() : size);
  if (fresh) {  // the choice-th filler that is not taken
    std::sort(taken_.begin(), taken_.end());
    for (const uint64_t taken : taken_) choice += choice >= taken ? 1 : 0;
    used_.push_back({index, choice});
  }
  if (number) return {.text = StrCat(blank.from + static_cast<int64_t>(choice))};
  const uint64_t outside = std::exchange(trail_, Mix(static_cast<uint64_t>(index) + 1, choice));
  Filled filled;
  Write(blank.fillers[choice], filled.text);
  filled.trail = std::exchange(trail_, outside);
  return filled;
}

}  // namespace shoal::data
