#include "worker/runner/train_job.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/spec/run_schedule.h"
#include "worker/runner/failure.h"
#include "worker/runner/train_setup.h"

namespace shoal::runner {
namespace {

class TrainJob {
 public:
  TrainJob(const v1::AttemptOrder& order, const Orders& orders, Reporter& reporter,
           const Clock& clock, TrainSetup setup)
      : order_(order),
        spec_(order.spec()),
        orders_(orders),
        reporter_(reporter),
        clock_(clock),
        setup_(std::move(setup)),
        trainer_(*setup_.trainer) {}

  // OK: all steps are done. preempted(): a checkpoint was saved instead.
  absl::Status Run();
  // Times a little of each of what Run does; answers `,"name":seconds` of each.
  absl::StatusOr<std::string> Measure();
  int64_t step() const { return trainer_.step(); }
  bool preempted() const { return preempted_; }

 private:
  int64_t steps() const { return spec_.train().steps(); }

  absl::Status Begin();
  absl::Status TrainOneStep();
  absl::Status Evaluate();
  absl::Status TakeSamples();
  absl::Status Save(v1::CheckpointKind kind);
  void LogInterval();

  const v1::AttemptOrder& order_;
  const v1::RunSpec& spec_;
  const Orders& orders_;
  Reporter& reporter_;
  const Clock& clock_;
  TrainSetup setup_;
  engine::Trainer& trainer_;
  RealFileSystem files_;

  // The steps since the last point of the curve.
  double interval_nats_ = 0;
  int64_t interval_tokens_ = 0;
  int64_t interval_rows_ = 0;
  absl::Duration interval_time_;
  engine::StepResult last_;

