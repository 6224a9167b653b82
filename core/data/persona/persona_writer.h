// Fills templates: one conversation's draws, and what they have named so far. Internal to
// core/data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/data/persona/persona_grammar.h"

namespace shoal::data {

// Mixes numbers into one: the same on every machine, since it decides what is held out
// (MurmurHash3's finaliser, Appleby 2011).
uint64_t Mix(uint64_t hash, uint64_t value);

class Writer {
 public:
  // Both must outlive the writer.
  Writer(const Persona::Grammar& grammar, Random& random) : grammar_(grammar), random_(random) {}

  bool Chance(double probability) { return random_.UniformDouble() < probability; }

  // One of the lines, which must not be empty.
  const Template& Pick(const std::vector<Template>& lines) {
    return lines[random_.Below(lines.size())];
  }

  // Whether some line has all it needs.
  bool AnyUsable(const std::vector<Line>& lines) const;
  // The index of one of the lines that have all they need. Requires AnyUsable.
  size_t PickUsable(const std::vector<Line>& lines);

  void Write(const Template& line, std::string& out);

  // Which fillers of lists were written since ClearTrail, as one number; 0: none.
  uint64_t trail() const { return trail_; }
  void ClearTrail() { trail_ = 0; }

 private:
  struct Used {
    int32_t blank;
    uint64_t filler;
  };
  struct Filled {
    std::string text;
    uint64_t trail = 0;  // which fillers it is made of; 0 for a number
  };
  struct Tagged {
    TaggedBlank blank;
    Filled filled;
  };

  bool Usable(const Line& line) const;
  const Filled* Find(const TaggedBlank& blank) const;
  Filled Fill(int32_t index);
  Filled FillTagged(const TaggedBlank& blank);
  void WriteBlank(const Piece& piece, std::string& out);
  int64_t Sum(const std::vector<Term>& terms);

  const Persona::Grammar& grammar_;
  Random& random_;
  std::vector<Used> used_;
  std::vector<uint64_t> taken_;
  std::vector<Tagged> tagged_;
  uint64_t trail_ = 0;
};

}  // namespace shoal::data
