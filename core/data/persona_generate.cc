// Fills templates: the sampling half of personas.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "core/base/random.h"
#include "core/base/strings.h"
#include "core/data/persona_grammar.h"

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

class Writer {
 public:
  Writer(const Persona::Grammar& grammar, Random& random) : grammar_(grammar), random_(random) {}

  bool Chance(double probability) { return random_.UniformDouble() < probability; }

  const Template& Pick(const std::vector<Template>& lines) {
    return lines[random_.Below(lines.size())];
  }

  void Write(const Template& line, std::string& out) {
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
      }
    }
  }

 private:
  struct Used {
    int32_t blank;
    uint64_t filler;
  };
  struct Tagged {
    int32_t blank;
    int32_t tag;
    std::string text;
  };

  void WriteBlank(const Piece& piece, std::string& out) {
    std::string text = piece.tag < 0 ? Fill(piece.blank) : TaggedText(piece.blank, piece.tag);
    if (piece.article) text = StrCat(ArticleFor(text), text);
    if (piece.capital && !text.empty()) {
      text[0] = absl::ascii_toupper(static_cast<unsigned char>(text[0]));
    }
    out += text;
  }

  const std::string& TaggedText(int32_t blank, int32_t tag) {
    for (const Tagged& tagged : tagged_) {
      if (tagged.blank == blank && tagged.tag == tag) return tagged.text;
    }
    std::string text = Fill(blank);
    return tagged_.emplace_back(Tagged{blank, tag, std::move(text)}).text;
  }

  // A filler that this conversation has not used yet, while there are any.
  std::string Fill(int32_t index) {
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
    if (number) return StrCat(blank.from + static_cast<int64_t>(choice));
    std::string text;
    Write(blank.fillers[choice], text);
    return text;
  }

  const Persona::Grammar& grammar_;
  Random& random_;
  std::vector<Used> used_;
  std::vector<uint64_t> taken_;
  std::vector<Tagged> tagged_;
};

const Topic& PickTopic(const Persona::Grammar& grammar, Random& random) {
  double at = random.UniformDouble() * grammar.total_weight;
  for (const Topic& topic : grammar.topics) {
    at -= topic.weight;
    if (at < 0) return topic;
  }
  return grammar.topics.back();
}

// People type without capitals and without a full stop, and sometimes shout.
void ApplyStyle(const PromptStyle& style, Random& random, std::string& prompt) {
  const double letters = random.UniformDouble();
  const bool drop_ending = random.UniformDouble() < style.no_ending;
  if (letters < style.lower) {
    absl::AsciiStrToLower(&prompt);
  } else if (letters < style.lower + style.upper) {
    absl::AsciiStrToUpper(&prompt);
  }
  while (drop_ending && prompt.size() > 1 &&
         std::string_view(".!?").find(prompt.back()) != std::string_view::npos) {
    prompt.pop_back();
  }
}

}  // namespace

Conversation GenerateConversation(const Persona::Grammar& grammar, uint64_t seed, int64_t index) {
  Random random(seed, PurposeOf(Purpose::kData, 1), static_cast<uint64_t>(index));
  const Topic& topic = PickTopic(grammar, random);
  Writer writer(grammar, random);
  std::string prompt, response;
  writer.Write(writer.Pick(topic.prompts), prompt);
  ApplyStyle(grammar.style, random, prompt);

  const bool start = writer.Chance(grammar.starters.chance) && topic.starters;
  const bool end = writer.Chance(grammar.endings.chance) && topic.endings;
  if (start && !grammar.starters.lines.empty()) {
    writer.Write(writer.Pick(grammar.starters.lines), response);
    response += ' ';
  }
  writer.Write(writer.Pick(topic.responses), response);
  if (end && !grammar.endings.lines.empty()) {
    response += ' ';
    writer.Write(writer.Pick(grammar.endings.lines), response);
  }
  return {.messages = {{Role::kUser, std::move(prompt)}, {Role::kAssistant, std::move(response)}},
          .topic = topic.name};
}

}  // namespace shoal::data
