// bfloat16 as storage: the upper half of an IEEE binary32.
#pragma once

#include <bit>
#include <cstdint>

namespace shoal::plugins {

struct Bfloat16 {
  uint16_t bits;
};

inline float ToFloat(Bfloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

// Rounds to nearest, ties to even. Overflow gives infinity; a NaN stays a (quiet) NaN.
inline Bfloat16 ToBfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((bits >> 16) | 0x40u)};
  const uint32_t lowest_kept = (bits >> 16) & 1u;
  return {static_cast<uint16_t>((bits + 0x7fffu + lowest_kept) >> 16)};
}

}  // namespace shoal::plugins