  int64_t last_checkpoint_ = 0;
  double held_out_loss_ = std::numeric_limits<double>::quiet_NaN();
  int64_t held_out_step_ = -1;
  bool preempted_ = false;
};

// The run's own newest checkpoint, else another run's that it goes on from, else step 0.
absl::Status TrainJob::Begin() {
  if (!order_.resume_from().empty()) {
    SHOAL_RETURN_IF_ERROR(trainer_.Restore(order_.resume_from()), "resuming");
    reporter_.Info(StrCat("resumed at step ", step()));
    return absl::OkStatus();
  }
  for (const v1::LocalFile& file : order_.files()) {
    if (file.role() != v1::BINDING_ROLE_INIT_FROM) continue;
    SHOAL_RETURN_IF_ERROR(trainer_.StartFrom(file.path()), "going on from another run");
    reporter_.Info(StrCat("goes on from ", file.file_name(), " at step ", step()));
  }
  return Evaluate();  // where the curve begins: about ln V at step 0
}

absl::Status TrainJob::Run() {
  SHOAL_RETURN_IF_ERROR(Begin());
  last_checkpoint_ = step();
  while (step() < steps()) {
    if (orders_.cancelled()) return absl::CancelledError("cancelled");
    if (orders_.preempted() && step() % spec_.train().log_every() == 0) {
      if (step() > last_checkpoint_) SHOAL_RETURN_IF_ERROR(Save(v1::CHECKPOINT_KIND_RESUMABLE));
      preempted_ = true;
      return absl::OkStatus();
    }
    SHOAL_RETURN_IF_ERROR(TrainOneStep());
    if (spec::LogsAt(spec_, step())) LogInterval();
    if (spec::EvaluatesAt(spec_, step())) SHOAL_RETURN_IF_ERROR(Evaluate());
    if (spec::SavesAt(spec_, step(), last_checkpoint_))
      SHOAL_RETURN_IF_ERROR(Save(v1::CHECKPOINT_KIND_RESUMABLE));
  }
  return Save(v1::CHECKPOINT_KIND_WEIGHTS);
}

absl::Status TrainJob::TrainOneStep() {
  const absl::Duration begin = clock_.Boottime();
  absl::StatusOr<engine::StepResult> result = trainer_.Step();
  if (!result.ok()) {
    if (engine::IsNotFinite(result.status())) {
      reporter_.Point("train/loss", step() + 1, std::numeric_limits<double>::quiet_NaN());
      reporter_.Flush();
    }
    return Annotate(result.status(), "step ", step() + 1);
  }
  last_ = *result;
  interval_time_ += clock_.Boottime() - begin;
  interval_nats_ += last_.loss * static_cast<double>(last_.loss_tokens);
  interval_tokens_ += last_.loss_tokens;
  interval_rows_ += last_.rows;
  reporter_.Progress(step(), steps(), "training");
  return absl::OkStatus();
}

void TrainJob::LogInterval() {
  const double seconds = absl::ToDoubleSeconds(interval_time_);
  const double tokens = static_cast<double>(interval_tokens_);
  if (interval_tokens_ > 0) {  // none may have been masked
    reporter_.Point("train/loss", step(), interval_nats_ / tokens);
  }
  reporter_.Point("train/lr", step(), last_.learning_rate);
  reporter_.Point("train/grad_norm", step(), last_.gradient_norm);
  reporter_.Point("train/tokens_per_s", step(),
                  seconds > 0 ? static_cast<double>(interval_rows_) / seconds : 0);
  reporter_.Point("train/tokens", step(), static_cast<double>(trainer_.totals().rows));
  reporter_.Point("train/flops", step(), trainer_.totals().flops);
  reporter_.Flush();
  interval_nats_ = 0;
  interval_tokens_ = interval_rows_ = 0;
  interval_time_ = absl::ZeroDuration();
}

absl::Status TrainJob::Evaluate() {
  reporter_.Progress(step(), steps(), "evaluating");
  const int64_t examples = spec::ExamplesAt(spec_, step(), setup_.text.held_out.examples());
  SHOAL_ASSIGN_OR_RETURN(const engine::EvaluateResult result, trainer_.Evaluate(examples),
                         "evaluating at step ", step());
  held_out_loss_ = result.loss;
  held_out_step_ = step();
  if (result.tokens > 0) reporter_.Point("held_out/loss", step(), result.loss);
  // Undefined where the tokenizer does not give the text back.
  if (!std::isnan(result.bits_per_byte)) {
    reporter_.Point("held_out/bits_per_byte", step(), result.bits_per_byte);
  }
  if (!std::isnan(result.accuracy)) {
    reporter_.Point("held_out/accuracy", step(), result.accuracy);
  }
  reporter_.Flush();
  return TakeSamples();
}

absl::Status TrainJob::TakeSamples() {
  if (setup_.generator == nullptr) return absl::OkStatus();
  const bool chat = setup_.text.train.response_tokens() > 0;
  for (const std::string& prompt : spec_.samples().prompts()) {
    reporter_.Progress(step(), steps(), "sampling");
    v1::GenerateRequest request;
    if (chat) {
      v1::ChatMessage* message = request.mutable_conversation()->add_messages();
      message->set_role("user");
      message->set_content(prompt);
    } else {
      request.set_text(prompt);
    }
    request.mutable_sampling()->set_max_tokens(spec_.samples().max_tokens());
    request.mutable_sampling()->set_temperature(spec_.samples().temperature());
    request.mutable_sampling()->set_top_k(spec_.samples().top_k());
    request.mutable_sampling()->set_seed(spec_.seed());
    std::string text;
    const absl::StatusOr<v1::GenerateDone> done =
        setup_.generator->Generate(request, [&](const v1::GenerateText& piece) {
          text += piece.text();
          return true;
        });
    if (!done.ok()) return Annotate(done.status(), "answering the prompt '", prompt, "'");
    reporter_.Sample(step(), prompt, text);
  }
  return absl::OkStatus();
}

absl::Status TrainJob::Save(v1::CheckpointKind kind) {
  reporter_.Progress(step(), steps(), "saving");
  const bool weights = kind == v1::CHECKPOINT_KIND_WEIGHTS;
  const std::string path = JoinPath(
      order_.work_dir(), StrCat(weights ? "weights-" : "checkpoint-", step(), ".safetensors"));
  SHOAL_ASSIGN_OR_RETURN(const checkpoint::WrittenFile written, trainer_.Save(files_, kind, path),
                         "saving a checkpoint");
  v1::CheckpointSaved saved;
  saved.set_kind(kind);
  saved.set_step(step());
  saved.set_path(path);
  saved.set_sha256(written.digest.Hex());
  saved.set_size_bytes(written.size_bytes);
  saved.set_held_out_loss(held_out_step_ == step() ? held_out_loss_
                                                   : std::numeric_limits<double>::quiet_NaN());
  reporter_.CheckpointSaved(saved);
  last_checkpoint_ = step();
  return absl::OkStatus();
}

absl::StatusOr<std::string> TrainJob::Measure() {
  const auto seconds_since = [this](absl::Duration begin) {
    return absl::ToDoubleSeconds(clock_.Boottime() - begin);
  };
  std::string costs;
  const auto add = [&](std::string_view name, double seconds) {
    StrAppend(costs, ",\"", name, "\":", seconds);
  };
  const auto time = [&](std::string_view name, const auto& action) -> absl::Status {
    const absl::Duration begin = clock_.Boottime();
    SHOAL_RETURN_IF_ERROR(action());
    add(name, seconds_since(begin));
    return absl::OkStatus();
  };
  for (int i = 0; i < 3; ++i) {
    SHOAL_RETURN_IF_ERROR(trainer_.Step());  // warm-up: the first ones make primitives
  }
  std::vector<double> steps;
  const absl::Duration begin = clock_.Boottime();
  while (steps.size() < 5 || clock_.Boottime() - begin < absl::Seconds(3)) {
    const absl::Duration step_begin = clock_.Boottime();
    SHOAL_RETURN_IF_ERROR(trainer_.Step());
    steps.push_back(seconds_since(step_begin));
  }
  // The median: a moment in which somebody else had the machine does not count.
  const auto median = steps.begin() + static_cast<ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), median, steps.end());
  add("step_seconds", *median);
  const int64_t evaluated = std::min<int64_t>(setup_.text.held_out.examples(), 200);
  const absl::Duration evaluate_begin = clock_.Boottime();
  SHOAL_RETURN_IF_ERROR(trainer_.Evaluate(evaluated));
  add("evaluate_seconds_per_example",
      seconds_since(evaluate_begin) / static_cast<double>(std::max<int64_t>(1, evaluated)));
  SHOAL_RETURN_IF_ERROR(time("sample_seconds", [&] { return TakeSamples(); }));
  SHOAL_RETURN_IF_ERROR(
      time("checkpoint_seconds", [&] { return Save(v1::CHECKPOINT_KIND_RESUMABLE); }));
  SHOAL_RETURN_IF_ERROR(time("weights_seconds", [&] { return Save(v1::CHECKPOINT_KIND_WEIGHTS); }));
  return costs;
}

