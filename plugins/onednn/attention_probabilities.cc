// ATTENTION_PROBABILITIES: what a few sequences' softmax gives, for people to look at.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/attention_probabilities.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/attention-inl.h"
#include "plugins/onednn/device.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

// to[j] = softmax_j(scale q . k_j) for the keys that query i sees, 0 for the other `places`.
template <class T>
void Probabilities(const T* query, const T* key, int64_t key_row, int64_t width, float scale,
                   const Mask& mask, int64_t i, float* scores, float* to, int64_t places) {
  const int64_t begin = mask.First(i), end = mask.Last(i);
  for (int64_t j = begin; j < end; ++j) scores[j] = scale * Dot(query, key + j * key_row, width);
  float largest, denominator;
  SoftmaxRow(scores, PadColumns(end), begin, end, &largest, &denominator);
  const V share = Broadcast(1.0f / denominator);
  const int64_t known = HWY_MIN(end, places);
  ForLanes(known,
           [&](int64_t j, auto lanes) { Store(hn::Mul(Load(scores + j), share), to + j, lanes); });
  for (int64_t j = known; j < places; ++j) to[j] = 0;
}

}  // namespace

// Query i of the sequence whose row 0 is at `rows`. `scores` has room for PadColumns(keys).
void ProbabilityRow(Array rows, const Heads& heads, float scale, const Mask& mask, int64_t i,
                    float* scores, float* to, int64_t places) {
  WithType(rows, 0, [&](auto* first) {
    for (int64_t h = 0; h < heads.query; ++h) {
      Probabilities(first + i * heads.row() + h * heads.width,
                    first + heads.key_offset(h / heads.group()), heads.row(), heads.width, scale,
                    mask, i, scores, to + h * places, places);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(ProbabilityRow);

class AttentionProbabilities final : public Operation {
 public:
  explicit AttentionProbabilities(const Site& site) : site_(site), heads_(site.op) {
    Reserve(std::min(site.in[0].capacity(), kPlannedLength));
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &qkv = site_.in[0], &a = site_.out[0];
    const auto& attr = site_.op.attr.attention;
    const int32_t* const offsets = site_.in[1].As<int32_t>();
    const int64_t sequences = site_.in[1].rows(scalars) - 1;
    if (int32_t code = CheckOffsets(site_, offsets, sequences, qkv.rows(scalars), status))
      return code;
    Reserve(LongestSequence(offsets, sequences));
    for (int64_t s = 0; s < sequences; ++s) {
      const int64_t start = offsets[s], length = offsets[s + 1] - start;
      const Array rows = {qkv.As<std::byte>() + start * qkv.row_bytes(), qkv.is_bf16()};
      const Mask mask = {attr.mask, attr.window, length};
      site_.device.team.Split(
          length, length * heads_.query * heads_.width, 1,
          [&](int64_t begin, int64_t end, int thread) {
            float* const scores = site_.device.workspace.Get<float>() + thread * share_;
            for (int64_t i = begin; i < end; ++i) {
              HWY_DYNAMIC_DISPATCH(ProbabilityRow)
              (rows, heads_, attr.scale, mask, i, scores, a.As<float>() + (start + i) * a.width(),
               a.width() / heads_.query);
            }
          });
    }
    return plugins::kOk;
  }

 private:
  // One row of scores for every thread.
  void Reserve(int64_t length) {
    share_ = PadColumns(length);
    site_.device.workspace.Reserve(share_ * site_.device.team.threads() *
                                   static_cast<int64_t>(sizeof(float)));
  }

  const Site site_;
  const Heads heads_;
  int64_t share_ = 0;
};

}  // namespace

std::unique_ptr<Operation> MakeAttentionProbabilities(const Site& site) {
  return std::make_unique<AttentionProbabilities>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
