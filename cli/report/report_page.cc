#include "cli/report/report_page.h"

#include <algorithm>

#include "cli/report/html.h"
#include "cli/report/page_style.h"
#include "cli/report/report_sections.h"
#include "core/base/strings.h"

namespace shoal::report {
namespace {

std::string Counted(size_t count, std::string_view one, std::string_view many) {
  return StrCat(count, " ", count == 1 ? one : many);
}

// "9 runs in 3 settings; the last ended 2026-11-22 18:26:39 UTC"
std::string Lead(const ReportInput& input) {
  int64_t last = 0;
  size_t succeeded = 0;
  for (const v1::RunDetail& detail : input.details) {
    last = std::max(last, detail.run().finished_at().seconds());
    succeeded += detail.run().status() == v1::RUN_STATUS_SUCCEEDED ? 1 : 0;
  }
  std::string lead = StrCat(Counted(input.details.size(), "run", "runs"), " in ",
                            Counted(input.comparison.settings.size(), "setting", "settings"));
  if (succeeded < input.details.size()) StrAppend(lead, ", ", succeeded, " of them succeeded");
  if (last > 0) {
    StrAppend(lead, "; the last ended ",
              absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(last),
                               absl::UTCTimeZone()));
  }
  return lead;
}

}  // namespace

std::string ReportPage(const ReportInput& input) {
  std::string body = StrCat(Element("h1", Escaped(input.title)), "\n",
                            Element("p", "class=\"lead\"", Escaped(Lead(input))), "\n");
  for (const auto section : {ComparisonSection, CurvesSection, RunsSection, SpecSection,
                             DataSection, EnvironmentSection, AnswersSection, NotesSection}) {
    body += section(input);
  }
  std::string footer = "Made by shoal";
  if (!input.command.empty()) footer += StrCat(": ", Element("code", Escaped(input.command)));
  body += Element("footer", footer);
  // The policy forbids everything but the page's own style, whatever a run's text may hold.
  return StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n",
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n",
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\"/>\n",
      Element("title", Escaped(input.title)), "\n", Element("style", kPageStyle), "\n</head>\n",
      "<body>\n", body, "\n</body>\n</html>\n");
}

}  // namespace shoal::report
