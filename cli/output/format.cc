#include "cli/output/format.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace shoal::cli {
namespace {

template <typename... Args>
std::string Print(const char* format, Args... args) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, args...);
  return text.data();
}

}  // namespace

std::string HumanCount(double value) {
  if (!std::isfinite(value)) return "-";
  constexpr std::array<const char*, 6> kUnits = {"", "k", "M", "G", "T", "P"};
  size_t unit = 0;
  while (std::abs(value) >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0 && value == std::floor(value)) return Print("%.0f", value);
  const int digits = std::abs(value) >= 99.95 ? 0 : std::abs(value) >= 9.995 ? 1 : 2;
  return Print("%.*f%s", digits, value, kUnits[unit]);
}

std::string HumanBytes(int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= (unit == 0 ? 1024 : 1023.95) && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return Print(unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
}

std::string HumanDuration(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  if (seconds < 9.95) return Print("%.1fs", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return Print("%lds", static_cast<long>(whole));
  if (whole < 3600) {
    return Print("%ldm %02lds", static_cast<long>(whole / 60), static_cast<long>(whole % 60));
  }
  if (whole < 86400) {
    return Print("%ldh %02ldm", static_cast<long>(whole / 3600),
                 static_cast<long>(whole / 60 % 60));
  }
  return Print("%ldd %02ldh", static_cast<long>(whole / 86400),
               static_cast<long>(whole / 3600 % 24));
}

std::string HumanAgo(absl::Time then, absl::Time now) {
  const absl::Duration age = now - then;
  if (age < absl::Minutes(1)) return "just now";
  if (age < absl::Hours(1)) return Print("%ldm ago", static_cast<long>(absl::ToInt64Minutes(age)));
  if (age < absl::Hours(48)) return Print("%ldh ago", static_cast<long>(absl::ToInt64Hours(age)));
  if (age < absl::Hours(240)) {
    return Print("%ldd ago", static_cast<long>(absl::ToInt64Hours(age) / 24));
  }
  return absl::FormatTime("%Y-%m-%d", then, absl::LocalTimeZone());
}

std::string Fixed(double value, int digits) {
  return std::isnan(value) ? "-" : Print("%.*f", digits, value);
}

std::string WithCommas(int64_t value) {
  std::string digits = std::to_string(value);
  const int sign = value < 0 ? 1 : 0;
  for (int at = static_cast<int>(digits.size()) - 3; at > sign; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

}  // namespace shoal::cli
