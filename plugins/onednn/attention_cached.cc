// ATTENTION_CACHED: new rows of one sequence against everything cached. A few new rows (generation)
// are dot products straight from the cache; many (a prompt) go through the blocked code of
// ATTENTION.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/attention_cached.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/attention-inl.h"
#include "plugins/onednn/device.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

// One query: scores[j] = scale q . k_j, softmax, out = sum of p_j v_j.
template <class T>
void Attend(const AttentionHead& a, int64_t r, float* scores) {
  const T* const query = static_cast<const T*>(a.query) + r * a.query_row;
  const T *const key = static_cast<const T*>(a.key), *const value = static_cast<const T*>(a.value);
  const int64_t begin = a.mask.First(a.first_query + r), end = a.mask.Last(a.first_query + r);
  int64_t j = begin;
  for (; j + 4 <= end; j += 4) FourDots(query, key + j * a.key_row, a.key_row, a.width, scores + j);
  for (; j < end; ++j) scores[j] = Dot(query, key + j * a.key_row, a.width);
  const V scale = Broadcast(a.scale);
  ForLanes(end - begin, [&](int64_t i, auto lanes) {
    Store(hn::Mul(Load(scores + begin + i, lanes), scale), scores + begin + i, lanes);
  });
  float largest, denominator;
  SoftmaxRow(scores, PadColumns(end), begin, end, &largest, &denominator);
  const V share = Broadcast(1.0f / denominator);
  T* const out = static_cast<T*>(a.out) + r * a.out_row;
  ForLanes(a.width, [&](int64_t c, auto lanes) {
    V sum = hn::Zero(kF);
    for (int64_t k = begin; k < end; ++k) {
      sum = hn::MulAdd(Broadcast(scores[k]), Load(value + k * a.key_row + c, lanes), sum);
    }
    Store(hn::Mul(sum, share), out + c, lanes);
  });
}

}  // namespace

// Query r of a head. `scores` has room for PadColumns(keys).
void AttendOne(const AttentionHead& a, int64_t r, float* scores) {
  if (a.bf16) {
    Attend<Bfloat16>(a, r, scores);
  } else {
    Attend<float>(a, r, scores);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(AttendOne);

class AttentionCached final : public Operation {
 public:
  explicit AttentionCached(const Site& site) : site_(site), heads_(site.op) {
    share_ = ForwardScratch(site.out[1].capacity(), heads_.width).total;
    site.device.workspace.Reserve(share_ * site.device.team.threads() *
                                  static_cast<int64_t>(sizeof(float)));
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const int64_t rows = site_.in[0].rows(scalars), keys = scalars.cache_length + rows;
    if (rows == 0) return plugins::kOk;
    Append(rows, scalars.cache_length);
    const Team& team = site_.device.team;
    float* const scratch = site_.device.workspace.Get<float>();
    const int64_t work = keys * heads_.width * 2;
    if (rows <= kFewQueries) {
      team.Split(rows * heads_.query, work, 1, [&](int64_t begin, int64_t end, int thread) {
        for (int64_t i = begin; i < end; ++i) {
          HWY_DYNAMIC_DISPATCH(AttendOne)
          (Describe(i % heads_.query, rows, keys), i / heads_.query, scratch + thread * share_);
        }
      });
    } else {
      team.Split(heads_.query, work * rows, 1, [&](int64_t begin, int64_t end, int thread) {
        for (int64_t h = begin; h < end; ++h)
          RunAttentionHead(Describe(h, rows, keys), scratch + thread * share_);
      });
    }
    return plugins::kOk;
  }

 private:
  static constexpr int64_t kFewQueries = 4;

  void Append(int64_t rows, int64_t at) const {
    const Tensor &qkv = site_.in[0], &k_cache = site_.out[1], &v_cache = site_.out[2];
    const int64_t size = plugins::ElementSize(qkv.slot.dtype), bytes = k_cache.row_bytes();
    for (int64_t n = 0; n < rows; ++n) {
      const std::byte* const row = qkv.As<std::byte>() + n * qkv.row_bytes();
      std::memcpy(k_cache.As<std::byte>() + (at + n) * bytes, row + heads_.key_offset(0) * size,
                  static_cast<size_t>(bytes));
      std::memcpy(v_cache.As<std::byte>() + (at + n) * bytes, row + heads_.value_offset(0) * size,
                  static_cast<size_t>(bytes));
    }
  }

  AttentionHead Describe(int64_t h, int64_t rows, int64_t keys) const {
    const auto& attr = site_.op.attr.attention;
    const Tensor &qkv = site_.in[0], &out = site_.out[0];
    const int64_t size = plugins::ElementSize(qkv.slot.dtype), g = h / heads_.group();
    AttentionHead a{};
    a.query = qkv.As<std::byte>() + h * heads_.width * size;
    a.key = site_.out[1].As<std::byte>() + g * heads_.width * size;
    a.value = site_.out[2].As<std::byte>() + g * heads_.width * size;
    a.query_row = heads_.row();
    a.key_row = heads_.shared * heads_.width;
    a.out = out.As<std::byte>() + h * heads_.width * size;
    a.out_row = heads_.query * heads_.width;
    a.bf16 = qkv.is_bf16();
    a.queries = rows;
    a.keys = keys;
    a.first_query = keys - rows;
    a.width = heads_.width;
    a.scale = attr.scale;
    a.mask = {attr.mask, attr.window, keys};
    return a;
  }

  const Site site_;
  const Heads heads_;
  int64_t share_;
};

}  // namespace

std::unique_ptr<Operation> MakeAttentionCached(const Site& site) {
  return std::make_unique<AttentionCached>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
