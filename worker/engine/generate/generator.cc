#include "worker/engine/generate/generator.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/conversation.h"
#include "worker/engine/generate/sampler.h"
#include "worker/engine/generate/stop_strings.h"
#include "worker/engine/program/passes.h"
#include "worker/engine/program/planner.h"
#include "worker/engine/program/recorder.h"

namespace shoal::engine {
namespace {

constexpr int32_t kDefaultMaxTokens = 64;

// Turns tokens into the caller's stream: whole characters, stop strings cut off.
class Answer {
 public:
  Answer(const data::Tokenizer& tokenizer, const v1::SamplingParams& sampling,
         const TextCallback& on_text)
      : model_(tokenizer),
        stops_({sampling.stop().begin(), sampling.stop().end()}),
        on_text_(on_text) {}

  // False when generation must end: finish_reason says why.
  bool Push(int32_t token) {
    tokens_.push_back(token);
    const bool wanted = Emit(stops_.Push(model_.Push(token)));
    if (stops_.found()) finish_reason_ = "stop";
    if (!wanted) finish_reason_ = "cancelled";
    return finish_reason_.empty();
  }

  // Shows what was held back; not after a stop string or a cancellation.
  void Finish(std::string_view reason) {
    if (!finish_reason_.empty()) return;
    finish_reason_ = std::string(reason);
    std::string rest = stops_.Push(model_.Finish());
    if (!stops_.found()) rest += stops_.Finish();
    Emit(rest);
  }

  const std::string& finish_reason() const { return finish_reason_; }

 private:
  bool Emit(const std::string& text) {
    if (text.empty() || !on_text_) return true;
    v1::GenerateText piece;
    piece.set_text(text);
    piece.mutable_token_ids()->Assign(tokens_.begin(), tokens_.end());
    tokens_.clear();
    return on_text_(piece);
  }

