// How a generator comes to be: a model loaded, programs recorded, memory allocated, plans made.
#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "worker/engine/generate/generator.h"
#include "worker/engine/program/passes.h"
#include "worker/engine/program/planner.h"
#include "worker/engine/program/recorder.h"

namespace shoal::engine {

absl::StatusOr<std::unique_ptr<Generator>> Generator::Create(Device& device,
                                                             const v1::ModelSpec& spec,
                                                             std::shared_ptr<const Weights> weights,
                                                             data::Tokenizer tokenizer,
                                                             const Clock& clock) {
  if (spec.head() != "lm") {
    return absl::FailedPreconditionError(
        StrCat("a model with head ", spec.head(), " does not generate text"));
  }
  std::unique_ptr<Generator> generator(
      new Generator(device, spec, std::move(weights), std::move(tokenizer), clock));
  const int64_t rows = generator->model_.vocab_size();
  if (generator->tokenizer_.vocab_size() > rows) {
    return absl::InvalidArgumentError(StrCat("the tokenizer has ",
                                             generator->tokenizer_.vocab_size(),
                                             " tokens, the model only ", rows, " rows"));
  }
  SHOAL_RETURN_IF_ERROR(generator->Prepare());
  return generator;
}

Generator::Generator(Device& device, const v1::ModelSpec& spec,
                     std::shared_ptr<const Weights> weights, data::Tokenizer tokenizer,
                     const Clock& clock)
    : device_(device),
      clock_(clock),
      model_(spec, weights->layout().Find("tok_emb")->shape.dims[0]),
      tokenizer_(std::move(tokenizer)),
      weights_(std::move(weights)),
      logits_(static_cast<size_t>(model_.vocab_size())),
      positions_(static_cast<size_t>(model_.positions())) {}

// New rows through the cache, and the logits after the last of them.
Program Generator::RecordCached(std::string name, int64_t rows) {
  Recorder r(std::move(name), weights_->act(), {.rows = rows}, weights_->layout(), io_layout_);
  const Shape row = Shape::Column(Extent::kRows, rows);
  const Tensor tokens = r.Io("tokens", Dtype::kI32, row);
  const Tensor positions = r.Io("positions", Dtype::kI32, row);
  const Tensor selected = r.Io("rows", Dtype::kI32, Shape::Column(Extent::kSelected, 1));
  ModelInputs inputs = {.tokens = tokens, .positions = positions};
  if (model_.has_segments()) inputs.segments = r.Io("segments", Dtype::kI32, row);  // 0: the first
  for (int64_t i = 0; i < model_.layers(); ++i) {
    const int64_t length = model_.positions(), width = model_.kv_width();
    inputs.k_caches.push_back(r.Cache(StrCat("k_cache.", i), 2 * i, length, width));
    inputs.v_caches.push_back(r.Cache(StrCat("v_cache.", i), 2 * i + 1, length, width));
  }

  const Tensor hidden = model_.Hidden(r, inputs);
  const Tensor last = r.GatherRows(hidden, selected);
  r.Return(model_.Logits(r, last, r.stat()), "logits");

  Program program = r.Take();
  Fuse(program);
  DropUnreadOutputs(program);
  PlaceInArena(program);
  return program;
}

absl::Status Generator::Prepare() {
  const Program prefill = RecordCached("prefill", model_.positions());
  const Program decode = RecordCached("decode", 1);
  int64_t cache_bytes = 0;
  for (const Slot& slot : prefill.slots) {
    if (slot.region != Region::kCache) continue;
    cache_bytes = std::max(cache_bytes, slot.offset_bytes + slot.size_bytes());
  }
  SHOAL_ASSIGN_OR_RETURN(arena_,
                         device_.Allocate(std::max(prefill.arena_bytes, decode.arena_bytes)));
  SHOAL_ASSIGN_OR_RETURN(io_, device_.Allocate(io_layout_.size_bytes()));
  SHOAL_ASSIGN_OR_RETURN(cache_, device_.Allocate(cache_bytes), "key and value cache");
  SHOAL_ASSIGN_OR_RETURN(prefill_, PlanFor(prefill, arena_, io_));
  SHOAL_ASSIGN_OR_RETURN(decode_, PlanFor(decode, arena_, io_));
  return absl::OkStatus();
}

absl::Status Generator::PrepareScoring() {
  const int64_t rows = model_.positions();
  Recorder r("score", weights_->act(), {.rows = rows}, weights_->layout(), score_layout_);
  const Shape row = Shape::Column(Extent::kRows, rows);
  const Tensor tokens = r.Io("tokens", Dtype::kI32, row);
  const Tensor positions = r.Io("positions", Dtype::kI32, row);
  ModelInputs inputs = {.tokens = tokens, .positions = positions};
  if (model_.has_segments()) inputs.segments = r.Io("segments", Dtype::kI32, row);
  inputs.offsets = r.Io("offsets", Dtype::kI32, Shape::Column(Extent::kSequencesPlus1, 2));
  const Tensor hidden = model_.Hidden(r, inputs);
  r.Return(model_.Logits(r, hidden, r.stat()), "logits");
  Program program = r.Take();
  Fuse(program);
  DropUnreadOutputs(program);
  PlaceInArena(program);
  SHOAL_ASSIGN_OR_RETURN(score_arena_, device_.Allocate(program.arena_bytes));
  SHOAL_ASSIGN_OR_RETURN(score_io_, device_.Allocate(score_layout_.size_bytes()));
  SHOAL_ASSIGN_OR_RETURN(score_, PlanFor(program, score_arena_, score_io_));
  return absl::OkStatus();
}

absl::StatusOr<Plan> Generator::PlanFor(const Program& program, const Buffer& arena,
                                        const Buffer& io) {
  Buffers buffers{};
  buffers[static_cast<size_t>(Region::kArena)] = &arena;
  buffers[static_cast<size_t>(Region::kIo)] = &io;
  buffers[static_cast<size_t>(Region::kCache)] = &cache_;
  buffers[static_cast<size_t>(Region::kMaster)] = &weights_->master();
  buffers[static_cast<size_t>(Region::kCopy)] = &weights_->copy();
  return MakePlan(device_, program, buffers);
}

int64_t Generator::memory_bytes() const {
  return arena_.size_bytes() + io_.size_bytes() + cache_.size_bytes() + score_arena_.size_bytes() +
         score_io_.size_bytes();
}

}  // namespace shoal::engine
