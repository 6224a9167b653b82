// Philox4x32-10 on vectors: each lane is one counter, so a vector of L lanes draws 4 L words at
// once. Bit for bit the generator of plugins/support/philox.h. Included once per instruction
// set, hence the guard instead of #pragma once.
#if defined(SHOAL_PLUGINS_ONEDNN_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SHOAL_PLUGINS_ONEDNN_PHILOX_INL_H_
#undef SHOAL_PLUGINS_ONEDNN_PHILOX_INL_H_
#else
#define SHOAL_PLUGINS_ONEDNN_PHILOX_INL_H_
#endif

#include <cstdint>

#include "plugins/onednn/dropout.h"
#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

using U = hn::Vec<Words>;

// The 64-bit product of each lane with `factor`, as its upper and lower half.
HWY_INLINE void MultiplyWide(U a, U factor, U* high, U* low) {
  const hn::RepartitionToWide<Words> wide;
  const auto even = hn::MulEven(a, factor);
  const auto odd = hn::MulEven(hn::BitCast(kU, hn::ShiftRight<32>(hn::BitCast(wide, a))), factor);
  *high = hn::OddEven(hn::BitCast(kU, odd), hn::BitCast(kU, hn::ShiftRight<32>(even)));
  *low = hn::OddEven(hn::BitCast(kU, hn::ShiftLeft<32>(odd)), hn::BitCast(kU, even));
}

// factors[4 i + w] = scale where word w of counter lane i keeps its element, else 0. Writes 4
// kLanes floats.
HWY_INLINE void DrawFactors(const DropoutKey& key, U block_low, U block_high, float* factors) {
  U c0 = block_low, c1 = block_high, c2 = hn::Set(kU, key.stream), c3 = hn::Set(kU, key.step);
  uint32_t key0 = key.seed_low, key1 = key.seed_high;
  const U m0 = hn::Set(kU, 0xD2511F53u), m1 = hn::Set(kU, 0xCD9E8D57u);
  for (int round = 0; round < 10; ++round) {
    U high0, low0, high1, low1;
    MultiplyWide(c0, m0, &high0, &low0);
    MultiplyWide(c2, m1, &high1, &low1);
    c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(kU, key0));
    c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(kU, key1));
    c1 = low1;
    c3 = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  const U threshold = hn::Set(kU, key.threshold);
  const V scale = Broadcast(key.scale);
  const auto kept = [&](U word) {
    return hn::IfThenZeroElse(hn::RebindMask(kF, hn::Lt(word, threshold)), scale);
  };
  hn::StoreInterleaved4(kept(c0), kept(c1), kept(c2), kept(c3), kF, factors);
}

// What elements [first, first + count) of a tensor are multiplied by. `buffer` holds count + 4 + 4
// kLanes floats; the result points into it.
inline const float* DrawRow(const DropoutKey& key, uint64_t first, int64_t count, float* buffer) {
  const int64_t skipped = static_cast<int64_t>(first % 4);
  uint64_t block = first / 4;
  for (int64_t i = 0; i < count + skipped;
       i += 4 * kLanes, block += static_cast<uint64_t>(kLanes)) {
    const U low = hn::Add(hn::Set(kU, static_cast<uint32_t>(block)), hn::Iota(kU, 0));
    // The lanes after a wrap of the lower half carry into the upper.
    const U carry =
        hn::IfThenElseZero(hn::Lt(low, hn::Set(kU, static_cast<uint32_t>(block))), hn::Set(kU, 1));
    DrawFactors(key, low, hn::Add(hn::Set(kU, static_cast<uint32_t>(block >> 32)), carry),
                buffer + i);
  }
  return buffer + skipped;
}

// Rows are masked in pieces of this many elements, with a buffer of kMaskBuffer floats on the
// stack.
inline constexpr int64_t kMaskPiece = 512;
inline constexpr int64_t kMaskBuffer = kMaskPiece + 4 + 4 * kLanes;

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#endif  // SHOAL_PLUGINS_ONEDNN_PHILOX_INL_H_
