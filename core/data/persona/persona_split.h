// Which of a persona's conversations are held out, and which of the others training may see.
// Internal to core/data.
#pragma once

#include <cstdint>
#include <vector>

#include "core/data/persona/persona_grammar.h"

namespace shoal::data {

struct PersonaSides {
  std::vector<Conversation> train;     // in order of index
  std::vector<Conversation> held_out;  // in order of index
  int64_t generated = 0;               // conversations 0..generated-1 were looked at
  int64_t left_out = 0;                // of them: too like a held-out one for training
};

// See GeneratePersona. Requires count >= 1 and 0 <= fraction < 1.
PersonaSides SplitPersona(const Persona::Grammar& grammar, int64_t count, uint64_t seed,
                          double fraction);

}  // namespace shoal::data
