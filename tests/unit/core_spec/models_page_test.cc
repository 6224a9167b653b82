// docs/models.md says what the presets are. To renew its table, copy what this test prints.
#include <cstdio>
#include <string>

#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/spec/model_counts.h"
#include "core/spec/model_presets.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

std::string WithCommas(int64_t number) {
  const std::string digits = StrCat(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string Row(const ModelPreset& preset) {
  const int64_t vocab = preset.model.vocab_size();
  const ModelShape s = ShapeOf(preset.model, vocab);
  const double flops = FlopsPerToken(preset.model, vocab, preset.seq).training;
  char mflops[64];
  std::snprintf(mflops, sizeof mflops, "%.1f at %d", flops / 1e6, preset.seq);
  const std::string name = preset.alias.empty() ? "" : StrCat(", `", preset.alias, "`");
  // Keys and values of a token, two bytes each.
  const std::string cached =
      s.causal ? WithCommas(s.layers * 2 * s.kv_heads * s.head_dim * 2) : "none";
  return StrCat("| `", preset.name, "`", name, " | ", s.layers, " / ", s.d_model, " / ", s.heads,
                " / ", s.kv_heads, " / ", s.head_dim, " | ", s.d_ff, " | ", WithCommas(s.vocab),
                " | ", WithCommas(s.positions), " | ",
                WithCommas(CountParameters(preset.model, vocab).total), " | ", mflops, " | ",
                cached, " |\n");
}

TEST(ModelsPage, HasTheSizesThatTheProgramCounts) {
  RealFileSystem files;
  ASSERT_OK_AND_ASSIGN(const std::string page, files.ReadFile(SourcePath("docs/models.md")));
  std::string table;
  for (const ModelPreset& preset : ModelPresets()) table += Row(preset);
  const size_t begin = page.find("<!-- sizes -->"), end = page.find("<!-- /sizes -->");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_LT(begin, end);
  const std::string shown = page.substr(begin, end - begin);
  const size_t rows = shown.find("|---|");
  ASSERT_NE(rows, std::string::npos);
  EXPECT_EQ(shown.substr(shown.find('\n', rows) + 1), table);
}

}  // namespace
}  // namespace shoal::spec
