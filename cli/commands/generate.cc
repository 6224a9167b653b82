// shoal generate, shoal chat: talking to a trained model.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "cli/commands/command.h"
#include "cli/lab/learned.h"
#include "cli/lab/resolve.h"
#include "core/base/status.h"
#include "core/data/utf8.h"

namespace shoal::cli {
namespace {

struct TalkOptions {
  std::vector<std::string> targets;
  std::vector<std::string> prompts;
  bool raw = false;
  int max_tokens = 64;
  double temperature = 0.7;
  int top_k = 50;
  double top_p = 0;
  double min_p = 0;
  double repetition_penalty = 0;
  std::vector<std::string> stop;
  uint64_t seed = 1;
  bool stats = false;
};

struct Answer {
  std::string text;
  v1::GenerateDone done;
};

v1::SamplingParams Sampling(const TalkOptions& options) {
  v1::SamplingParams sampling;
  sampling.set_max_tokens(options.max_tokens);
  sampling.set_temperature(options.temperature);
  sampling.set_top_k(options.top_k);
  sampling.set_top_p(options.top_p);
  sampling.set_min_p(options.min_p);
  sampling.set_repetition_penalty(options.repetition_penalty);
  for (const std::string& stop : options.stop) sampling.add_stop(stop);
  sampling.set_seed(options.seed);
  return sampling;
}

// Sends one request and streams the answer to stdout as it comes (unless `silent`).
absl::StatusOr<Answer> Ask(Lab& lab, const Globals& globals, const v1::GenerateRequest& request,
                           bool silent) {
  grpc::ClientContext context;
  const auto reader = lab.service().Generate(&context, request);
  Answer answer;
  v1::GenerateEvent event;
  std::string waiting;
  const auto clear_waiting = [&] {
    if (!waiting.empty() && globals.terminal.interactive) std::fprintf(stderr, "\r\x1b[2K");
    waiting.clear();
  };
  while (reader->Read(&event)) {
    if (event.has_waiting() && !silent && !globals.quiet && waiting != event.waiting().reason()) {
      clear_waiting();
      waiting = event.waiting().reason();
      std::fprintf(stderr, globals.terminal.interactive ? "%s …" : "%s\n",
                   Printable(waiting, false).c_str());
    } else if (event.has_text()) {
      clear_waiting();
      answer.text += event.text().text();
      if (!silent) {
        std::printf("%s", Printable(event.text().text(), true).c_str());
        std::fflush(stdout);
      }
    } else if (event.has_done()) {
      answer.done = event.done();
    }
  }
  clear_waiting();
  SHOAL_RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  if (!silent) {
    std::printf("\n");
    std::fflush(stdout);  // before what is told on stderr next
  }
  return answer;
}

void TellStats(const Globals& globals, const TalkOptions& options, const v1::GenerateDone& done) {
  if (done.dropped_bytes() > 0) {
    std::fprintf(
        stderr, "note: the tokenizer has no token for %d bytes of the prompt; they were left out\n",
        done.dropped_bytes());
  }
  if (done.context_tokens_dropped() > 0 && !globals.quiet) {
    std::fprintf(stderr, "note: the prompt did not fit; its oldest %d tokens were left out\n",
                 done.context_tokens_dropped());
  }
  if (!options.stats) return;
  std::fprintf(stderr,
               "%d prompt tokens, %d generated (%s), first token %.1f ms, %.0f tokens/s, weights "
               "of step %ld\n",
               done.prompt_tokens(), done.generated_tokens(), done.finish_reason().c_str(),
               done.time_to_first_token_ms(), done.decode_tokens_per_s(),
               static_cast<long>(done.checkpoint_step()));
}

v1::GenerateRequest RequestFor(const TalkOptions& options, const std::string& run_id,
                               const std::string& prompt) {
  v1::GenerateRequest request;
  request.set_run_id(run_id);
  request.set_request_id(NewRequestId());
  *request.mutable_sampling() = Sampling(options);
  if (options.raw) {
    request.set_text(prompt);
  } else {
    v1::ChatMessage* message = request.mutable_conversation()->add_messages();
    message->set_role("user");
    message->set_content(prompt);
  }
  return request;
}

absl::Status Generate(const Globals& globals, TalkOptions options) {
  if (options.prompts.empty()) {
    if (isatty(STDIN_FILENO) == 1)
      return absl::InvalidArgumentError("no prompt: give --prompt TEXT, or text on standard input");
    options.prompts.emplace_back(std::istreambuf_iterator<char>(std::cin),
                                 std::istreambuf_iterator<char>());
    if (data::CountInvalidUtf8(options.prompts.back()) > 0) {
      return absl::InvalidArgumentError("standard input is not UTF-8 text");
    }
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::Run> runs, ResolveRuns(lab, options.targets));
  std::string json = "[";
  for (const v1::Run& run : runs) {
    TalkOptions asked = options;
    SHOAL_ASSIGN_OR_RETURN(const bool chat, LearnedConversations(lab, run));
    asked.raw = options.raw || !chat;
    if (!globals.json && runs.size() > 1) {
      std::printf("%s\n",
                  Styled(globals.terminal, Style::kBold, Printable(run.name(), false)).c_str());
    }
    for (const std::string& prompt : options.prompts) {
      if (!globals.json && options.prompts.size() * runs.size() > 1) {
        std::printf("%s\n  ",
                    Styled(globals.terminal, Style::kDim, "> " + Printable(prompt, false)).c_str());
      }
      SHOAL_ASSIGN_OR_RETURN(
          const Answer answer,
          Ask(lab, globals, RequestFor(asked, run.run_id(), prompt), globals.json), run.name());
      if (!globals.json) TellStats(globals, options, answer.done);
      StrAppend(json, json.size() > 1 ? "," : "", "{\"run\":", JsonReply::Quote(run.name()),
                ",\"prompt\":", JsonReply::Quote(prompt),
                ",\"text\":", JsonReply::Quote(answer.text),
                ",\"done\":", JsonReply::ToJson(answer.done), "}");
    }
  }
  if (globals.json) JsonReply().AddRaw("answers", json + "]").Print();
  return absl::OkStatus();
}

// Reads a line; false at the end of input.
bool ReadLine(const Globals& globals, std::string& line) {
  if (isatty(STDIN_FILENO) == 1) {
    std::printf("%s", Styled(globals.terminal, Style::kCyan, "you> ").c_str());
    std::fflush(stdout);
  }
  return static_cast<bool>(std::getline(std::cin, line));
}

absl::Status Chat(const Globals& globals, TalkOptions options) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::Run> runs, ResolveRuns(lab, options.targets));
  if (runs.size() > 1)
    return absl::InvalidArgumentError(StrCat(options.targets.front(), " names ", runs.size(),
                                             " runs; chat is with one, such as ",
                                             runs.front().name()));
  const v1::Run& run = runs.front();
  SHOAL_ASSIGN_OR_RETURN(const bool chat, LearnedConversations(lab, run));
  if (!chat) {
    return absl::FailedPreconditionError(
        StrCat(run.name(), " learned plain text, not conversations: `shoal generate ", run.name(),
               " --prompt TEXT` continues a text"));
  }
  if (!globals.quiet && !globals.json) {
    std::printf("chatting with %s; /new forgets the conversation, Ctrl-D or /quit ends\n",
                run.name().c_str());
  }
  v1::Conversation conversation;
  std::string line;
  while (ReadLine(globals, line)) {
    if (line == "/quit" || line == "/exit") break;
    if (line == "/new") {
      conversation.clear_messages();
      continue;
    }
    if (line.empty()) continue;
    if (line.front() == '/') {
      std::fprintf(stderr, "%s is no command; there are /new and /quit\n",
                   Printable(line, false).c_str());
      continue;
    }
    if (data::CountInvalidUtf8(line) > 0) {
      std::fprintf(stderr, "note: that line is not UTF-8 text and was left out\n");
      continue;
    }
    v1::GenerateRequest request = RequestFor(options, run.run_id(), "");
    v1::ChatMessage* message = conversation.add_messages();
    message->set_role("user");
    message->set_content(line);
    *request.mutable_conversation() = conversation;
    if (!globals.json)
      std::printf("%s", Styled(globals.terminal, Style::kGreen, run.name() + "> ").c_str());
    SHOAL_ASSIGN_OR_RETURN(const Answer answer, Ask(lab, globals, request, globals.json));
    if (globals.json) {
      std::printf("{\"schema\":1,\"text\":%s,\"done\":%s}\n", JsonReply::Quote(answer.text).c_str(),
                  JsonReply::ToJson(answer.done).c_str());
      std::fflush(stdout);
    }
    TellStats(globals, options, answer.done);
    v1::ChatMessage* reply = conversation.add_messages();
    reply->set_role("assistant");
    reply->set_content(answer.text);
    ++options.seed;  // the same question twice may be answered differently
  }
  if (!globals.json && isatty(STDIN_FILENO) == 1) std::printf("\n");
  return absl::OkStatus();
}

