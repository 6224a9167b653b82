// ROPE. Angles are counted in turns, as fractions of 2^32: position times frequency, modulo a whole
// turn, is then exact integer arithmetic, whatever the position. A row's cosines and sines are
// computed once for all of its heads.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/rope.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include <cmath>
#include <numbers>
#include <vector>

#include "plugins/onednn/device.h"
#include "plugins/onednn/philox-inl.h"
#include "plugins/onednn/vector-inl.h"

#ifndef SHOAL_PLUGINS_ONEDNN_ROPE_ARGS_
#define SHOAL_PLUGINS_ONEDNN_ROPE_ARGS_
namespace shoal::onednn {
struct RopeArgs {
  Array from, to;
  const int32_t* positions;
  // Turns per position of pair i as a fraction of 2^64: its upper and lower half; room for whole
  // vectors.
  const uint32_t *turns_high, *turns_low;
  int64_t row, heads, width;  // elements of a row; heads that turn; elements of a head
  bool interleaved, inverse;
};
}  // namespace shoal::onednn
#endif

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kPairs = 256;  // of a head, at a time

// Cosine and sine of `angle` / 2^32 turns, to about 1 unit in the last place of 1. Cephes (S.
// Moshier) on an eighth of a turn to either side of a quarter.
HWY_INLINE void CosineSine(U angle, V* cosine, V* sine) {
  const U quarter = hn::ShiftRight<30>(hn::Add(angle, hn::Set(kU, 1u << 29)));
  const auto rest = hn::BitCast(kI, hn::Sub(angle, hn::ShiftLeft<30>(quarter)));
  const V x = hn::Mul(hn::ConvertTo(kF, rest), Broadcast(1.4629180792671596e-9f));  // 2 pi / 2^32
  const V z = hn::Mul(x, x);
  V s = hn::MulAdd(z, Broadcast(-1.9515295891e-4f), Broadcast(8.3321608736e-3f));
  s = hn::MulAdd(s, z, Broadcast(-1.6666654611e-1f));
  s = hn::MulAdd(hn::Mul(s, z), x, x);
  V c = hn::MulAdd(z, Broadcast(2.443315711809948e-5f), Broadcast(-1.388731625493765e-3f));
  c = hn::MulAdd(c, z, Broadcast(4.166664568298827e-2f));
  c = hn::MulAdd(hn::Mul(c, z), z, hn::NegMulAdd(z, Broadcast(0.5f), Broadcast(1.0f)));
  // An odd quarter exchanges the two; the signs follow from the quadrant.
  const U one = hn::Set(kU, 1);
  const auto odd = hn::RebindMask(kF, hn::Eq(hn::And(quarter, one), one));
  const U negative_sine = hn::ShiftLeft<31>(hn::ShiftRight<1>(quarter));
  const U negative_cosine = hn::ShiftLeft<31>(hn::ShiftRight<1>(hn::Add(quarter, one)));
  *sine = hn::Xor(hn::IfThenElse(odd, c, s), hn::BitCast(kF, negative_sine));
  *cosine = hn::Xor(hn::IfThenElse(odd, s, c), hn::BitCast(kF, negative_cosine));
}

// Pairs [first, first + count) of one position: cosines and sines in the order of `interleaved`:
// each twice, the first sine of two negated.
void Angles(const RopeArgs& a, int32_t position, int64_t first, int64_t count, float* cosines,
            float* sines) {
  const bool backwards = (position < 0) != a.inverse;
  const U distance = hn::Set(kU, static_cast<uint32_t>(std::abs(int64_t{position})));
  const V sign = hn::BitCast(kF, hn::Set(kU, backwards ? 0x80000000u : 0u));
  for (int64_t i = 0; i < count; i += kLanes) {
    U high, low, ignored, whole;
    MultiplyWide(hn::LoadU(kU, a.turns_low + first + i), distance, &high, &low);
    MultiplyWide(hn::LoadU(kU, a.turns_high + first + i), distance, &ignored, &whole);
    V cosine, sine;
    CosineSine(hn::Add(high, whole), &cosine, &sine);
    sine = hn::Xor(sine, sign);
    if (a.interleaved) {
      hn::StoreInterleaved2(cosine, cosine, kF, cosines + 2 * i);
      hn::StoreInterleaved2(hn::Neg(sine), sine, kF, sines + 2 * i);
    } else {
      Store(cosine, cosines + i);
      Store(sine, sines + i);
    }
  }
}

