// Generates text with a key/value cache, one sequence at a time.
//
//   SHOAL_ASSIGN_OR_RETURN(LoadedModel model, LoadModel(*device, path, Dtype::kF32));
//   SHOAL_ASSIGN_OR_RETURN(auto generator, Generator::Create(*device, model.spec, model.weights,
//   tokenizer, clock)); SHOAL_ASSIGN_OR_RETURN(v1::GenerateDone done, generator->Generate(request,
//   on_text));
#ifndef SHOAL_WORKER_ENGINE_GENERATE_GENERATOR_H_
#define SHOAL_WORKER_ENGINE_GENERATE_GENERATOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/data/tokenizer/tokenizer.h"
#include "shoal/v1/inference.pb.h"
#include "shoal/v1/model.pb.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/model/loaded_model.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/program/program.h"

namespace shoal::engine {

// Receives text as it is generated, whole UTF-8 sequences only, and the tokens it came from. Text
// that may be the start of a stop string is held back until that is decided. Return false to stop:
// finish reason "cancelled".
using TextCallback = std::function<bool(const v1::GenerateText& text)>;

// Thread-compatible: one thread, the device's. The weights may change between calls (samples taken
// while training); the cache never outlives a call. `device` and `clock` must outlive the
// generator.
class Generator {
 public:
  // `spec` is complete; the weights may be a trainer's. Errors: InvalidArgument (the tokenizer has
  // more tokens than the model), FailedPrecondition (a model whose head is no lm),
  // ResourceExhausted, Unimplemented.
  static absl::StatusOr<std::unique_ptr<Generator>> Create(Device& device,
                                                           const v1::ModelSpec& spec,
                                                           std::shared_ptr<const Weights> weights,
                                                           data::Tokenizer tokenizer,
                                                           const Clock& clock);

  // Answers a request; `on_text` may be empty. The end is "stop" (a special token, or a stop
  // string), "length" (max_tokens), "context" (all max_seq positions are used) or "cancelled". A
  // prompt that leaves too little room for the answer (max_tokens, or a quarter of max_seq if that
  // is less) loses its oldest tokens, and the result says how many. A text prompt is read with its
  // markup; a conversation's content is always ordinary text. request_id and checkpoint_step of the
  // result are the caller's to fill. Errors: InvalidArgument (sampling parameters, unknown role, a
  // prompt without any token).
  absl::StatusOr<v1::GenerateDone> Generate(const v1::GenerateRequest& request,
                                            const TextCallback& on_text);

  // Logits after every token of `tokens`, [tokens, vocab_size], computed without the cache: the
  // oracle of Generate, and a plain way to score a text.
  // Requires 1 <= tokens.size() <= max_seq and ids within the vocabulary, else InvalidArgument.
  absl::StatusOr<std::vector<float>> Logits(std::span<const int32_t> tokens);
  // The same through the cache: the first `prefill` tokens at once, the others one by one. Row 0 is
  // what follows the prefill: [tokens - prefill + 1, vocab_size].
  absl::StatusOr<std::vector<float>> CachedLogits(std::span<const int32_t> tokens, int64_t prefill);

  // For callers with a sampler of their own: appends tokens to what was fed since the last Forget,
  // and answers the logits after the last of them, [vocab_size], valid until the next call.
  // Errors: InvalidArgument (a token outside the vocabulary; more than max_seq of them).
  absl::StatusOr<std::span<const float>> Feed(std::span<const int32_t> tokens);
  void Forget() { cached_ = 0; }

  int64_t memory_bytes() const;  // device memory beside the weights

 private:
  struct Prompt {
    std::vector<int32_t> tokens;
    int64_t dropped_bytes = 0;
    int64_t dropped_tokens = 0;
  };

  Generator(Device& device, const v1::ModelSpec& spec, std::shared_ptr<const Weights> weights,
            data::Tokenizer tokenizer, const Clock& clock);
  Program RecordCached(std::string name, int64_t rows);
  absl::StatusOr<Plan> PlanFor(const Program& program, const Buffer& arena, const Buffer& io);
  absl::Status Prepare();
  absl::Status PrepareScoring();
  absl::Status CheckTokens(std::span<const int32_t> tokens) const;
  absl::StatusOr<Prompt> MakePrompt(const v1::GenerateRequest& request) const;
  // Runs new tokens through the cache; logits_ are then those after the last of them.
  absl::Status Advance(std::span<const int32_t> tokens);

  // Constant after construction.
  Device& device_;
  const Clock& clock_;
  Transformer model_;
  data::Tokenizer tokenizer_;
  std::shared_ptr<const Weights> weights_;  // shared with the trainer, or with whoever loaded them

  IoLayout io_layout_;
  Buffer arena_, io_, cache_;
  Plan prefill_, decode_;
  int64_t cached_ = 0;         // tokens in the cache
  std::vector<float> logits_;  // [V]
  std::vector<int32_t> positions_;

  // Made at the first call of Logits.
  IoLayout score_layout_;
  Buffer score_arena_, score_io_;
  std::optional<Plan> score_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_GENERATE_GENERATOR_H_
