// The template language of persona files: {blank} {blank@1} {^blank} {a blank} {x|y|}.
#include <algorithm>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "core/base/strings.h"
#include "core/data/persona_grammar.h"

namespace shoal::data {
namespace {

constexpr int64_t kMaxExpansionBytes = 4000;
constexpr size_t kMaxViolations = 50;

bool IsName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

// The parts of `text` between the '|' that stand outside of inner braces.
std::vector<std::string_view> SplitChoices(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (text[i] == '|' && depth == 0) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

class TemplateParser {
 public:
  explicit TemplateParser(Violations& violations) : violations_(violations) {}

  // `text` begins at `place`.
  Template Parse(std::string_view text, FilePlace place, int depth) {
    Template pieces;
    const auto here = [&](size_t offset) {
      return FilePlace{place.line, place.column + static_cast<int>(offset)};
    };
    for (size_t i = 0; i < text.size();) {
      const size_t brace = std::min(text.find_first_of("{}", i), text.size());
      if (brace != i) {
        Piece piece;
        piece.text = std::string(text.substr(i, brace - i));
        piece.place = here(i);
        pieces.push_back(std::move(piece));
      }
      if (brace == text.size()) break;
      const size_t close = CloseOf(text, brace);
      if (close == text.npos || depth > kMaxDepth) {
        violations_.Add(here(brace), text[brace] == '}'   ? "} without a { before it"
                                     : close == text.npos ? "{ without a } after it"
                                                          : "braces are nested too deeply");
        break;
      }
      pieces.push_back(Slot(text.substr(brace + 1, close - brace - 1), here(brace), depth));
      i = close + 1;
    }
    return pieces;
  }

 private:
  static constexpr int kMaxDepth = 8;

  // The } that belongs to the { at `open`; npos when there is none, or when it is a }.
  static size_t CloseOf(std::string_view text, size_t open) {
    int depth = 0;
    for (size_t i = open; i < text.size(); ++i) {
      depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
      if (depth < 0) return text.npos;
      if (depth == 0) return i;
    }
    return text.npos;
  }

  // The inside of {...}, without the braces, which open at `place`.
  Piece Slot(std::string_view inside, FilePlace place, int depth) {
    const std::vector<std::string_view> choices = SplitChoices(inside);
    if (choices.size() == 1) return BlankSlot(inside, place);
    Piece piece;
    piece.place = place;
    piece.kind = Piece::Kind::kChoice;
    for (const std::string_view choice : choices) {
      const FilePlace at{place.line,
                         place.column + 1 + static_cast<int>(choice.data() - inside.data())};
      if (choice.find_first_of("_@") != choice.npos && choice.find('{') == choice.npos) {
        violations_.Add(at, StrCat("the choice ", choice, " looks like a blank; write {{", choice,
                                   "}|...} to fill it"));
      }
      piece.choices.push_back(Parse(choice, at, depth + 1));
    }
    return piece;
  }

  Piece BlankSlot(std::string_view inside, FilePlace place) {
    Piece piece;
    piece.place = place;
    piece.kind = Piece::Kind::kBlank;
    std::string_view name = inside;
    if (name.starts_with("^")) {
      piece.capital = true;
      name.remove_prefix(1);
    }
    if (name.starts_with("a ")) {
      piece.article = true;
      name.remove_prefix(2);
    }
    if (const size_t at = name.find('@'); at != name.npos) {
      if (!absl::SimpleAtoi(AbslView(name.substr(at + 1)), &piece.tag) || piece.tag < 0) {
        violations_.Add(place, StrCat("{", inside, "}: after @ comes a number"));
        piece.tag = 0;
      }
      name = name.substr(0, at);
    }
    if (!IsName(name)) {
      violations_.Add(place, StrCat("{", inside, "}: expected the name of a blank, as in {fish}, ",
                                    "{^fish}, {a fish}, {fish@1}, or a choice {red|green}"));
    }
    piece.text = std::string(name);
    return piece;
  }

  Violations& violations_;
};

// Walks the blanks depth first: resolves names, finds cycles, bounds what an expansion can be.
class Resolver {
 public:
  Resolver(Persona::Grammar& grammar, Violations& violations)
      : grammar_(grammar),
        violations_(violations),
        longest_(grammar.blanks.size(), -1),
        open_(grammar.blanks.size(), 0) {}

  void CheckBlank(Blank& blank) {
    for (Template& filler : blank.fillers) Line(filler, ScopeOf(blank));
  }

  void Line(Template& line, const Topic* topic) {
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
      }
      bytes = std::min(bytes, kMaxExpansionBytes + 1);
    }
    return bytes;
  }

  int64_t LongestOfBlank(Piece& piece, const Topic* topic) {
    if (!Find(piece, topic)) return 0;
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

  bool Find(Piece& piece, const Topic* topic) {
    if (piece.blank >= 0) return true;
    if (topic != nullptr) {
      const auto own = topic->blanks.find(piece.text);
      if (own != topic->blanks.end()) piece.blank = own->second;
    }
    if (piece.blank < 0) {
      const auto shared = grammar_.blank_by_name.find(piece.text);
      if (shared != grammar_.blank_by_name.end()) piece.blank = shared->second;
    }
    if (piece.blank >= 0) return true;
    violations_.Add(piece.place, StrCat("no blank is called ", piece.text));
    return false;
  }

  Persona::Grammar& grammar_;
  Violations& violations_;
  std::vector<int64_t> longest_;
  std::vector<uint8_t> open_;
};

}  // namespace

void Violations::Add(FilePlace place, std::string_view what) {
  std::string line = StrCat(file_, ":", place.line, ":", place.column, ": ", what);
  if (std::find(lines_.begin(), lines_.end(), line) == lines_.end()) {
    lines_.push_back(std::move(line));
  }
}

absl::Status Violations::ToStatus() const {
  if (lines_.empty()) return absl::OkStatus();
  const size_t shown = std::min(lines_.size(), kMaxViolations);
  std::string text = StrJoin(std::span(lines_).first(shown), "\n");
  if (shown < lines_.size()) StrAppend(text, "\nand ", lines_.size() - shown, " more");
  return absl::InvalidArgumentError(text);
}

Template ParseTemplate(std::string_view text, FilePlace place, Violations& violations) {
  return TemplateParser(violations).Parse(text, place, 0);
}

void ResolveBlanks(Persona::Grammar& grammar, Violations& violations) {
  Resolver resolver(grammar, violations);
  for (Topic& topic : grammar.topics) {
    for (Template& line : topic.prompts) resolver.Line(line, &topic);
    for (Template& line : topic.responses) resolver.Line(line, &topic);
  }
  for (Blank& blank : grammar.blanks) resolver.CheckBlank(blank);
  for (Template& line : grammar.starters.lines) resolver.Line(line, nullptr);
  for (Template& line : grammar.endings.lines) resolver.Line(line, nullptr);
}

}  // namespace shoal::data
