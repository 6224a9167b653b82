#include "worker/runner/serve_job.h"

#include <new>

#include "core/base/status.h"
#include "core/data/tokenizer/tokenizer.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/generate/generator.h"
#include "worker/engine/train/trainer.h"
#include "worker/runner/failure.h"
#include "worker/runner/shard_cache.h"
#include "worker/runner/train_setup.h"

namespace shoal::runner {
namespace {

constexpr absl::Duration kSignOfLife = absl::Seconds(1);  // an idle model still reports progress

void Answer(engine::Generator& generator, const v1::GenerateRequest& request, int64_t weights_step,
            Orders& orders, Reporter& reporter) {
  v1::GenerateEvent event;
  event.set_request_id(request.request_id());
  const auto on_text = [&](const v1::GenerateText& piece) {
    *event.mutable_text() = piece;
    reporter.Response(event);
    return !orders.IsRequestCancelled(request.request_id()) && !orders.cancelled() &&
           !orders.preempted();
  };
  const absl::StatusOr<v1::GenerateDone> done = generator.Generate(request, on_text);
  if (done.ok()) {
    *event.mutable_done() = *done;
  } else {
    event.mutable_done()->set_finish_reason(StrCat("error: ", done.status().message()));
  }
  event.mutable_done()->set_checkpoint_step(weights_step);
  reporter.Response(event);
  orders.ForgetRequest(request.request_id());
}

absl::Status Serve(const v1::AttemptOrder& order, Orders& orders, Reporter& reporter,
                   const Clock& clock) {
  const v1::LocalFile* tokenizer_file = FindFile(order, v1::BINDING_ROLE_TOKENIZER);
  if (tokenizer_file == nullptr) return absl::NotFoundError("the order names no tokenizer");
  SHOAL_ASSIGN_OR_RETURN(const data::Tokenizer tokenizer,
                         data::Tokenizer::Load(tokenizer_file->path()));
  SHOAL_ASSIGN_OR_RETURN(const v1::NumericsClass numerics, NumericsOf(order));
  engine::DeviceOptions options;
  options.backend = numerics.backend();
  options.threads = numerics.threads();
  options.options = order.spec().resources().backend_options();
  SHOAL_ASSIGN_OR_RETURN(const auto device, engine::Device::Open(options));
  SHOAL_ASSIGN_OR_RETURN(const engine::Dtype act, engine::ParseDtype(numerics.dtype()));
  SHOAL_ASSIGN_OR_RETURN(const engine::LoadedModel model,
                         engine::LoadModel(*device, order.weights(), act));
  SHOAL_ASSIGN_OR_RETURN(
      const auto generator,
      engine::Generator::Create(*device, model.spec, model.weights, tokenizer, clock));
  reporter.ModelReady(model.weights->layout().count(), generator->memory_bytes());
  reporter.Info(StrCat("serving weights of step ", model.step));
  while (!orders.cancelled() && !orders.preempted()) {
    reporter.Progress(model.step, model.step, "serving");
    if (const auto request = orders.NextRequest(kSignOfLife))
      Answer(*generator, *request, model.step, orders, reporter);
  }
  return absl::CancelledError("told to stop");
}

}  // namespace

v1::Finished RunServeJob(const v1::AttemptOrder& order, Orders& orders, Reporter& reporter,
                         const Clock& clock) {
  try {
    return FinishedWith(Serve(order, orders, reporter, clock), order.weights_step());
  } catch (const std::bad_alloc&) {
    return FinishedWith(absl::ResourceExhaustedError("out of memory"), 0);
  }
}

}  // namespace shoal::runner
