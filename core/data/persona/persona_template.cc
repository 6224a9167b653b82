// The template language of persona files: {blank} {blank@1} {^blank} {a blank} {x|y|}
// {=blank@1+2}. This file cuts lines into pieces; persona_resolve.cc finds what their names mean.
#include <algorithm>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "core/base/strings.h"
#include "core/data/persona/persona_grammar.h"

namespace shoal::data {
namespace {

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
    if (choices.size() == 1) {
      return inside.starts_with("=") ? SumSlot(inside, place) : BlankSlot(inside, place);
    }
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
    name = CutTag(name, inside, place, piece.tag);
    if (!IsName(name)) {
      violations_.Add(place, StrCat("{", inside, "}: expected the name of a blank, as in {fish}, ",
                                    "{^fish}, {a fish}, {fish@1}, or a choice {red|green}"));
    }
    piece.text = std::string(name);
    return piece;
  }

  // Without the "@1" at its end, whose number goes to `tag`.
  std::string_view CutTag(std::string_view name, std::string_view inside, FilePlace place,
                          int32_t& tag) {
    const size_t at = name.find('@');
    if (at == name.npos) return name;
    if (!absl::SimpleAtoi(AbslView(name.substr(at + 1)), &tag) || tag < 0) {
      violations_.Add(place, StrCat("{", inside, "}: after @ comes a number"));
      tag = 0;
    }
    return name.substr(0, at);
  }

  // {=x@1+y@2-3}: terms that are joined from left to right.
  Piece SumSlot(std::string_view inside, FilePlace place) {
    Piece piece;
    piece.place = place;
    piece.kind = Piece::Kind::kSum;
    std::string_view rest = inside.substr(1);
    char op = '+';
    while (true) {
      const size_t end = std::min(rest.find_first_of("+-*"), rest.size());
      Term term;
      term.op = op;
      const std::string_view text = StripSpace(rest.substr(0, end));
      if (!absl::SimpleAtoi(AbslView(text), &term.value) || text.starts_with("+")) {
        term.name = std::string(CutTag(text, inside, place, term.tag));
        if (!IsName(term.name) || term.tag < 0) {
          violations_.Add(place,
                          StrCat("{", inside, "}: expected numbered blanks and numbers with ",
                                 "+ - * between them, as in {=count@1+count@2}"));
          term.name.clear();
        }
      }
      piece.terms.push_back(std::move(term));
      if (end == rest.size()) return piece;
      op = rest[end];
      rest.remove_prefix(end + 1);
    }
  }

  Violations& violations_;
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

}  // namespace shoal::data
