// Which forms of a model fit together. A setting without effect (a window wider than the context,
// rope.theta without rope) is no mistake: sweeps have such corners. One that contradicts another
// is.
#include "core/base/strings.h"
#include "core/spec/rules.h"

namespace shoal::spec {
namespace {

constexpr int kMaxHeadDim = 256;  // attention keeps one head's rows in cache

// n_heads, n_kv_heads, head_dim: what one head is.
void CheckHeads(const v1::ModelSpec& model, Rules& rules) {
  const int width = model.d_model(), heads = model.n_heads(), given = model.head_dim();
  if (rules.Clean({"model.n_heads", "model.n_kv_heads"}) && model.n_kv_heads() > 0 &&
      heads % model.n_kv_heads() != 0) {
    rules.Add("model.n_kv_heads",
              StrCat("must divide n_heads (", heads, "), is ", model.n_kv_heads()));
  }
  if (!rules.Clean({"model.d_model", "model.n_heads", "model.head_dim"})) return;
  if (given == 0 && width % heads != 0) {
    return rules.Add("model.n_heads", StrCat("must divide d_model (", width, "), is ", heads));
  }
  const int head_dim = given > 0 ? given : width / heads;
  if (head_dim > kMaxHeadDim) {
    return rules.Add("model.n_heads", StrCat("gives heads of width ", head_dim,
                                             " (d_model / n_heads); at most ", kMaxHeadDim));
  }
  if (rules.Clean({"model.position"}) && model.position() == "rope" && head_dim % 2 != 0) {
    rules.Add(
        given > 0 ? "model.head_dim" : "model.n_heads",
        StrCat("position rope turns the dimensions of a head in pairs, and ", head_dim, " is odd"));
  }
}

// kind and head: who sees what, and what is answered.
void CheckKind(const v1::ModelSpec& model, Rules& rules) {
  if (!rules.Clean({"model.kind"})) return;
  const bool encoder = model.kind() == "encoder";
  if (rules.Clean({"model.head"}) && model.head() == "lm" && encoder) {
    rules.Add("model.head",
              "lm needs kind decoder: an encoder sees the token it is to predict; give mlm or "
              "classifier");
  }
  if (rules.Clean({"model.head"}) && model.head() == "mlm" && !encoder) {
    rules.Add("model.head", "mlm needs kind encoder: a masked token is guessed from both sides");
  }
  if (rules.Clean({"model.segments"}) && model.segments() > 0 && !encoder) {
    rules.Add("model.segments", StrCat("must be 0 for kind decoder, is ", model.segments()));
  }
  if (rules.Clean({"model.sliding.window"}) && model.sliding().window() > 0 && encoder) {
    rules.Add("model.sliding.window",
              StrCat("is for kind decoder; an encoder sees the whole sequence, is ",
                     model.sliding().window()));
  }
  if (rules.Clean({"model.n_labels", "model.head"}) && model.n_labels() > 0 &&
      model.head() != "classifier") {
    rules.Add("model.n_labels",
              StrCat("is for head classifier; model.head is ", model.head(), ", so leave it out"));
  }
}

// What layers differ in, and where their norms are.
void CheckBlocks(const v1::ModelSpec& model, Rules& rules) {
  if (rules.Clean({"model.block", "model.norm_placement"}) && model.block() == "parallel" &&
      model.norm_placement() == "post") {
    rules.Add("model.block",
              "parallel needs norm_placement pre: attention and feed-forward read one norm");
  }
  if (rules.Clean({"model.sliding.window", "model.sliding.full_every"}) &&
      model.sliding().window() > 0 && model.sliding().full_every() == 1) {
    rules.Add("model.sliding.full_every",
              StrCat("1 leaves no layer to slide with window ", model.sliding().window(),
                     "; give 0 or at least 2, or window 0"));
  }
  if (rules.Clean({"model.rope.skip_every", "model.position"}) && model.position() == "rope" &&
      model.rope().skip_every() == 1) {
    rules.Add("model.rope.skip_every", "1 leaves no layer with rope; give position none");
  }
}

void CheckVocabulary(const v1::RunSpec& spec, Rules& rules) {
  const int vocab = spec.model().vocab_size();
  // A character-level vocabulary has the size that its text gives it.
  const bool trains_bpe = spec.tokenizer().path().empty() && spec.tokenizer().kind() != "char";
  if (rules.Clean({"model.vocab_size", "tokenizer.vocab_size"}) && trains_bpe && vocab != 0 &&
      vocab < spec.tokenizer().vocab_size()) {
    rules.Add("model.vocab_size", StrCat("must be 0 or at least tokenizer.vocab_size (",
                                         spec.tokenizer().vocab_size(), "), is ", vocab));
  }
}

}  // namespace

void CheckModelRules(const v1::RunSpec& spec, Rules& rules) {
  CheckHeads(spec.model(), rules);
  CheckKind(spec.model(), rules);
  CheckBlocks(spec.model(), rules);
  CheckVocabulary(spec, rules);
}

}  // namespace shoal::spec
