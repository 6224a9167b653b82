#include "cli/commands/command.h"

#include <cstdio>

#include "cli/output/json.h"
#include "cli/output/message_json.h"
#include "core/base/status.h"
#include "core/spec/fields.h"

namespace shoal::cli {

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
      return kUsage;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kAborted:
      return kRefused;
    default:
      return kInfrastructure;
  }
}

namespace {

// The first "PATH=VALUE" that belongs to no option; "" without one.
std::string LostAssignment(const CLI::App& app) {
  for (const std::string& word : app.remaining(/*recurse=*/true)) {
    const size_t equals = word.find('=');
    if (equals != std::string::npos && equals > 0 && !word.starts_with('-')) return word;
  }
  return "";
}

// The command that was meant, as deep as it was named.
const CLI::App& Chosen(const CLI::App& app) {
  const CLI::App* chosen = &app;
  while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
  return *chosen;
}

}  // namespace

absl::Status UsageError(const CLI::App& app, const CLI::ParseError& error) {
  std::string path;  // "dataset import"
  for (std::vector<CLI::App*> chosen = app.get_subcommands(); !chosen.empty();
       chosen = chosen.front()->get_subcommands()) {
    StrAppend(path, path.empty() ? "" : " ", chosen.front()->get_name());
  }
  if (!path.empty()) {
    const bool sets = Chosen(app).get_option_no_throw("--set") != nullptr;
    if (const std::string word = LostAssignment(app); sets && !word.empty()) {
      return absl::InvalidArgumentError(
          StrCat("'", word, "' has no option before it; each field has a --set or --vary of its ",
                 "own: --set model.n_layers=2 --set ", word));
    }
    return absl::InvalidArgumentError(StrCat(error.what(), "; `shoal ", path, " --help` explains"));
  }
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(command->get_name());
  }
  for (const std::string& word : app.remaining()) {
    if (word.starts_with('-')) continue;
    const auto nearest = spec::Nearest(word, commands);
    return absl::InvalidArgumentError(StrCat("no command is called '", word, "'; ",
                                             nearest
                                                 ? StrCat("did you mean `shoal ", *nearest, "`?")
                                                 : std::string("`shoal --help` lists them")));
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return absl::InvalidArgumentError("no command is given; `shoal --help` lists them");
  }
  return absl::InvalidArgumentError(StrCat(error.what(), "; `shoal --help` explains"));
}

void PrintError(const Globals& globals, const absl::Status& status) {
  const std::string message(status.message());
  std::fprintf(stderr, "shoal: %s\n", Printable(message, true).c_str());
  if (!globals.json) return;
  std::printf("{\"schema\":1,\"error\":{\"code\":%s,\"message\":%s}}\n",
              JsonReply::Quote(absl::StatusCodeToString(status.code())).c_str(),
              JsonReply::Quote(message).c_str());
}

CLI::App* AddCommand(CLI::App& app, Globals& globals, const CommandHelp& help,
                     std::function<absl::Status()> action) {
  CLI::App* command = app.add_subcommand(help.name, help.summary);
  std::string footer = "Examples:";
  for (const std::string& example : help.examples) StrAppend(footer, "\n  ", example);
  if (!help.notes.empty()) StrAppend(footer, "\n\n", help.notes);
  command->footer(footer);
  if (action == nullptr) {
    command->require_subcommand(1);
    return command;
  }
  command->add_flag("--json", globals.json, "Print one JSON value instead of text");
  command->callback([&globals, command, action = std::move(action)] {
    if (command->get_subcommands().empty()) globals.action = action;
  });
  return command;
}

int RunAction(Globals& globals) {
  globals.lab.quiet = globals.quiet || globals.json;
  const absl::Status status = globals.action();
  if (status.ok()) return globals.exit_code;
  PrintError(globals, status);
  return ExitCodeOf(status);
}

std::string JsonReply::ToJson(const google::protobuf::Message& message) {
  return MessageJson(message);
}

std::string JsonReply::Quote(const std::string& text) { return JsonText(text); }

JsonReply& JsonReply::Add(const std::string& key, const google::protobuf::Message& message) {
  return AddRaw(key, ToJson(message));
}
JsonReply& JsonReply::AddText(const std::string& key, const std::string& text) {
  return AddRaw(key, Quote(text));
}
JsonReply& JsonReply::AddNumber(const std::string& key, double value) {
  return AddRaw(key, JsonNumber(value));
}
JsonReply& JsonReply::AddRaw(const std::string& key, const std::string& json) {
  StrAppend(members_, ",", Quote(key), ":", json);
  return *this;
}
void JsonReply::Print() const { std::printf("{%s}\n", members_.c_str()); }

}  // namespace shoal::cli
