// A persona file after compilation: templates as pieces, blanks by index. Internal to core/data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/data/persona.h"

namespace shoal::data {

// Where something stands in the file, from 1.
struct FilePlace {
  int line = 0;
  int column = 0;
};

struct Piece;
using Template = std::vector<Piece>;

struct Piece {
  enum class Kind { kText, kBlank, kChoice };
  Kind kind = Kind::kText;
  std::string text;               // kText: as it stands; kBlank: the blank's name, until resolved
  int32_t blank = -1;             // kBlank: index into Grammar::blanks
  int32_t tag = -1;               // kBlank: {name@tag}; -1 without
  bool capital = false;           // {^...}
  bool article = false;           // {a ...}
  std::vector<Template> choices;  // kChoice: {x|{y} z|}
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

struct Topic {
  std::string name;
  double weight = 1;
  bool starters = true;
  bool endings = true;
  std::vector<Template> prompts;
  std::vector<Template> responses;
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

// Cuts a template into pieces; blanks keep their names. `place` is that of its first character.
Template ParseTemplate(std::string_view text, FilePlace place, Violations& violations);

// Gives every blank piece its index and refuses unknown names, cycles, and expansions longer than
// 4,000 bytes.
void ResolveBlanks(Persona::Grammar& grammar, Violations& violations);

// YAML -> grammar. Errors: InvalidArgument with all violations.
absl::StatusOr<Persona::Grammar> ParsePersona(std::string_view yaml, const std::string& file);

// Fills a conversation; see Persona::Generate.
Conversation GenerateConversation(const Persona::Grammar& grammar, uint64_t seed, int64_t index);

}  // namespace shoal::data
