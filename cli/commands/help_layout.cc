#include "cli/commands/help_layout.h"

#include "core/base/strings.h"

namespace shoal::cli {

namespace {

std::string WrapLine(std::string_view line, size_t width) {
  if (line.size() <= width) return std::string(line);
  std::string wrapped;
  size_t used = 0;  // of the last line
  for (const std::string_view word : StrSplit(line, ' ')) {
    if (used > 0 && used + 1 + word.size() > width) {
      wrapped += '\n';
      used = 0;
    } else if (used > 0) {
      wrapped += ' ';
      ++used;
    }
    wrapped += word;
    used += word.size();
  }
  return wrapped;
}

}  // namespace

std::string WrapText(const std::string& text, size_t width) {
  std::string wrapped;
  for (const std::string_view line : StrSplit(text, '\n'))
    StrAppend(wrapped, wrapped.empty() ? "" : "\n", WrapLine(line, width));
  return wrapped;
}

std::string HelpLayout::make_description(const CLI::App* app) const {
  return StrCat(WrapText(app->get_description(), kWidth), "\n");
}

std::string HelpLayout::make_subcommand(const CLI::App* command) const {
  std::ostringstream out;
  CLI::detail::format_help(out, command->get_name(),
                           WrapText(command->get_description(), kWidth - column_width_),
                           column_width_);
  return out.str();
}

std::string HelpLayout::make_footer(const CLI::App* app) const {
  return StrCat(WrapText(app->get_footer(), kWidth), "\n");
}

std::string HelpLayout::make_option_desc(const CLI::Option* option) const {
  return WrapText(option->get_description(), kWidth - column_width_);
}

std::string HelpLayout::make_option_opts(const CLI::Option* option) const {
  std::string opts = CLI::Formatter::make_option_opts(option);
  for (const std::string_view doubled : {"TEXT:{", "INT:INT", "UINT:UINT", "FLOAT:FLOAT"}) {
    const size_t at = opts.find(doubled);
    if (at != std::string::npos) opts.erase(at, doubled.find(':') + 1);
  }
  return opts;
}

}  // namespace shoal::cli
