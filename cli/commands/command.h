// What every command of `shoal` shares: the global options, how results and errors are printed,
// exit codes.
//
//   0 ok    2 usage, or an invalid spec    3 a job failed    4 the lab cannot be reached, or
//   infrastructure failed 5 refused (the wrong state, a limit, a full disk)
//
// A command is one file: Add<Verb>(app, globals) declares its options, examples and its action.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/lab/lab.h"
#include "cli/output/terminal.h"
#include "cli/programs.h"
#include "google/protobuf/message.h"

namespace shoal::cli {

inline constexpr int kOk = 0;
inline constexpr int kUsage = 2;
inline constexpr int kJobFailed = 3;
inline constexpr int kInfrastructure = 4;
inline constexpr int kRefused = 5;

struct Globals {
  const Clock& clock() const { return *lab.clock; }

  LabOptions lab;
  bool json = false;
  bool quiet = false;
  Terminal terminal;
  Programs programs;
  std::string command_line;              // as typed, for the record
  std::function<absl::Status()> action;  // what the command line asks for, once it is parsed
  int exit_code = kOk;                   // what the action decided
};

// What --help says of a command beside its options.
struct CommandHelp {
  std::string name;
  std::string summary;                // one line: a capital first, no period at its end
  std::vector<std::string> examples;  // as typed in a shell, at least two; "# why" may follow
  std::string notes = "";             // below the examples; long lines are wrapped
};

// A subcommand that takes --json. Where a subcommand of its own is given, only that one acts; a
// command without an action (nullptr) needs one.
CLI::App* AddCommand(CLI::App& app, Globals& globals, const CommandHelp& help,
                     std::function<absl::Status()> action);

// Runs what the parsed command line asks for, prints its error, and answers the exit code. It
// follows from the action's status; an action that ends well may set globals.exit_code itself (3).
int RunAction(Globals& globals);

int ExitCodeOf(const absl::Status& status);
// What was wrong with a command line that `app` could not parse, for a person: names the option or
// the command, and the command that was probably meant.
absl::Status UsageError(const CLI::App& app, const CLI::ParseError& error);
// On stderr; with --json also {"schema":1,"error":{"code":...,"message":...}} on stdout.
void PrintError(const Globals& globals, const absl::Status& status);

// Builds the one JSON value that a command prints: {"schema":1, ...}.
class JsonReply {
 public:
  JsonReply& Add(const std::string& key, const google::protobuf::Message& message);
  template <typename Messages>
  JsonReply& AddList(const std::string& key, const Messages& messages);
  JsonReply& AddText(const std::string& key, const std::string& text);
  JsonReply& AddNumber(const std::string& key, double value);  // null when not finite
  JsonReply& AddRaw(const std::string& key, const std::string& json);
  void Print() const;

  // The same text for the same message: maps come in the order of their keys.
  static std::string ToJson(const google::protobuf::Message& message);
  static std::string Quote(const std::string& text);

 private:
  std::string members_ = "\"schema\":1";
};

template <typename Messages>
JsonReply& JsonReply::AddList(const std::string& key, const Messages& messages) {
  std::string list = "[";
  for (const auto& message : messages) {
    if (list.size() > 1) list += ",";
    list += ToJson(message);
  }
  return AddRaw(key, list + "]");
}

// The topics of `shoal help TOPIC`, with commas between.
std::string HelpTopics();

// One per file of cli/commands; app.cc puts them together.
void AddUp(CLI::App& app, Globals& globals);
void AddDown(CLI::App& app, Globals& globals);
void AddLaunch(CLI::App& app, Globals& globals);
void AddSweep(CLI::App& app, Globals& globals);
void AddExtend(CLI::App& app, Globals& globals);
void AddCompletion(CLI::App& app, Globals& globals);
void AddRecipes(CLI::App& app, Globals& globals);
void AddFields(CLI::App& app, Globals& globals);
void AddTokenizer(CLI::App& app, Globals& globals);
void AddList(CLI::App& app, Globals& globals);
void AddShow(CLI::App& app, Globals& globals);
void AddLogs(CLI::App& app, Globals& globals);
void AddWatch(CLI::App& app, Globals& globals);
void AddWait(CLI::App& app, Globals& globals);
void AddCancel(CLI::App& app, Globals& globals);
void AddPause(CLI::App& app, Globals& globals);
void AddResume(CLI::App& app, Globals& globals);
void AddRetry(CLI::App& app, Globals& globals);
void AddQueue(CLI::App& app, Globals& globals);
void AddExplain(CLI::App& app, Globals& globals);
void AddWorkers(CLI::App& app, Globals& globals);
void AddHelp(CLI::App& app, Globals& globals);
void AddDataset(CLI::App& app, Globals& globals);
void AddPlot(CLI::App& app, Globals& globals);
void AddCompare(CLI::App& app, Globals& globals);
void AddReport(CLI::App& app, Globals& globals);
void AddGenerate(CLI::App& app, Globals& globals);
void AddChat(CLI::App& app, Globals& globals);
void AddDoctor(CLI::App& app, Globals& globals);
void AddBench(CLI::App& app, Globals& globals);
void AddWorker(CLI::App& app, Globals& globals);
void AddCoordinator(CLI::App& app, Globals& globals);

}  // namespace shoal::cli
