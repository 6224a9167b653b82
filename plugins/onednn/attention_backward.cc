// ATTENTION_BACKWARD: one (sequence, key head) at a time, so that dk and dv of a group of query
// heads are summed in scratch, in order. With P = softmax(scale q k^T) recomputed from lse, F the
// dropout factors:
//   dv = (P F)^T dout      dP = F (dout v^T)      dS = P (dP - sum_j P dP)      dq = scale dS k dk
//   = dS^T (scale q)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/attention_backward.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/attention-inl.h"
#include "plugins/onednn/device.h"

#ifndef SHOAL_PLUGINS_ONEDNN_ATTENTION_BACKWARD_ARGS_
#define SHOAL_PLUGINS_ONEDNN_ATTENTION_BACKWARD_ARGS_
namespace shoal::onednn {

// One key head of one sequence with its group of query heads. Strides in elements; head h of the
// group lies `width` (in query, dquery, dout) or 1 (in lse) elements further.
struct AttentionGroup {
  const void *query, *key, *value, *dout;
  void *dquery, *dkey, *dvalue;
  const float* lse;
  int64_t row, dout_row, lse_row;
  bool bf16;
  int64_t length, width, heads;
  float scale;
  Mask mask;
  DropoutKey dropout;
  uint64_t first_element,
      row_elements;  // dropout index of the group's first head at query 0; heads are 2^16 apart
};

// Where one thread's scratch arrays lie, in floats from its beginning.
struct BackwardScratch {
  BackwardScratch(int64_t length, int64_t width) {
    const int64_t columns = PadColumns(length), padded = PadColumns(width);
    const auto take = [this](int64_t count) {
      return total += PadColumns(count), total - PadColumns(count);
    };
    key = take(length * padded);
    value = take(length * padded);
    key_transposed = take(width * columns);
    value_transposed = take(width * columns);
    dkey = take(length * padded);
    dvalue = take(length * padded);
    query = take(kQueryBlock * padded);
    dout = take(kQueryBlock * padded);
    dquery = take(kQueryBlock * padded);
    scores = take(kQueryBlock * columns);
    dscores = take(kQueryBlock * columns);
    factors = take(kQueryBlock * (columns + 8) + 256);
    counters = take(kQueryBlock * (columns + 8) / 2 + 256);
  }
  int64_t key, value, key_transposed, value_transposed, dkey, dvalue, query, dout, dquery, scores,
      dscores, factors, counters, total = 0;
};

}  // namespace shoal::onednn
#endif

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

// One query's scores and dP, in place, into P F and dS; both 0 where the key is not visible, up to
// `columns`.
void GradientRow(float* scores, float* dscores, const float* factors, float lse, int64_t columns,
                 int64_t begin, int64_t end) {
  const V denominator = Broadcast(lse);
  V total = hn::Zero(kF);
  for (int64_t j = 0; j < columns; j += kLanes) {
    const auto visible = Visible(j, begin, end);
    const V p = hn::IfThenElseZero(visible, Exp(hn::Sub(Load(scores + j), denominator)));
    V dp = hn::IfThenElseZero(visible, Load(dscores + j));
    if (factors != nullptr) dp = hn::Mul(dp, hn::IfThenElseZero(visible, Load(factors + j)));
    total = hn::MulAdd(p, dp, total);
    Store(p, scores + j);
    Store(dp, dscores + j);
  }
  const V mean = Broadcast(Total(total));
  for (int64_t j = 0; j < columns; j += kLanes) {
    const V p = Load(scores + j);
    Store(hn::Mul(p, hn::Sub(Load(dscores + j), mean)), dscores + j);
    if (factors != nullptr) {
      Store(hn::Mul(p, hn::IfThenElseZero(Visible(j, begin, end), Load(factors + j))), scores + j);
    }
  }
}