template <class T>
void Row(const RopeArgs& a, const T* from, int32_t position, T* to) {
  alignas(64) float cosines[2 * kPairs + 2 * kLanes], sines[2 * kPairs + 2 * kLanes];
  const int64_t half = a.width / 2;
  for (int64_t first = 0; first < half; first += kPairs) {
    const int64_t count = HWY_MIN(kPairs, half - first);
    Angles(a, position, first, count, cosines, sines);
    for (int64_t h = 0; h < a.heads; ++h) {
      if (a.interleaved) {
        const int64_t at = h * a.width + 2 * first;
        ForLanes(2 * count, [&](int64_t i, auto lanes) {
          const V v = Load(from + at + i, lanes);
          const V turned = hn::Mul(hn::Reverse2(kF, v), Load(sines + i));
          Store(hn::MulAdd(v, Load(cosines + i), turned), to + at + i, lanes);
        });
      } else {
        const int64_t at = h * a.width + first;
        ForLanes(count, [&](int64_t i, auto lanes) {
          const V c = Load(cosines + i), s = Load(sines + i);
          const V x = Load(from + at + i, lanes), y = Load(from + at + half + i, lanes);
          Store(hn::NegMulAdd(y, s, hn::Mul(x, c)), to + at + i, lanes);
          Store(hn::MulAdd(x, s, hn::Mul(y, c)), to + at + half + i, lanes);
        });
      }
    }
  }
  const int64_t turned = a.heads * a.width;
  if (from != to)
    std::memcpy(to + turned, from + turned, static_cast<size_t>(a.row - turned) * sizeof(T));
}

}  // namespace

void RopeRows(const RopeArgs& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    WithType(a.from, n * a.row, [&](auto* from) {
      Row(a, from, a.positions[n], static_cast<decltype(from)>(a.to.data) + n * a.row);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(RopeRows);

class Rope final : public Operation {
 public:
  explicit Rope(const Site& site) : site_(site) {
    constexpr size_t kWholeVectors = 64;
    const auto& attr = site.op.attr.rope;
    const int64_t half = attr.head_dim / 2;
    high_.resize(static_cast<size_t>(half) + kWholeVectors);
    low_.resize(high_.size());
    for (int64_t i = 0; i < half; ++i) {
      const double radians = std::pow(
          double{attr.theta}, -2.0 * static_cast<double>(i) / static_cast<double>(attr.head_dim));
      double whole;
      // A turn per position or more (theta < 1) counts like its fraction.
      const double turns = std::modf(radians / (2 * std::numbers::pi), &whole) * 4294967296.0;
      high_[static_cast<size_t>(i)] = static_cast<uint32_t>(turns);
      low_[static_cast<size_t>(i)] =
          static_cast<uint32_t>((turns - std::floor(turns)) * 4294967296.0);
    }
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const auto& attr = site_.op.attr.rope;
    const Tensor& qkv = site_.in[0];
    const RopeArgs args = {qkv.array(),
                           site_.out[0].array(),
                           site_.in[1].As<int32_t>(),
                           high_.data(),
                           low_.data(),
                           qkv.width(),
                           int64_t{attr.heads} + attr.kv_heads,
                           attr.head_dim,
                           attr.interleaved != 0,
                           attr.inverse != 0};
    site_.device.team.Split(qkv.rows(scalars), args.row * 2, 1,
                            [&](int64_t begin, int64_t end, int) {
                              HWY_DYNAMIC_DISPATCH(RopeRows)(args, begin, end);
                            });
    return plugins::kOk;
  }

 private:
  const Site site_;
  std::vector<uint32_t> high_, low_;
};

}  // namespace

std::unique_ptr<Operation> MakeRope(const Site& site) { return std::make_unique<Rope>(site); }

}  // namespace shoal::onednn
#endif  // HWY_ONCE
