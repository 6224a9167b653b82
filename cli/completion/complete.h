// Completion of a half-typed command line, for every shell alike: what may stand at the cursor
// follows from the tree of commands and options itself, so a new command completes without a line
// of its own.
//
// The shells' scripts (scripts.h) hand over the words before the cursor and print what comes back.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace shoal::cli {

struct Candidate {
  std::string text;  // the whole word
  std::string help;  // one line; may be empty
};

// What a word stands for when the tree cannot list its values.
enum class Wanted {
  kNothing,
  kFile,
  kRun,      // runs and sweeps of the lab, `last`
  kSweep,    // sweeps of the lab
  kRecipe,   // recipes that ship, files
  kPersona,  // personas that ship, files
  kWorker,   // workers of the lab
  kDataset,  // data sets of the lab, files
  kField,    // paths of a spec, with a '='
  kPath,     // paths of a spec
};

struct Completion {
  std::vector<Candidate> candidates;  // commands or options that begin with the last word
  Wanted wanted = Wanted::kNothing;   // further candidates to look up
  std::string prefix;                 // what they must begin with
};

// `words`: those after the program's name, the one at the cursor (maybe empty) last.
Completion Complete(const CLI::App& app, const std::vector<std::string>& words);

// The script that teaches a shell ("bash", "zsh", "fish") to ask. Empty: not one of them.
std::string CompletionScript(const std::string& shell);

}  // namespace shoal::cli