template <class T>
void QueryBlock(const AttentionGroup& a, const BackwardScratch& place, float* scratch, int64_t head,
                int64_t first, int64_t rows) {
  const int64_t padded = PadColumns(a.width), columns = PadColumns(a.length);
  const int64_t seen_from = a.mask.First(first), seen_to = a.mask.Last(first + rows - 1),
                used = PadColumns(seen_to);
  float *const query = scratch + place.query, *const dout = scratch + place.dout;
  float *const scores = scratch + place.scores, *const dscores = scratch + place.dscores;
  const int64_t at = first * a.row + head * a.width;
  CopyRows(static_cast<const T*>(a.query) + at, a.row, rows, a.width, a.scale, query, padded);
  CopyRows(static_cast<const T*>(a.dout) + first * a.dout_row + head * a.width, a.dout_row, rows,
           a.width, 1.0f, dout, padded);
  const auto visible = [&](int64_t top, int64_t bottom) {
    return Range{a.mask.First(first + top), a.mask.Last(first + bottom)};
  };
  const auto whole = [&](int64_t, int64_t) { return Range{0, padded}; };
  const auto width = [&](int64_t, int64_t) { return Range{0, a.width}; };
  Multiply<false>({query, padded, 1, scratch + place.key_transposed, columns, scores, columns},
                  rows, used, visible, width);
  Multiply<false>({dout, padded, 1, scratch + place.value_transposed, columns, dscores, columns},
                  rows, used, visible, width);
  int64_t starts[kQueryBlock];
  const uint64_t element = a.first_element + static_cast<uint64_t>(first) * a.row_elements +
                           (static_cast<uint64_t>(head) << 16);
  if (a.dropout.active) {
    DrawScores(a.dropout, a.mask, first, rows, element, a.row_elements,
               reinterpret_cast<uint32_t*>(scratch + place.counters), scratch + place.factors,
               starts);
  }
  for (int64_t r = 0; r < rows; ++r) {
    GradientRow(scores + r * columns, dscores + r * columns,
                a.dropout.active ? scratch + place.factors + starts[r] : nullptr,
                a.lse[(first + r) * a.lse_row + head], used, a.mask.First(first + r),
                a.mask.Last(first + r));
  }
  float* const dquery = scratch + place.dquery;
  Multiply<false>({dscores, columns, 1, scratch + place.key, padded, dquery, padded}, rows, padded,
                  whole, visible);
  StoreRows(dquery, padded, rows, a.width, a.scale, static_cast<T*>(a.dquery) + at, a.row);
  // dv and dk over the keys this block sees. A key is seen by no query before it, where the mask is
  // causal.
  const bool causal = a.mask.kind != SHOAL_MASK_FULL;
  const auto seeing = [&](int64_t top, int64_t) {
    const int64_t earliest = causal ? HWY_MAX(int64_t{0}, seen_from + top - first) : 0;
    return Range{HWY_MIN(earliest, rows), rows};
  };
  const int64_t skipped = seen_from * padded, keys = seen_to - seen_from;
  Multiply<true>(
      {scores + seen_from, 1, columns, dout, padded, scratch + place.dvalue + skipped, padded},
      keys, padded, whole, seeing);
  Multiply<true>(
      {dscores + seen_from, 1, columns, query, padded, scratch + place.dkey + skipped, padded},
      keys, padded, whole, seeing);
}

template <class T>
void Group(const AttentionGroup& a, float* scratch) {
  const BackwardScratch place(a.length, a.width);
  const int64_t padded = PadColumns(a.width), columns = PadColumns(a.length);
  float *const key = scratch + place.key, *const value = scratch + place.value;
  CopyRows(static_cast<const T*>(a.key), a.row, a.length, a.width, 1.0f, key, padded);
  CopyRows(static_cast<const T*>(a.value), a.row, a.length, a.width, 1.0f, value, padded);
  TransposeRows(key, padded, a.length, a.width, scratch + place.key_transposed, columns);
  TransposeRows(value, padded, a.length, a.width, scratch + place.value_transposed, columns);
  std::memset(scratch + place.dkey, 0, static_cast<size_t>(a.length * padded) * sizeof(float));
  std::memset(scratch + place.dvalue, 0, static_cast<size_t>(a.length * padded) * sizeof(float));
  for (int64_t head = 0; head < a.heads; ++head) {
    for (int64_t first = 0; first < a.length; first += kQueryBlock) {
      QueryBlock<T>(a, place, scratch, head, first, HWY_MIN(kQueryBlock, a.length - first));
    }
  }
  StoreRows(scratch + place.dkey, padded, a.length, a.width, 1.0f, static_cast<T*>(a.dkey), a.row);
  StoreRows(scratch + place.dvalue, padded, a.length, a.width, 1.0f, static_cast<T*>(a.dvalue),
            a.row);
}

}  // namespace

