// Generates text with a key/value cache, one sequence at a time.
//
//   SHOAL_ASSIGN_OR_RETURN(LoadedModel model, LoadModel(*device, path, Dtype::kF32));
//   SHOAL_ASSIGN_OR_RETURN(auto generator, Generator::Create(*device, model.spec, model.weights, tokenizer, clock));
//   SHOAL_ASSIGN_OR_RETURN(v1::GenerateDone done, generator->Generate(request, on_text));
#ifndef SHOAL_WORKER_ENGINE_GENERATE_GENERATOR_H_
#define SHOAL_WORKER_ENGINE_GENERATE_GENERATOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/data/tokenizer.h"
#include "shoal/v1/inference.pb.h"
#include "shoal/v1/model.pb.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/model/weights.h"

namespace shoal::engine {

// Receives text as it is generated, whole UTF-8 sequences only, and the tokens it came from. Text
// that may be the start of a stop string is held back until that is decided. Return false to stop:
// finish reason "cancelled".
using TextCallback = std::function<bool(const v1::GenerateText& text)>;

// A model for inference: what a WEIGHTS or RESUMABLE checkpoint holds, on a device.
struct LoadedModel {
  v1::ModelSpec spec;      // complete
  int64_t vocab_size = 0;  // rows of the token embedding
  int64_t step = 0;
  std::shared_ptr<Weights> weights;
};
// `act`: what matrix products compute with, from the run's numerics class. Errors: as opening the
// file; InvalidArgument when its tensors are not those of its own manifest's model.
absl::StatusOr<LoadedModel> LoadModel(Device& device, const std::string& path, Dtype act);

// Thread-compatible: one thread, the device's. The weights may change between calls (samples taken
// while training); the cache never outlives a call.
class Generator {
 public:
  // Errors: InvalidArgument (the tokenizer has more tokens than the model), ResourceExhausted,
  // Unimplemented. `clock` measures the time to the first token and must outlive the generator.
  // `spec` is complete; the weights may be a trainer's.
  static absl::StatusOr<std::unique_ptr<Generator>> Create(Device& device, const v1::ModelSpec& spec,
                                                           std::shared_ptr<const Weights> weights,
                                                           data::Tokenizer tokenizer,
                                                           const Clock& clock);
  virtual ~Generator() = default;

  // Answers a request; `on_text` may be empty. The end is "stop" (a special end token or a stop
  // string), "length" (max_tokens), "context" (max_seq positions are used up) or "cancelled". A
  // prompt longer than max_seq - 1 tokens loses its oldest tokens, and the answer says how many.
  // A text prompt is read with its markup; a conversation's content is always ordinary text. request_id
  // and checkpoint_step of the answer are the caller's to fill.
  // Errors: InvalidArgument (sampling parameters, unknown role, a prompt without any token).
  virtual absl::StatusOr<v1::GenerateDone> Generate(const v1::GenerateRequest& request,
                                                    const TextCallback& on_text) = 0;

  // Logits after every token of `tokens`, [tokens, vocab_size], computed without the cache: the
  // oracle of Generate, and a plain way to score a text.
  // Requires 1 <= tokens.size() <= max_seq and ids within the vocabulary, else InvalidArgument.
  virtual absl::StatusOr<std::vector<float>> Logits(std::span<const int32_t> tokens) = 0;
  // The same through the cache: `prefill` tokens at once, the others one by one.
  virtual absl::StatusOr<std::vector<float>> CachedLogits(std::span<const int32_t> tokens,
                                                          int64_t prefill) = 0;

  virtual int64_t memory_bytes() const = 0;  // device memory beside the weights
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_GENERATE_GENERATOR_H_
