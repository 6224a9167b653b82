// What the names in a persona's templates mean, and which expansions are refused.
#include <algorithm>
#include <cmath>

#include "core/base/strings.h"
#include "core/data/persona/persona_grammar.h"

namespace shoal::data {
namespace {

constexpr int64_t kMaxExpansionBytes = 4000;
constexpr double kMaxSum = 1e15;

// Walks the blanks depth first: resolves names, finds cycles, bounds what an expansion can be.
class Resolver {
 public:
  Resolver(Persona::Grammar& grammar, Violations& violations)
      : grammar_(grammar),
        violations_(violations),
        longest_(grammar.blanks.size(), -1),
        open_(grammar.blanks.size(), 0) {}

  void CheckBlank(Blank& blank) {
    for (Template& filler : blank.fillers) CheckLine(filler, ScopeOf(blank));
  }

  void CheckLine(Template& line, const Topic* topic) {
    const int64_t bytes = Longest(line, topic);
    if (bytes > kMaxExpansionBytes && !line.empty()) {
      violations_.Add(line[0].place,
                      StrCat("can become longer than ", kMaxExpansionBytes, " bytes"));
    }
  }

 private:
  int64_t Longest(Template& line, const Topic* topic) {
    int64_t bytes = 0;
    for (Piece& piece : line) {
      switch (piece.kind) {
        case Piece::Kind::kText:
          bytes += static_cast<int64_t>(piece.text.size());
          break;
        case Piece::Kind::kChoice:
          for (Template& choice : piece.choices) bytes += Longest(choice, topic);
          break;
        case Piece::Kind::kBlank:
          bytes += 3 + LongestOfBlank(piece, topic);
          break;
        case Piece::Kind::kSum:
          bytes += 20;
          CheckSum(piece, topic);
          break;
      }
      bytes = std::min(bytes, kMaxExpansionBytes + 1);
    }
    return bytes;
  }

  // Every term is a number, and what they make stays one.
  void CheckSum(Piece& piece, const Topic* topic) {
    double largest = 0;
    for (Term& term : piece.terms) {
      double size = std::abs(static_cast<double>(term.value));
      if (!term.name.empty()) {
        if (!Find(term.name, piece.place, topic, term.blank)) return;
        const Blank& blank = grammar_.blanks[static_cast<size_t>(term.blank)];
        if (!blank.fillers.empty()) {
          violations_.Add(piece.place, StrCat("{=...}: the blank ", term.name, " is not a number"));
          return;
        }
        size = std::max(std::abs(static_cast<double>(blank.from)),
                        std::abs(static_cast<double>(blank.to)));
      }
      largest = term.op == '*' ? largest * size : largest + size;
      if (largest > kMaxSum) {
        violations_.Add(piece.place, "{=...} can become larger than a number may be");
        return;
      }
    }
  }

  int64_t LongestOfBlank(Piece& piece, const Topic* topic) {
    if (!Find(piece.text, piece.place, topic, piece.blank)) return 0;
    const auto b = static_cast<size_t>(piece.blank);
    if (open_[b] != 0) {
      violations_.Add(piece.place, StrCat("{", piece.text, "} contains itself"));
      return 0;
    }
    if (longest_[b] >= 0) return longest_[b];
    open_[b] = 1;
    int64_t longest = 20;  // a number
    for (Template& filler : grammar_.blanks[b].fillers) {
      longest = std::max(longest, Longest(filler, ScopeOf(grammar_.blanks[b])));
    }
    open_[b] = 0;
    return longest_[b] = longest;
  }

  // A filler sees the blanks of the topic that its blank belongs to, whoever uses it.
  const Topic* ScopeOf(const Blank& blank) const {
    return blank.topic < 0 ? nullptr : &grammar_.topics[static_cast<size_t>(blank.topic)];
  }

  bool Find(const std::string& name, FilePlace place, const Topic* topic, int32_t& blank) {
    if (blank >= 0) return true;
    if (topic != nullptr) {
      const auto own = topic->blanks.find(name);
      if (own != topic->blanks.end()) blank = own->second;
    }
    if (blank < 0) {
      const auto shared = grammar_.blank_by_name.find(name);
      if (shared != grammar_.blank_by_name.end()) blank = shared->second;
    }
    if (blank >= 0) return true;
    violations_.Add(place, StrCat("no blank is called ", name));
    return false;
  }

  Persona::Grammar& grammar_;
  Violations& violations_;
  std::vector<int64_t> longest_;
  std::vector<uint8_t> open_;
};

void CollectTagged(const Template& line, std::vector<TaggedBlank>& out) {
  const auto add = [&out](int32_t blank, int32_t tag) {
    const TaggedBlank tagged{blank, tag};
    if (tag >= 0 && std::find(out.begin(), out.end(), tagged) == out.end()) out.push_back(tagged);
  };
  for (const Piece& piece : line) {
    if (piece.kind == Piece::Kind::kBlank) add(piece.blank, piece.tag);
    for (const Term& term : piece.terms) add(term.blank, term.tag);
    for (const Template& choice : piece.choices) CollectTagged(choice, out);
  }
}

std::vector<Line*> LinesOf(Turn& turn) {
  std::vector<Line*> lines;
  for (Line& line : turn.prompts) lines.push_back(&line);
  for (Line& line : turn.responses) lines.push_back(&line);
  return lines;
}

// A line of a follow-up needs those of its numbered blanks that an earlier turn holds too.
void FindNeeds(Topic& topic) {
  std::vector<TaggedBlank> earlier;
  for (const Line* line : LinesOf(topic.first)) CollectTagged(line->pieces, earlier);
  for (Turn& turn : topic.follow_ups.turns) {
    for (Line* line : LinesOf(turn)) {
      CollectTagged(line->pieces, line->needs);
      std::erase_if(line->needs, [&earlier](const TaggedBlank& tagged) {
        return std::find(earlier.begin(), earlier.end(), tagged) == earlier.end();
      });
    }
    for (const Line* line : LinesOf(turn)) CollectTagged(line->pieces, earlier);
  }
}

}  // namespace

void ResolveBlanks(Persona::Grammar& grammar, Violations& violations) {
  Resolver resolver(grammar, violations);
  for (Topic& topic : grammar.topics) {
    for (Line* line : LinesOf(topic.first)) resolver.CheckLine(line->pieces, &topic);
    for (Turn& turn : topic.follow_ups.turns) {
      for (Line* line : LinesOf(turn)) resolver.CheckLine(line->pieces, &topic);
    }
    FindNeeds(topic);
  }
  for (Blank& blank : grammar.blanks) resolver.CheckBlank(blank);
  for (Template& line : grammar.starters.lines) resolver.CheckLine(line, nullptr);
  for (Template& line : grammar.endings.lines) resolver.CheckLine(line, nullptr);
}

}  // namespace shoal::data
