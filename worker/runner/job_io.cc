#include "worker/runner/job_io.h"

namespace shoal::runner {

void Reporter::Log(std::string_view level, std::string text) {
  v1::AgentFrame frame;
  frame.mutable_log()->set_wall_time_us(absl::ToUnixMicros(clock_.Now()));
  frame.mutable_log()->set_level(std::string(level));
  frame.mutable_log()->set_text(std::move(text));
  sink_.Send(frame);
}

void Reporter::Progress(int64_t step, int64_t total_steps, std::string_view phase) {
  const absl::Duration now = clock_.Boottime();
  if (phase == last_phase_ && now - last_progress_ < absl::Milliseconds(250)) return;
  last_phase_ = phase;
  last_progress_ = now;
  v1::AgentFrame frame;
  frame.mutable_progress()->set_step(step);
  frame.mutable_progress()->set_total_steps(total_steps);
  frame.mutable_progress()->set_phase(std::string(phase));
  sink_.Send(frame);
}

void Reporter::Sample(int64_t step, std::string prompt, std::string text) {
  v1::AgentFrame frame;
  frame.mutable_sample()->set_step(step);
  frame.mutable_sample()->set_prompt(std::move(prompt));
  frame.mutable_sample()->set_text(std::move(text));
  sink_.Send(frame);
}

void Reporter::CheckpointSaved(const v1::CheckpointSaved& saved) {
  v1::AgentFrame frame;
  *frame.mutable_checkpoint_saved() = saved;
  sink_.Send(frame);
}

void Reporter::Response(const v1::GenerateEvent& event) {
  v1::AgentFrame frame;
  *frame.mutable_response() = event;
  sink_.Send(frame);
}

void Reporter::ModelReady(int64_t parameters, int64_t memory_bytes) {
  v1::AgentFrame frame;
  frame.mutable_model_ready()->set_parameters(parameters);
  frame.mutable_model_ready()->set_memory_bytes(memory_bytes);
  sink_.Send(frame);
}

void Reporter::Finished(const v1::Finished& finished) {
  Flush();
  v1::AgentFrame frame;
  *frame.mutable_finished() = finished;
  sink_.Send(frame);
}

void Reporter::Point(std::string_view series, int64_t step, double value) {
  v1::SeriesPoints* found = nullptr;
  for (v1::SeriesPoints& one : *points_.mutable_series()) {
    if (one.series() == series) found = &one;
  }
  if (found == nullptr) {
    found = points_.add_series();
    found->set_series(std::string(series));
  }
  v1::MetricPoint* point = found->add_points();
  point->set_step(step);
  point->set_value(value);
  point->set_wall_time_us(absl::ToUnixMicros(clock_.Now()));
}

void Reporter::Flush() {
  if (points_.series().empty()) return;
  v1::AgentFrame frame;
  frame.mutable_metrics()->Swap(&points_);
  points_.Clear();
  sink_.Send(frame);
}

}  // namespace shoal::runner
