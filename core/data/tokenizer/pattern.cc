#include "core/data/tokenizer/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/oniguruma.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

constexpr size_t kJitStackBytes = size_t{4} << 20;
constexpr size_t kMaxRegexBytes = size_t{64} << 10;

}  // namespace

struct Pattern::Code {
  explicit Code(pcre2_code* compiled) : code(compiled) {
    jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;  // else the interpreter: slower, equal
  }
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  pcre2_code* code;
  bool jit = false;
};

struct PatternScratch::Buffers {
  Buffers()
      : match(pcre2_match_data_create(1, nullptr)),
        context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr)) {
    SHOAL_CHECK(match != nullptr && context != nullptr, "out of memory");
    if (stack != nullptr) pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~Buffers() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(match);
  }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  pcre2_match_data* match;
  pcre2_match_context* context;
  pcre2_jit_stack* stack;
};

PatternScratch::PatternScratch() : buffers_(std::make_unique<Buffers>()) {}
PatternScratch::~PatternScratch() = default;
PatternScratch::PatternScratch(PatternScratch&&) noexcept = default;

absl::StatusOr<Pattern> Pattern::Compile(const TextPattern& pattern) {
  Pattern result;
  if (pattern.text.empty()) return absl::InvalidArgumentError("the pattern is empty");
  if (CountInvalidUtf8(pattern.text) > 0) {
    return absl::InvalidArgumentError("the pattern is not UTF-8");
  }
  if (!pattern.regex) {
    result.literal_ = pattern.text;
    return result;
  }
  if (pattern.text.size() > kMaxRegexBytes) {
    return absl::InvalidArgumentError(StrCat("the regular expression has ", pattern.text.size(),
                                             " bytes, more than ", kMaxRegexBytes));
  }
  SHOAL_ASSIGN_OR_RETURN(const std::string translated, TranslateOniguruma(pattern.text));
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NO_AUTO_CAPTURE, &error,
                    &offset, context.get());
  if (code == nullptr) {
    char message[160] = "";
    pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(message), sizeof message);
    return absl::InvalidArgumentError(StrCat("the regular expression is malformed: ", message));
  }
  result.code_ = std::make_shared<const Code>(code);
  uint32_t matches_empty = 0;
  pcre2_pattern_info(code, PCRE2_INFO_MATCHEMPTY, &matches_empty);
  if (matches_empty != 0) {
    return absl::InvalidArgumentError("the regular expression matches the empty text");
  }
  return result;
}

Pattern::Match Pattern::Find(std::string_view text, size_t begin, PatternScratch& scratch) const {
  const Match none{text.size(), text.size(), false};
  if (code_ == nullptr) {
    const size_t at = text.find(literal_, begin);
    return at == std::string_view::npos ? none : Match{at, at + literal_.size(), true};
  }
  PatternScratch::Buffers& buffers = *scratch.buffers_;
  const auto match = [&](uint32_t options) {
    return pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), begin,
                       options, buffers.match, buffers.context);
  };
  int rc = match(0);
  if (rc == PCRE2_ERROR_JIT_STACKLIMIT) rc = match(PCRE2_NO_JIT);
  if (rc < 0) return none;
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(buffers.match);
  // A lookbehind with \K could give an empty or backward match; nothing we accept can.
  if (bounds[1] <= bounds[0]) return none;
  return {bounds[0], bounds[1], true};
}

}  // namespace shoal::data