void AddSamplingOptions(CLI::App& command, TalkOptions& options) {
  command.add_option("--max-tokens", options.max_tokens, "Longest answer")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command.add_option("--temperature", options.temperature, "0 is greedy")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  command.add_option("--top-k", options.top_k, "Keep the k likeliest tokens; 0 keeps all")
      ->check(CLI::Range(0, 10000000))
      ->capture_default_str();
  command
      .add_option("--top-p", options.top_p,
                  "Keep the likeliest tokens that together have this probability")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--min-p", options.min_p,
                  "Keep tokens at least this likely compared with the likeliest")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--repetition-penalty", options.repetition_penalty,
                  "Above 1: tokens that occurred become less likely")
      ->check(CLI::Range(0.0, 100.0));
  command.add_option("--stop", options.stop, "A text that ends the answer")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--seed", options.seed, "Same model, prompt, options and seed: same text")
      ->capture_default_str();
  command.add_flag("--stats", options.stats, "Tell tokens and speed");
}

}  // namespace

void AddGenerate(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<TalkOptions>();
  CLI::App* command =
      AddCommand(app, globals,
                 {"generate",
                  "Ask a trained model once, or several models the same",
                  {"shoal generate last --prompt \"What do you like?\" --temperature 0",
                   "echo \"What do you like?\" | shoal generate tiny-L1 tiny-L4 --seed 7"}},
                 [&globals, options] { return Generate(globals, *options); });
  command->add_option("run", options->targets, StrCat(kTargetsHelp, "; default: last"));
  command
      ->add_option("--prompt,-p", options->prompts,
                   "What to say; may be given several times; default: standard input")
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag(
      "--raw", options->raw,
      "Continue the text as it is, without chat markup (always so for models of plain text)");
  AddSamplingOptions(*command, *options);
}

void AddChat(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<TalkOptions>();
  CLI::App* command =
      AddCommand(app, globals,
                 {"chat",
                  "Chat with a trained model",
                  {"shoal chat last", "shoal chat tiny-L4 --temperature 0 --stats"}},
                 [&globals, options] { return Chat(globals, *options); });
  command->get_option("--json")->description("Print JSON lines, one object per answer");
  command->add_option("run", options->targets, StrCat(kTargetHelp, "; default: last"))
      ->expected(0, 1);
  AddSamplingOptions(*command, *options);
}

}  // namespace shoal::cli
