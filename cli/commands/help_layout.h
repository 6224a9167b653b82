// How --help is set: descriptions wrapped beside their names, values named once.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace shoal::cli {

class HelpLayout final : public CLI::Formatter {
 public:
  static constexpr size_t kWidth = 100;  // columns

  std::string make_description(const CLI::App* app) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_footer(const CLI::App* app) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  // "INT in [1 - 16]" and "{csv,jsonl}", where CLI11 says "INT:INT in [1 - 16]" and
  // "TEXT:{csv,jsonl}".
  std::string make_option_opts(const CLI::Option* option) const override;
};

// `text` with spaces turned into line ends until no line is longer than `width` bytes, but for a
// word that is longer itself. Lines that fit stay as they are.
std::string WrapText(const std::string& text, size_t width);

}  // namespace shoal::cli
