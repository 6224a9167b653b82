#include "tests/unit/cli/shell_words.h"

#include <optional>
#include <string_view>

namespace shoal::cli {
namespace {

constexpr std::string_view kEndsCommand = "|&;()<>";

// Words of a line, commands apart.
class Reader {
 public:
  explicit Reader(const std::string& line) : line_(line) {}

  std::vector<std::vector<std::string>> Commands() {
    for (; at_ < line_.size(); ++at_) {
      const char c = line_[at_];
      if (c == '#' && !word_) break;
      if (c == ' ') {
        EndWord();
      } else if (kEndsCommand.find(c) != std::string_view::npos) {
        EndCommand();
      } else if (c == '\'' || c == '"') {
        Quoted(c);
      } else {
        Append(c == '\\' && at_ + 1 < line_.size() ? line_[++at_] : c);
      }
    }
    EndCommand();
    return std::move(commands_);
  }

 private:
  void Append(char c) {
    if (!word_) word_.emplace();
    *word_ += c;
  }
  void Quoted(char quote) {
    if (!word_) word_.emplace();
    while (++at_ < line_.size() && line_[at_] != quote) *word_ += line_[at_];
  }
  void EndWord() {
    if (word_) command_.push_back(*std::move(word_));
    word_.reset();
  }
  void EndCommand() {
    EndWord();
    if (!command_.empty()) commands_.push_back(std::move(command_));
    command_.clear();
  }

  const std::string& line_;
  size_t at_ = 0;
  std::optional<std::string> word_;
  std::vector<std::string> command_;
  std::vector<std::vector<std::string>> commands_;
};

}  // namespace

std::vector<std::vector<std::string>> CallsOfShoal(const std::string& line) {
  std::vector<std::vector<std::string>> calls;
  for (std::vector<std::string>& words : Reader(line).Commands()) {
    size_t program = 0;
    while (program < words.size() && words[program].find('=') != std::string::npos) ++program;
    if (program == words.size() || words[program] != "shoal") continue;
    calls.emplace_back(words.begin() + static_cast<std::ptrdiff_t>(program) + 1, words.end());
  }
  return calls;
}

}  // namespace shoal::cli
