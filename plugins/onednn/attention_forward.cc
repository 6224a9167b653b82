// ATTENTION: packed sequences of varying length, one (sequence, head) at a time, a block of queries
// at a time against all the keys it may see. Scores never leave the cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/attention_forward.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include <cmath>

#include "plugins/onednn/attention-inl.h"
#include "plugins/onednn/device.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

// scores[j] *= factors[j] for visible keys.
void DropRow(float* scores, const float* factors, int64_t begin, int64_t end) {
  for (int64_t j = begin / kLanes * kLanes; j < end; j += kLanes) {
    const V factor = hn::IfThenElseZero(Visible(j, begin, end), Load(factors + j));
    Store(hn::Mul(Load(scores + j), factor), scores + j);
  }
}

template <class T>
void QueryBlock(const AttentionHead& a, const ForwardScratch& place, float* scratch, int64_t first,
                int64_t rows) {
  const int64_t padded = PadColumns(a.width), from = a.first_query + first;
  const int64_t seen = a.mask.Last(from + rows - 1), columns = PadColumns(a.keys),
                used = PadColumns(seen);
  float *const query = scratch + place.query, *const scores = scratch + place.scores,
               *const out = scratch + place.out;
  CopyRows(static_cast<const T*>(a.query) + first * a.query_row, a.query_row, rows, a.width,
           a.scale, query, padded);
  const auto visible = [&](int64_t top, int64_t bottom) {
    return Range{a.mask.First(from + top), a.mask.Last(from + bottom)};
  };
  Multiply<false>({query, padded, 1, scratch + place.transposed, columns, scores, columns}, rows,
                  used, visible, [&](int64_t, int64_t) {
                    return Range{0, a.width};
                  });

  int64_t starts[kQueryBlock];
  if (a.dropout.active) {
    DrawScores(a.dropout, a.mask, from, rows,
               a.first_element + static_cast<uint64_t>(first) * a.row_elements, a.row_elements,
               reinterpret_cast<uint32_t*>(scratch + place.counters), scratch + place.factors,
               starts);
  }
  float shares[kQueryBlock];
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t begin = a.mask.First(from + r), end = a.mask.Last(from + r);
    float largest, denominator;
    SoftmaxRow(scores + r * columns, used, begin, end, &largest, &denominator);
    if (a.dropout.active)
      DropRow(scores + r * columns, scratch + place.factors + starts[r], begin, end);
    shares[r] = 1.0f / denominator;
    if (a.lse != nullptr) a.lse[(first + r) * a.lse_row] = largest + std::log(denominator);
  }
  Multiply<false>(
      {scores, columns, 1, scratch + place.rows, padded, out, padded}, rows, padded,
      [&](int64_t, int64_t) {
        return Range{0, padded};
      },
      visible);
  for (int64_t r = 0; r < rows; ++r) {
    StoreRows(out + r * padded, padded, 1, a.width, shares[r],
              static_cast<T*>(a.out) + (first + r) * a.out_row, a.out_row);
  }
}

template <class T>
void Head(const AttentionHead& a, float* scratch) {
  const ForwardScratch place(a.keys, a.width);
  const int64_t padded = PadColumns(a.width);
  float* const rows = scratch + place.rows;
  CopyRows(static_cast<const T*>(a.key), a.key_row, a.keys, a.width, 1.0f, rows, padded);
  TransposeRows(rows, padded, a.keys, a.width, scratch + place.transposed, PadColumns(a.keys));
  CopyRows(static_cast<const T*>(a.value), a.key_row, a.keys, a.width, 1.0f, rows, padded);
  for (int64_t first = 0; first < a.queries; first += kQueryBlock) {
    QueryBlock<T>(a, place, scratch, first, HWY_MIN(kQueryBlock, a.queries - first));
  }
}

}  // namespace

void RunHead(const AttentionHead& a, float* scratch) {
  if (a.bf16) {
    Head<Bfloat16>(a, scratch);
  } else {
    Head<float>(a, scratch);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(RunHead);

class Attention final : public Operation {
 public:
  explicit Attention(const Site& site) : site_(site), heads_(site.op) {
    Reserve(std::min(site.in[0].capacity(), kPlannedLength));
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor& qkv = site_.in[0];
    const int32_t* const offsets = site_.in[1].As<int32_t>();
    const int64_t sequences = site_.in[1].rows(scalars) - 1;
    if (int32_t code = CheckOffsets(site_, offsets, sequences, qkv.rows(scalars), status))
      return code;
    Reserve(LongestSequence(offsets, sequences));
    const Team& team = site_.device.team;
    const auto& attr = site_.op.attr.attention;
    const DropoutKey dropout = MakeDropoutKey(attr.dropout, attr.stream, scalars);
    const auto work = [&](const Shares& shares, int thread) {
      float* const scratch = site_.device.workspace.Get<float>() + thread * share_;
      shares.Each(thread, [&](int64_t s, int64_t h) {
        RunAttentionHead(Describe(offsets[s], offsets[s + 1], h, dropout), scratch);
      });
    };
    const Shares shares(offsets, sequences, heads_.query, team.threads());
    if (shares.large()) {
      team.Each([&](int thread) { work(shares, thread); });
    } else {
      work(Shares(offsets, sequences, heads_.query, 1), 0);
    }
    return plugins::kOk;
  }

 private:
  // Scratch for sequences up to `length` rows, for every thread.
  void Reserve(int64_t length) {
    share_ = ForwardScratch(length, heads_.width).total;
    site_.device.workspace.Reserve(share_ * site_.device.team.threads() *
                                   static_cast<int64_t>(sizeof(float)));
  }

  AttentionHead Describe(int64_t begin, int64_t end, int64_t h, const DropoutKey& dropout) const {
    const auto& attr = site_.op.attr.attention;
    const Tensor &qkv = site_.in[0], &out = site_.out[0], &lse = site_.out[1];
    const int64_t size = plugins::ElementSize(qkv.slot.dtype), g = h / heads_.group(),
                  length = end - begin;
    const std::byte* const rows = qkv.As<std::byte>() + begin * qkv.row_bytes();
    AttentionHead a;
    a.query = rows + h * heads_.width * size;
    a.key = rows + heads_.key_offset(g) * size;
    a.value = rows + heads_.value_offset(g) * size;
    a.query_row = a.key_row = heads_.row();
    a.out = out.As<std::byte>() + begin * out.row_bytes() + h * heads_.width * size;
    a.out_row = heads_.query * heads_.width;
    a.lse = lse ? lse.As<float>() + begin * heads_.query + h : nullptr;
    a.lse_row = heads_.query;
    a.bf16 = qkv.is_bf16();
    a.queries = a.keys = length;
    a.first_query = 0;
    a.width = heads_.width;
    a.scale = attr.scale;
    a.mask = {attr.mask, attr.window, length};
    a.dropout = dropout;
    a.first_element = plugins::AttentionElement(begin, heads_.query, h, 0);
    a.row_elements = static_cast<uint64_t>(heads_.query) << 16;
    return a;
  }

  const Site site_;
  const Heads heads_;
  int64_t share_ = 0;
};

}  // namespace

void RunAttentionHead(const AttentionHead& head, float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunHead)(head, scratch);
}

std::unique_ptr<Operation> MakeAttention(const Site& site) {
  return std::make_unique<Attention>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
