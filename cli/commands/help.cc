// shoal help: a command's help, or a page on what several commands share.

#include <cstdio>

#include "cli/commands/command.h"
#include "core/base/status.h"
#include "core/spec/fields.h"

namespace shoal::cli {
namespace {

struct Topic {
  const char* name;
  const char* help;
  const char* text;
};

constexpr Topic kTopics[] = {
    {"following", "watch, wait, logs -f, --follow: which one when",
     R"(Work goes on in the lab whether anybody looks or not. Four ways to look:

  you want to                         command               prints              ends            exit code
  submit, then see it through         launch R --follow     progress, a table   with the run    3 unless it succeeded
  look at what is running             watch [TARGET...]     progress, a table   with the runs   3 unless all succeeded
  go on in a script when it is done   wait [TARGET...]      a table             with the runs   3 unless all succeeded
  read what a run says                logs -f [RUN]         its log, line by    with the run    0
                                                            line

Ctrl-C ends the looking, never the work: exit code 0, and the command that attaches again. --timeout 10m makes `wait` give up with exit code 4.
All four survive a restart of the lab. With --json, progress is left out.
)"},
    {"selectors", "how runs are named: last, all, #, names, ids, ranges",
     R"(Wherever a command takes a RUN or TARGET:

  last                the newest run; what is meant when nothing is said
  all                 every run; commands that change runs leave those alone that they do not concern
  tiny-L4             a run's name
  sizes               a sweep's name: all of its runs
  sizes:3   last:1-4  some of its trials, counted from 1; last: of the newest sweep
  run-1m822gkszmg6    an id, or the beginning of one that fits no other
  job-1m822gkszmg6    a job's id, with its word: the run that it is of
  7   3-9   1,4,6-8   numbers, as `shoal list` shows them under #: they never change
)"},
    {"exit-codes", "what a command's end means to a script",
     R"(  0  ok
  2  usage, or an invalid spec: change the command
  3  a job failed, or a check found something: look at what it says
  4  the lab cannot be reached, or infrastructure failed: try again later
  5  refused: the wrong state, a limit, a full disk, a key that is not known

What is asked for and holds already is no mistake: to cancel what has ended, or pause what is paused, changes nothing
and ends with 0; what was left alone is told.

With --json, errors are {"schema":1,"error":{"code":"...","message":"..."}} on stdout, and text on stderr.
)"},
    {"json", "what --json prints, for scripts",
     R"(With --json a command prints one JSON value on one line, {"schema":1, ...}; notes stay on stderr. `logs` and `chat`
print an object a line.

  integers        numbers; above 2^53, where a reader's doubles end, text: "9007199254740993"
  times           text, RFC 3339 in UTC: "2026-01-01T08:30:00Z"; durations "1.5s"
  NaN, infinity   text in messages of the lab: "NaN", "Infinity", "-Infinity"; null in analyses
  states          text: "RUN_STATUS_SUCCEEDED"
  errors          {"schema":1,"error":{"code":"NOT_FOUND","message":"..."}}, and the exit code

A field that is not there was not given. New fields may come within schema 1: leave alone what you do not know.
  shoal list --json | jq '.runs[] | {name, parameters, loss: .metrics["train/loss"].last}'
)"},
    {"sweeps", "what runs vary: --vary, and `space:` in a recipe",
     R"(On the command line, one --vary for each field; every combination is trained:

  --vary model.n_layers=2,4,6                    these values
  --vary data.dataset=trec,reviews               of text, too
  --repeats 3                                    each three times, with seeds derived from the recipe's
  --trials 20                                    twenty combinations drawn at random instead of all of them

In a recipe, `base:` is the spec that every run starts from, `variants:` are sets of values that belong together, and
`space:` is what single fields may be:

  repeats: 2
  space:
    model.n_layers: [2, 4, 6]                                          # these values
    train.optimizer.lr: {min: 1e-4, max: 1e-2, scale: log, count: 5}   # a range, five points at equal ratios
    train.steps: 500                                                   # a constant
    model.d_ff: {values: [256, 512], when: {model.activation: relu}}   # only together with another value
  strategy: random                                                     # draw, instead of every combination
  trials: 20

A range has `min` and `max`; `scale: log`; `step` for the numbers between; `count` for the points of a grid. The same
file and seed give the same runs on any number of workers. What was trained before, with the same spec and data, is
reused, and said to be.
)"},
    {"specs", "recipes, --set, --vary and where fields are explained",
     R"(A spec says what a run is: model, data, tokenizer, training. It is YAML; what it leaves out has a default.

  shoal launch tiny --dry-run               the complete spec, with parameters, FLOPs, memory and time
  shoal fields                              every field;  shoal fields train.optimizer  explains a few
  shoal launch tiny --set model.n_layers=8  one field by hand
  shoal sweep tiny --vary model.n_layers=2,4,8 --repeats 3
                                            one run for each value and each of three seeds
  shoal launch my.yaml                      a file of yours; `shoal recipes` lists those that ship
  shoal launch tiny --set data.dataset=reviews
                                            a data set of yours (`shoal dataset import` makes one)

Every mistake is listed at once, each with file, line and column.
)"},
};

// CLI11's help() is that of the command that was parsed, `help` itself.
std::string HelpOf(const CLI::App& command) {
  std::string name = command.get_name();  // "shoal dataset import"
  for (const CLI::App* above = command.get_parent(); above != nullptr; above = above->get_parent())
    name = StrCat(above->get_name(), " ", name);
  return command.get_formatter()->make_help(&command, name, CLI::AppFormatMode::Normal);
}

absl::Status PrintHelp(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.empty()) {
    std::printf("%s\nTopics, for `shoal help TOPIC`:\n", HelpOf(app).c_str());
    for (const Topic& topic : kTopics) std::printf("  %-26s  %s\n", topic.name, topic.help);
    return absl::OkStatus();
  }
  for (const Topic& topic : kTopics) {
    if (words.size() == 1 && words[0] == topic.name) {
      std::printf("%s", topic.text);
      return absl::OkStatus();
    }
  }
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    std::vector<std::string> known;
    const CLI::App* next = nullptr;
    for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(command->get_name());
      if (command->get_name() == word) next = command;
    }
    if (next == nullptr) {
      if (at == &app) {
        for (const Topic& topic : kTopics) known.emplace_back(topic.name);
      }
      const auto nearest = spec::Nearest(word, known);
      return absl::NotFoundError(StrCat("no command or topic is called '", word, "'; ",
                                        nearest ? StrCat("did you mean '", *nearest, "'?")
                                                : std::string("`shoal help` lists them")));
    }
    at = next;
  }
  std::printf("%s", HelpOf(*at).c_str());
  return absl::OkStatus();
}

}  // namespace

std::string HelpTopics() {
  std::string names;
  for (const Topic& topic : kTopics) StrAppend(names, names.empty() ? "" : ", ", topic.name);
  return names;
}

void AddHelp(CLI::App& app, Globals& globals) {
  const auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* command = AddCommand(app, globals,
                                 {"help",
                                  "Explain a command, or what several share",
                                  {"shoal help sweep", "shoal help exit-codes"},
                                  StrCat("Topics: ", HelpTopics())},
                                 [&app, words] { return PrintHelp(app, *words); });
  command->add_option("command", *words, "A command, or a topic");
}

}  // namespace shoal::cli
