#include "cli/completion/complete.h"

#include <map>

namespace shoal::cli {
namespace {

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::vector<const CLI::Option*> Options(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

// The option of `app`, or of a command above it, that is written `word`.
const CLI::Option* FindOption(const CLI::App& app, const std::string& word) {
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : Options(*at)) {
      for (const std::string& name : option->get_lnames()) {
        if (word == "--" + name) return option;
      }
      for (const std::string& name : option->get_snames()) {
        if (word == "-" + name) return option;
      }
    }
  }
  return nullptr;
}

const CLI::App* FindCommand(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == word) return command;
  }
  return nullptr;
}

// What values an option or a positional argument of this name takes.
Wanted WantedBy(const std::string& name) {
  static const std::map<std::string, Wanted> kByName = {
      {"run", Wanted::kRun},         {"target", Wanted::kRun},      {"sweep", Wanted::kSweep},
      {"recipe", Wanted::kRecipe},   {"persona", Wanted::kPersona}, {"worker", Wanted::kWorker},
      {"dataset", Wanted::kDataset}, {"set", Wanted::kField},       {"vary", Wanted::kField},
      {"by", Wanted::kPath},         {"what", Wanted::kPath},       {"path", Wanted::kFile},
      {"lab", Wanted::kFile},        {"join", Wanted::kFile},       {"file", Wanted::kFile},
      {"out", Wanted::kFile},        {"data-dir", Wanted::kFile},   {"worker-dir", Wanted::kFile},
      {"held-out", Wanted::kFile},   {"text", Wanted::kFile},
  };
  const auto found = kByName.find(name);
  return found == kByName.end() ? Wanted::kNothing : found->second;
}

std::string NameOf(const CLI::Option& option) {
  if (!option.get_lnames().empty()) return option.get_lnames().front();
  return option.get_name(true);  // a positional's
}

// The positional argument that the `count`-th value (from 0) belongs to.
const CLI::Option* Positional(const CLI::App& app, int count) {
  const CLI::Option* last = nullptr;
  for (const CLI::Option* option :
       app.get_options([](const CLI::Option* candidate) { return candidate->get_positional(); })) {
    last = option;
    count -= option->get_items_expected_max();
    if (count < 0) return option;
  }
  return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
}

void Offer(Completion& completion, const std::string& text, const std::string& help) {
  if (!text.starts_with(completion.prefix)) return;
  completion.candidates.push_back({text, help.substr(0, help.find('\n'))});
}

void OfferOptions(Completion& completion, const CLI::App& app) {
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : Options(*at)) {
      for (const std::string& name : option->get_lnames()) {
        Offer(completion, "--" + name, option->get_description());
      }
    }
  }
}

}  // namespace

Completion Complete(const CLI::App& app, const std::vector<std::string>& words) {
  Completion completion;
  if (words.empty()) return completion;
  const CLI::App* command = &app;
  const CLI::Option* pending = nullptr;  // an option whose value comes next
  int positionals = 0;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (pending != nullptr) {
      pending = nullptr;
    } else if (word.starts_with('-')) {
      const CLI::Option* option = FindOption(*command, word);
      if (option != nullptr && TakesValue(*option)) pending = option;
    } else if (const CLI::App* next = FindCommand(*command, word); next != nullptr) {
      command = next;
      positionals = 0;
    } else {
      ++positionals;
    }
  }
  completion.prefix = words.back();
  if (pending != nullptr) {
    completion.wanted = WantedBy(NameOf(*pending));
    return completion;
  }
  if (completion.prefix.starts_with('-')) {
    OfferOptions(completion, *command);
    return completion;
  }
  if (positionals == 0) {
    for (const CLI::App* next : command->get_subcommands([](const CLI::App*) { return true; })) {
      if (!next->get_group().empty()) Offer(completion, next->get_name(), next->get_description());
    }
  }
  if (const CLI::Option* option = Positional(*command, positionals); option != nullptr) {
    completion.wanted = WantedBy(NameOf(*option));
  }
  return completion;
}

std::string CompletionScript(const std::string& shell) {
  // In all three: no candidate means that the shell offers files.
  if (shell == "bash") {
    return R"(# shoal's completion for bash. Load it now:  source <(shoal completion bash)
# for good:  shoal completion bash > ~/.local/share/bash-completion/completions/shoal
_shoal() {
  local IFS=$'\n' word
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  # bash cuts words at '=': --set model.n_layers=4 is three of them.
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    COMPREPLY+=("$word")
  done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -o bashdefault -F _shoal shoal
)";
  }
  if (shell == "zsh") {
    return R"(#compdef shoal
# shoal's completion for zsh. Load it now:  source <(shoal completion zsh)
# for good:  shoal completion zsh > "${fpath[1]}/_shoal"
_shoal() {
  local -a candidates plain
  local line word help
  while IFS=$'\t' read -r word help; do
    if [[ $word == *= ]]; then plain+=("$word"); else candidates+=("${word//:/\\:}:$help"); fi
  done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( ${#candidates} + ${#plain} == 0 )); then _files; return; fi
  (( ${#plain} )) && compadd -S '' -- "${plain[@]}"
  (( ${#candidates} )) && _describe 'shoal' candidates
}
if [[ $funcstack[1] == _shoal ]]; then _shoal "$@"; else compdef _shoal shoal; fi
)";
  }
  if (shell == "fish") {
    return R"(# shoal's completion for fish. Load it now:  shoal completion fish | source
# for good:  shoal completion fish > ~/.config/fish/completions/shoal.fish
function __shoal_candidates
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete -- $words[2..-1] 2>/dev/null
end
function __shoal_needs_files
    test (count (__shoal_candidates)) -eq 0
end
complete -c shoal -f -a '(__shoal_candidates)'
complete -c shoal -n __shoal_needs_files -F
)";
  }
  return "";
}

}  // namespace shoal::cli