void RunGroup(const AttentionGroup& a, float* scratch) {
  if (a.bf16) {
    Group<Bfloat16>(a, scratch);
  } else {
    Group<float>(a, scratch);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(RunGroup);

class AttentionBackward final : public Operation {
 public:
  explicit AttentionBackward(const Site& site) : site_(site), heads_(site.op) {
    Reserve(std::min(site.in[1].capacity(), kPlannedLength));
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const int32_t* const offsets = site_.in[4].As<int32_t>();
    const int64_t sequences = site_.in[4].rows(scalars) - 1;
    if (int32_t code = CheckOffsets(site_, offsets, sequences, site_.in[1].rows(scalars), status))
      return code;
    Reserve(LongestSequence(offsets, sequences));
    const Team& team = site_.device.team;
    const auto& attr = site_.op.attr.attention;
    const DropoutKey dropout = MakeDropoutKey(attr.dropout, attr.stream, scalars);
    const auto work = [&](const Shares& shares, int thread) {
      float* const scratch = site_.device.workspace.Get<float>() + thread * share_;
      shares.Each(thread, [&](int64_t s, int64_t g) {
        HWY_DYNAMIC_DISPATCH(RunGroup)(Describe(offsets[s], offsets[s + 1], g, dropout), scratch);
      });
    };
    const Shares shares(offsets, sequences, heads_.shared, team.threads());
    if (shares.large()) {
      team.Each([&](int thread) { work(shares, thread); });
    } else {
      work(Shares(offsets, sequences, heads_.shared, 1), 0);
    }
    return plugins::kOk;
  }

 private:
  void Reserve(int64_t length) {
    share_ = BackwardScratch(length, heads_.width).total;
    site_.device.workspace.Reserve(share_ * site_.device.team.threads() *
                                   static_cast<int64_t>(sizeof(float)));
  }

  AttentionGroup Describe(int64_t begin, int64_t end, int64_t g, const DropoutKey& dropout) const {
    const auto& attr = site_.op.attr.attention;
    const Tensor &dout = site_.in[0], &qkv = site_.in[1], &dqkv = site_.out[0];
    const int64_t size = plugins::ElementSize(qkv.slot.dtype), first_head = g * heads_.group();
    const std::byte* const rows = qkv.As<std::byte>() + begin * qkv.row_bytes();
    std::byte* const drows = dqkv.As<std::byte>() + begin * dqkv.row_bytes();
    AttentionGroup a;
    a.query = rows + first_head * heads_.width * size;
    a.key = rows + heads_.key_offset(g) * size;
    a.value = rows + heads_.value_offset(g) * size;
    a.dout = dout.As<std::byte>() + begin * dout.row_bytes() + first_head * heads_.width * size;
    a.dquery = drows + first_head * heads_.width * size;
    a.dkey = drows + heads_.key_offset(g) * size;
    a.dvalue = drows + heads_.value_offset(g) * size;
    a.lse = site_.in[3].As<float>() + begin * heads_.query + first_head;
    a.row = heads_.row();
    a.dout_row = heads_.query * heads_.width;
    a.lse_row = heads_.query;
    a.bf16 = qkv.is_bf16();
    a.length = end - begin;
    a.width = heads_.width;
    a.heads = heads_.group();
    a.scale = attr.scale;
    a.mask = {attr.mask, attr.window, a.length};
    a.dropout = dropout;
    a.first_element = plugins::AttentionElement(begin, heads_.query, first_head, 0);
    a.row_elements = static_cast<uint64_t>(heads_.query) << 16;
    return a;
  }

  const Site site_;
  const Heads heads_;
  int64_t share_ = 0;
};

}  // namespace

std::unique_ptr<Operation> MakeAttentionBackward(const Site& site) {
  return std::make_unique<AttentionBackward>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
