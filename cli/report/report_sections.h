// The sections of a report page, each as markup; empty where there is nothing to tell. Internal to
// cli/report.
#pragma once

#include <string>

#include "cli/report/report_page.h"

namespace shoal::report {

std::string ComparisonSection(const ReportInput& input);
std::string CurvesSection(const ReportInput& input);
std::string RunsSection(const ReportInput& input);
std::string SpecSection(const ReportInput& input);
std::string DataSection(const ReportInput& input);
std::string EnvironmentSection(const ReportInput& input);
std::string AnswersSection(const ReportInput& input);
std::string NotesSection(const ReportInput& input);

}  // namespace shoal::report