absl::StatusOr<v1::Finished> TryTrainJob(const v1::AttemptOrder& order, const Orders& orders,
                                         Reporter& reporter, const Clock& clock) {
  SHOAL_ASSIGN_OR_RETURN(TrainSetup setup, SetUpTraining(order, reporter, clock));
  TrainJob job(order, orders, reporter, clock, std::move(setup));
  const absl::Status status = job.Run();
  v1::Finished finished = FinishedWith(status, job.step());
  if (job.preempted()) {
    finished.set_state(v1::ATTEMPT_STATE_PREEMPTED);
    finished.set_message(StrCat("preempted at step ", job.step(), "; a checkpoint is saved"));
  }
  return finished;
}

}  // namespace

v1::Finished RunTrainJob(const v1::AttemptOrder& order, const Orders& orders, Reporter& reporter,
                         const Clock& clock) {
  try {
    absl::StatusOr<v1::Finished> finished = TryTrainJob(order, orders, reporter, clock);
    return finished.ok() ? *finished : FinishedWith(finished.status(), 0);
  } catch (const std::bad_alloc&) {
    return FinishedWith(absl::ResourceExhaustedError("out of memory"), 0);
  }
}

absl::StatusOr<std::string> MeasureTrainJob(const v1::AttemptOrder& order, Reporter& reporter,
                                            const Clock& clock) {
  const absl::Duration begin = clock.Boottime();
  SHOAL_ASSIGN_OR_RETURN(TrainSetup setup, SetUpTraining(order, reporter, clock));
  const double setup_seconds = absl::ToDoubleSeconds(clock.Boottime() - begin);
  const Orders orders;
  TrainJob job(order, orders, reporter, clock, std::move(setup));
  SHOAL_ASSIGN_OR_RETURN(const std::string costs, job.Measure());
  return StrCat("{\"setup_seconds\":", setup_seconds, costs, "}");
}

}  // namespace shoal::runner
