// A persona file after compilation: templates as pieces, blanks by index. Internal to core/data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/data/persona/persona.h"

namespace shoal::data {

// Where something stands in the file, from 1.
struct FilePlace {
  int line = 0;
  int column = 0;
};

struct Piece;
using Template = std::vector<Piece>;

// A summand or factor of a {=...}: a numbered blank, or a whole number.
struct Term {
  char op = '+';  // how it joins what stands before it: + - *
  std::string name;
  int32_t blank = -1;  // index into Grammar::blanks; -1: `value`
  int32_t tag = -1;
  int64_t value = 0;
};

struct Piece {
  enum class Kind { kText, kBlank, kChoice, kSum };
  Kind kind = Kind::kText;
  std::string text;               // kText: as it stands; kBlank: the blank's name, until resolved
  int32_t blank = -1;             // kBlank: index into Grammar::blanks
  int32_t tag = -1;               // kBlank: {name@tag}; -1 without
  bool capital = false;           // {^...}
  bool article = false;           // {a ...}
  std::vector<Template> choices;  // kChoice: {x|{y} z|}
  std::vector<Term> terms;        // kSum: {=x@1+y@2}, from left to right
  FilePlace place;
};

struct Blank {
  std::string name;
  FilePlace place;
  int32_t topic = -1;             // whose blank it is; -1: the persona's
  std::vector<Template> fillers;  // empty for a number
  int64_t from = 0;               // numbers: from..to, both included
  int64_t to = 0;
};

struct OptionalLines {
  double chance = 0;
  std::vector<Template> lines;
};

// A numbered blank, {name@tag}.
struct TaggedBlank {
  int32_t blank = -1;
  int32_t tag = -1;
  bool operator==(const TaggedBlank&) const = default;
};

// A line, and the numbered blanks that must have been said before it may be used.
struct Line {
  Template pieces;
  std::vector<TaggedBlank> needs;  // only of follow-ups; see ResolveBlanks
};

// What the user says and what the persona answers.
struct Turn {
  std::vector<Line> prompts;
  std::vector<Line> responses;
};

struct FollowUps {
  double chance = 0;  // that a conversation goes on, after every turn
  int64_t most = 1;   // how often it may
  std::vector<Turn> turns;
};

struct Topic {
  std::string name;
  double weight = 1;
  bool starters = true;
  bool endings = true;
  Turn first;
  FollowUps follow_ups;
  absl::flat_hash_map<std::string, int32_t> blanks;  // its own, before those of the persona
};

struct PromptStyle {
  double lower = 0;      // share of prompts in lower case
  double upper = 0;      // share in capitals
  double no_ending = 0;  // share without the closing . ! or ?
};

struct Persona::Grammar {
  std::string name;
  std::string about;
  PromptStyle style;
  OptionalLines starters;
  OptionalLines endings;
  std::vector<Blank> blanks;
  absl::flat_hash_map<std::string, int32_t> blank_by_name;  // of the persona
  std::vector<Topic> topics;
  double total_weight = 0;
};

// Collects what is wrong with a file, each with its place.
class Violations {
 public:
  explicit Violations(std::string file) : file_(std::move(file)) {}
  void Add(FilePlace place, std::string_view what);
  bool empty() const { return lines_.empty(); }
  // OK, or InvalidArgument with all violations, one a line.
  absl::Status ToStatus() const;

 private:
  std::string file_;
  std::vector<std::string> lines_;
};

// What a conversation was generated from: one number for each answer, equal for equal response
// templates filled alike. Numbers, alternatives, starters, endings and prompts do not count:
// answers that differ in nothing else come from the same derivation.
struct Derivation {
  std::vector<uint64_t> answers;
};

// Cuts a template into pieces; blanks keep their names. `place` is that of its first character.
Template ParseTemplate(std::string_view text, FilePlace place, Violations& violations);

// Gives every blank piece its index and refuses unknown names, cycles, expansions longer than 4,000
// bytes, and sums of what is not a number. A line of a follow-up *needs* the numbered blanks that
// stand in an earlier turn of its topic, in the order of the file.
void ResolveBlanks(Persona::Grammar& grammar, Violations& violations);

// YAML -> grammar. Errors: InvalidArgument with all violations.
absl::StatusOr<Persona::Grammar> ParsePersona(std::string_view yaml, const std::string& file);

// Fills a conversation; see Persona::Generate. `derivation` may be null.
Conversation GenerateConversation(const Persona::Grammar& grammar, uint64_t seed, int64_t index,
                                  Derivation* derivation);

}  // namespace shoal::data