  data::StreamDecoder model_;
  StopStrings stops_;
  const TextCallback& on_text_;
  std::vector<int32_t> tokens_;  // not reported yet
  std::string finish_reason_;
};

absl::StatusOr<data::Conversation> ReadConversation(const v1::Conversation& given) {
  data::Conversation conversation;
  for (const v1::ChatMessage& message : given.messages()) {
    const std::optional<data::Role> role = data::ParseRole(message.role());
    if (!role.has_value()) {
      return absl::InvalidArgumentError(StrCat("conversation.messages: role '", message.role(),
                                               "' is neither user nor assistant"));
    }
    conversation.messages.push_back({*role, message.content()});
  }
  return conversation;
}

}  // namespace

absl::StatusOr<v1::GenerateDone> Generator::Generate(const v1::GenerateRequest& request,
                                                     const TextCallback& on_text) {
  const absl::Duration start = clock_.Boottime();
  const v1::SamplingParams& sampling = request.sampling();
  SHOAL_RETURN_IF_ERROR(ValidateSampling(sampling));
  SHOAL_ASSIGN_OR_RETURN(Prompt prompt, MakePrompt(request));
  const int32_t max_tokens = sampling.max_tokens() > 0 ? sampling.max_tokens() : kDefaultMaxTokens;

  std::vector<int32_t>& context = prompt.tokens;
  const size_t prompt_tokens = context.size();
  Sampler sampler(sampling, tokenizer_.vocab_size());
  Answer answer(tokenizer_, sampling, on_text);
  absl::Duration first_token = start;
  int32_t generated = 0;
  cached_ = 0;
  SHOAL_RETURN_IF_ERROR(Advance(context));
  const std::span<const float> logits(logits_.data(), static_cast<size_t>(tokenizer_.vocab_size()));
  while (true) {
    const int32_t token = sampler.Sample(logits, context, static_cast<int64_t>(context.size()));
    if (generated++ == 0) first_token = clock_.Boottime();
    if (tokenizer_.IsSpecial(token)) {
      answer.Finish("stop");
      break;
    }
    context.push_back(token);
    if (!answer.Push(token)) break;
    if (generated == max_tokens) {
      answer.Finish("length");
      break;
    }
    if (cached_ == model_.positions()) {
      answer.Finish("context");
      break;
    }
    SHOAL_RETURN_IF_ERROR(Advance(std::span(context).last(1)));
  }
  const double decode_s = absl::ToDoubleSeconds(clock_.Boottime() - first_token);

  v1::GenerateDone done;
  done.set_finish_reason(answer.finish_reason());
  done.set_prompt_tokens(static_cast<int32_t>(prompt_tokens));
  done.set_generated_tokens(generated);
  done.set_dropped_bytes(static_cast<int32_t>(prompt.dropped_bytes));
  done.set_context_tokens_dropped(static_cast<int32_t>(prompt.dropped_tokens));
  done.set_time_to_first_token_ms(absl::ToDoubleMilliseconds(first_token - start));
  done.set_decode_tokens_per_s(decode_s > 0 ? (generated - 1) / decode_s : 0);
  return done;
}

absl::StatusOr<Generator::Prompt> Generator::MakePrompt(const v1::GenerateRequest& request) const {
  Prompt prompt;
  data::Encoder encoder(tokenizer_);
  if (request.has_conversation()) {
    SHOAL_ASSIGN_OR_RETURN(data::Conversation conversation,
                           ReadConversation(request.conversation()));
    std::vector<uint8_t> response;
    data::EncodeExample(data::RenderPrompt(std::move(conversation)), encoder, prompt.tokens,
                        response);
  } else {
    encoder.Append(request.text(), prompt.tokens);
  }
  prompt.dropped_bytes = encoder.stats().dropped_bytes;
  if (prompt.tokens.empty()) {
    return absl::InvalidArgumentError("the prompt has no token: there is nothing to continue");
  }
  const int64_t wanted =
      request.sampling().max_tokens() > 0 ? request.sampling().max_tokens() : kDefaultMaxTokens;
  const int64_t room = std::max<int64_t>(std::min(wanted, model_.positions() / 4), 1);
  const int64_t size = static_cast<int64_t>(prompt.tokens.size());
  prompt.dropped_tokens = std::max<int64_t>(size - (model_.positions() - room), 0);
  prompt.tokens.erase(prompt.tokens.begin(), prompt.tokens.begin() + prompt.dropped_tokens);
  return prompt;
}

absl::Status Generator::Advance(std::span<const int32_t> tokens) {
  const int64_t rows = static_cast<int64_t>(tokens.size());
  const int32_t last = static_cast<int32_t>(rows) - 1;
  std::iota(positions_.begin(), positions_.begin() + rows, static_cast<int32_t>(cached_));
  SHOAL_RETURN_IF_ERROR(io_.Write(io_layout_.OffsetOf("tokens"), tokens.data(), rows * 4));
  SHOAL_RETURN_IF_ERROR(io_.Write(io_layout_.OffsetOf("positions"), positions_.data(), rows * 4));
  SHOAL_RETURN_IF_ERROR(io_.Write(io_layout_.OffsetOf("rows"), &last, 4));
  shoal_scalars scalars{};
  scalars.rows = rows;
  scalars.sequences = 1;
  scalars.selected = 1;
  scalars.longest = rows;
  scalars.cache_length = cached_;
  SHOAL_RETURN_IF_ERROR((rows == 1 ? decode_ : prefill_).Run(scalars));
  cached_ += rows;
  return io_.Read(io_layout_.OffsetOf("logits"), logits_.data(),
                  static_cast<int64_t>(logits_.size()) * 4);
}

absl::StatusOr<std::span<const float>> Generator::Feed(std::span<const int32_t> tokens) {
  SHOAL_RETURN_IF_ERROR(CheckTokens(tokens));
  if (cached_ + static_cast<int64_t>(tokens.size()) > model_.positions()) {
    return absl::InvalidArgumentError(StrCat(tokens.size(), " tokens after ", cached_,
                                             "; the model has ", model_.positions(), " positions"));
  }
  SHOAL_RETURN_IF_ERROR(Advance(tokens));
  return std::span<const float>(logits_);
}

absl::StatusOr<std::vector<float>> Generator::CachedLogits(std::span<const int32_t> tokens,
                                                           int64_t prefill) {
  SHOAL_RETURN_IF_ERROR(CheckTokens(tokens));
  if (prefill < 1 || prefill > static_cast<int64_t>(tokens.size())) {
    return absl::InvalidArgumentError(StrCat("prefill of ", prefill, " of ", tokens.size()));
  }
  std::vector<float> all;
  cached_ = 0;
  for (size_t next = 0; next < tokens.size();) {
    const size_t rows = next == 0 ? static_cast<size_t>(prefill) : 1;
    SHOAL_RETURN_IF_ERROR(Advance(tokens.subspan(next, rows)));
    all.insert(all.end(), logits_.begin(), logits_.end());
    next += rows;
  }
  return all;
}

absl::StatusOr<std::vector<float>> Generator::Logits(std::span<const int32_t> tokens) {
  SHOAL_RETURN_IF_ERROR(CheckTokens(tokens));
  if (!score_.has_value()) SHOAL_RETURN_IF_ERROR(PrepareScoring());
  const int64_t rows = static_cast<int64_t>(tokens.size());
  const int32_t offsets[2] = {0, static_cast<int32_t>(rows)};
  std::iota(positions_.begin(), positions_.begin() + rows, 0);
  SHOAL_RETURN_IF_ERROR(score_io_.Write(score_layout_.OffsetOf("tokens"), tokens.data(), rows * 4));
  SHOAL_RETURN_IF_ERROR(
      score_io_.Write(score_layout_.OffsetOf("positions"), positions_.data(), rows * 4));
  SHOAL_RETURN_IF_ERROR(score_io_.Write(score_layout_.OffsetOf("offsets"), offsets, 8));
  shoal_scalars scalars{};
  scalars.rows = rows;
  scalars.sequences = 1;
  scalars.longest = rows;
  SHOAL_RETURN_IF_ERROR(score_->Run(scalars));
  std::vector<float> logits(tokens.size() * static_cast<size_t>(model_.vocab_size()));
  SHOAL_RETURN_IF_ERROR(score_io_.Read(score_layout_.OffsetOf("logits"), logits.data(),
                                       static_cast<int64_t>(logits.size()) * 4));
  return logits;
}

absl::Status Generator::CheckTokens(std::span<const int32_t> tokens) const {
  const int64_t size = static_cast<int64_t>(tokens.size());
  if (size < 1 || size > model_.positions()) {
    return absl::InvalidArgumentError(
        StrCat(size, " tokens; the model takes 1 to ", model_.positions()));
  }
  for (int32_t token : tokens) {
    if (token >= 0 && token < model_.vocab_size()) continue;
    return absl::InvalidArgumentError(
        StrCat("token ", token, " is outside the vocabulary of ", model_.vocab_size()));
  }
  return absl::OkStatus();
}

}  // namespace shoal::engine
