#include "cli/report/report_page.h"

#include <limits>

#include "cli/report/html.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/xml.h"
#include "tests/unit/cli_analysis/made_runs.h"

namespace shoal::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Escaped, MakesTextHarmless) {
  EXPECT_EQ(Escaped("<script>alert(\"a\" & 'b')</script>"),
            "&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;");
  EXPECT_EQ(Escaped("tab\tline\n"), "tab\tline\n");
  EXPECT_EQ(Escaped(std::string_view("\x1b[31m\0\x7f", 7)), "\uFFFD[31m\uFFFD\uFFFD");
  EXPECT_EQ(Escaped("caf\xc3\xa9 \xff \xef\xbf\xbf"), "caf\xc3\xa9 \uFFFD \uFFFD");
}

TEST(HtmlTable, LeavesEmptyColumnsOut) {
  HtmlTable table({"a", "b", "c"});
  table.Add({TextOf("<x>"), TextOf(""), NumberOf("1")});
  EXPECT_EQ(
      table.Render(),
      "<div class=\"scroll\"><table>\n<thead><tr><th>a</th><th class=\"n\">c</th></tr></thead>\n"
      "<tbody>\n<tr><td>&lt;x&gt;</td><td class=\"n\">1</td></tr>\n</tbody></table></div>\n");
}

v1::SeriesPoints Falling(int64_t points, double from) {
  v1::SeriesPoints series;
  for (int64_t i = 0; i < points; ++i) {
    v1::MetricPoint& point = *series.add_points();
    point.set_step(i);
    point.set_value(from / (1 + static_cast<double>(i)));
  }
  return series;
}

ReportInput Input() {
  ReportInput input;
  input.title = "depth & \"width\"";
  for (const int layers : {1, 2}) {
    for (const uint64_t seed : {1, 2}) {
      v1::RunDetail detail = MadeRun(layers, seed, 1.0 / layers + 0.01 * static_cast<double>(seed));
      detail.mutable_run()->set_note("</td><script>alert('note')</script>");
      detail.mutable_run()->set_fingerprint(std::string(64, 'f'));
      v1::Sample& sample = *detail.add_samples();
      sample.set_step(100);
      sample.set_prompt("Who <b>are</b> you?");
      sample.set_text("\x1b[2J</dd><script>alert('text')</script>");
      v1::NumericsClass& numerics = *detail.mutable_numerics();
      numerics.set_backend("reference");
      numerics.set_dtype("f32");
      input.details.push_back(std::move(detail));
      input.curves.push_back({{"held_out/loss", Falling(20, 2)}, {"train/loss", Falling(500, 3)}});
    }
  }
  input.details[3].mutable_run()->set_status(v1::RUN_STATUS_FAILED);
  input.details[3].mutable_run()->set_status_reason("a <b> reason");
  input.curves[3]["train/loss"].mutable_points(400)->set_value(
      std::numeric_limits<double>::quiet_NaN());
  input.comparison = *analysis::Compare(input.details, {});
  return input;
}

TEST(ReportPage, IsWellFormedAndHarmless) {
  const std::string page = ReportPage(Input());
  XmlNode root;
  ASSERT_EQ(ParseXml(page, root), "");
  EXPECT_EQ(root.name, "html");
  EXPECT_TRUE(root.All("script").empty());
  EXPECT_TRUE(root.All("b").empty());
  EXPECT_TRUE(root.All("link").empty());
  EXPECT_TRUE(root.All("img").empty());
  // Nothing is fetched: the only addresses are names of XML.
  for (size_t at = page.find("http"); at != std::string::npos; at = page.find("http", at + 1)) {
    const std::string_view rest = std::string_view(page).substr(at);
    EXPECT_TRUE(rest.starts_with("http://www.w3.org/2000/svg") || rest.starts_with("http-equiv"))
        << rest.substr(0, 60);
  }
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(ReportPage, HoldsEveryRunAndSection) {
  const ReportInput input = Input();
  XmlNode root;
  ASSERT_EQ(ParseXml(ReportPage(input), root), "");
  std::string headings;
  for (const XmlNode* heading : root.All("h2")) headings += heading->text + "|";
  EXPECT_EQ(headings,
            "Comparison|Curves|Runs|Spec|Data|Identity and environment|Answers to the spec's "
            "prompts|Notes|");
  const std::string text = root.AllText();
  for (const v1::RunDetail& detail : input.details)
    EXPECT_THAT(text, HasSubstr(detail.run().name()));
  EXPECT_THAT(text, HasSubstr("depth & \"width\""));
  EXPECT_THAT(text, HasSubstr("not counted: tiny-L2-s2: FAILED at step 100 of 100: a <b> reason"));
  EXPECT_THAT(text, HasSubstr("backend=reference"));
  EXPECT_THAT(text, HasSubstr(std::string(64, 'f')));
  EXPECT_THAT(text, HasSubstr("</td><script>alert('note')</script>"));
  EXPECT_EQ(root.All("figure").size(), 2u);
  // What differs is marked.
  std::string marked;
  for (const XmlNode* row : root.All("tr")) {
    if (row->Attribute("class") == "differs") marked += row->AllText() + "|";
  }
  EXPECT_THAT(marked, HasSubstr("n_layers1 · 2|"));
  EXPECT_THAT(marked, HasSubstr("seed1 · 2|"));
}

TEST(ReportPage, IsTheSameForTheSameInput) { EXPECT_EQ(ReportPage(Input()), ReportPage(Input())); }

TEST(ReportPage, OneRunWithoutCurvesIsAPageToo) {
  ReportInput input;
  input.title = "alone";
  input.details = {MadeRun(1, 1, 1.5)};
  input.details[0].mutable_run()->clear_metrics();
  input.details[0].mutable_run()->set_status(v1::RUN_STATUS_QUEUED);
  input.curves.resize(1);
  ASSERT_OK_AND_ASSIGN(input.comparison, analysis::Compare(input.details, {}));
  XmlNode root;
  ASSERT_EQ(ParseXml(ReportPage(input), root), "");
  EXPECT_THAT(root.AllText(), HasSubstr("tiny-L1-s1"));
}

}  // namespace
}  // namespace shoal::report
