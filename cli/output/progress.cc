#include "cli/output/progress.h"
#include "cli/analysis/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "cli/lab/follow.h"
#include "cli/output/format.h"
#include "core/base/strings.h"

namespace shoal::cli {
namespace {

constexpr int kBarWidth = 20;
constexpr int kLeastBar = 6;

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

// A bar of `columns` characters, filled to an eighth of a character.
std::string Bar(double done, int columns) {
  static constexpr std::array<const char*, 8> kEighths = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::clamp(done, 0.0, 1.0) * columns * 8);
  std::string out;
  int used = eighths / 8;
  for (int i = 0; i < used; ++i) out += "█";
  if (used < columns && eighths % 8 != 0) {
    out += kEighths[static_cast<size_t>(eighths % 8)];
    ++used;
  }
  return out + std::string(static_cast<size_t>(columns - used), ' ');
}

// " (step 400)" of a figure that is older than the run's step.
std::string AtStep(const v1::MetricSummary& summary, const v1::Run& run) {
  return summary.last_step() < run.step() ? StrCat(" (step ", summary.last_step(), ")") : "";
}

std::string Metrics(const v1::Run& run) {
  std::string out;
  if (const auto* loss = FindMetric(run, "train/loss")) out += "  loss " + Fixed(loss->last(), 3);
  if (const auto* held_out = FindMetric(run, "held_out/loss"))
    out += "  held-out " + Fixed(held_out->last(), 3) + AtStep(*held_out, run);
  if (const auto speed = analysis::TokensPerSecond(run))
    out += "  " + HumanCount(*speed) + " tok/s";
  return out;
}

// At its present speed; before that is known, at the mean one since it started.
std::string Eta(const v1::Run& run, absl::Time now) {
  if (!run.has_started_at() || run.step() <= 0 || run.total_steps() <= run.step()) return "";
  const auto left = static_cast<double>(run.total_steps() - run.step());
  const auto* tokens = FindMetric(run, "train/tokens");
  const auto* rate = FindMetric(run, "train/tokens_per_s");
  if (tokens != nullptr && rate != nullptr && tokens->last_step() > 0 && rate->last() > 0) {
    // Not from the clock: a run that was paused or began anew has spent time on other things.
    const double tokens_per_step = tokens->last() / static_cast<double>(tokens->last_step());
    return "  ETA " + HumanDuration(absl::Seconds(left * tokens_per_step / rate->last()));
  }
  const absl::Duration elapsed = now - FromProto(run.started_at());
  return "  ETA " + HumanDuration(elapsed * (left / static_cast<double>(run.step())));
}

}  // namespace

std::string ProgressDisplay::Line(const v1::Run& run, absl::Time now, int name_width,
                                  int bar_width) const {
  const std::string space(static_cast<size_t>(std::max(0, name_width - DisplayWidth(run.name()))),
                          ' ');
  std::string line = run.name() + space + "  ";
  const double done = run.total_steps() > 0
                          ? static_cast<double>(run.step()) / static_cast<double>(run.total_steps())
                          : 0;
  const std::string reason = Printable(run.status_reason(), false);
  const std::string steps = StrCat("step ", run.step(), "/", run.total_steps());
  switch (run.status()) {
    case v1::RUN_STATUS_QUEUED:
      return line + Styled(terminal_, Style::kDim,
                           run.status_reason().empty() ? "queued"
                                                       : StrCat("queued: ", run.status_reason()));
    case v1::RUN_STATUS_RUNNING: {
      std::array<char, 8> percent;
      std::snprintf(percent.data(), percent.size(), "%3.0f%%", std::floor(done * 100));
      if (terminal_.interactive)
        line += Styled(terminal_, Style::kCyan, Bar(done, bar_width)) + " ";
      return line + percent.data() + "  " + steps + Metrics(run) + Eta(run, now);
    }
    default: {
      line += Styled(terminal_, StatusStyle(run.status()), StatusName(run.status()));
      if (run.status() == v1::RUN_STATUS_SUCCEEDED) {
        line += "  " + steps + Metrics(run);
        // Its time was spent before this sweep.
        if (run.reused()) return line + "  reused";
        if (run.has_started_at() && run.has_finished_at()) {
          line +=
              "  in " + HumanDuration(FromProto(run.finished_at()) - FromProto(run.started_at()));
        }
        return line;
      }
      return line + "  " + steps + (reason.empty() ? "" : StrCat("  ", reason));
    }
  }
}

void ProgressDisplay::ShowLines(const std::vector<v1::Run>& runs, absl::Time now, int name_width) {
  for (const v1::Run& run : runs) {
    const int64_t tenth = run.total_steps() > 0 ? run.step() * 10 / run.total_steps() : 0;
    const std::string stands_for =
        StrCat(run.status(), " ", run.status() == v1::RUN_STATUS_RUNNING ? tenth : 0, " ",
               run.status() == v1::RUN_STATUS_RUNNING ? "" : run.status_reason());
    if (last_printed_[run.run_id()] == stands_for) continue;
    last_printed_[run.run_id()] = stands_for;
    std::printf("%s\n", Line(run, now, name_width, kBarWidth).c_str());
  }
  std::fflush(stdout);
}

void ProgressDisplay::Show(const std::vector<v1::Run>& runs, absl::Time now,
                           const std::string& notice) {
  int name_width = 0;
  for (const v1::Run& run : runs) name_width = std::max(name_width, DisplayWidth(run.name()));
  if (!terminal_.interactive) {
    ShowLines(runs, now, name_width);
    return;
  }
  std::string out;
  if (drawn_lines_ > 0) out += StrCat("\x1b[", drawn_lines_, "A");
  drawn_lines_ = 0;
  const auto add = [&](const std::string& line) {
    out += "\x1b[2K" + line + "\n";
    ++drawn_lines_;
  };
  // A line that wraps would break the redraw: bars shrink, then plain text is cut.
  for (const v1::Run& run : runs) {
    std::string line = Line(run, now, name_width, kBarWidth);
    const int over = DisplayWidth(line) + 1 - terminal_.columns;
    if (over > 0) line = Line(run, now, name_width, std::max(kBarWidth - over, kLeastBar));
    if (DisplayWidth(line) >= terminal_.columns) {
      Terminal plain = terminal_;
      plain.color = false;
      line = Ellipsize(ProgressDisplay(plain).Line(run, now, name_width, kLeastBar),
                       terminal_.columns - 1);
    }
    add(line);
  }
  if (!notice.empty())
    add(Styled(terminal_, Style::kYellow, Ellipsize(notice, terminal_.columns - 1)));
  out += "\x1b[J";
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

void ProgressDisplay::Finish() { drawn_lines_ = 0; }

}  // namespace shoal::cli
