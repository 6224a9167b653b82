// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011) and the dropout mask made of it.
//
// A counter-based generator has no state: word w of block e is a pure function of (key, e). Every
// backend can therefore draw the same mask in any order and on any number of threads, and the
// backward pass draws it again instead of storing it. The mask must agree bit for bit between
// backends; share this file.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "plugins/abi/shoal_backend.h"

namespace shoal::plugins {

using PhiloxBlock = std::array<uint32_t, 4>;

// Ten rounds over one counter: four independent uniform 32-bit words.
inline PhiloxBlock Philox4x32(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key0, static_cast<uint32_t>(product1),
        static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key1, static_cast<uint32_t>(product0)};
    key0 += 0x9E3779B9u;  // the golden ratio
    key1 += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return counter;
}

// The dropout of one operation in one run; see "Dropout, wherever it appears" in shoal_backend.h.
class Dropout {
 public:
  // `probability` in [0, 1) is the chance of an element to be dropped; 0, or scalars.training 0:
  // none is.
  Dropout(float probability, uint32_t stream, const shoal_scalars& scalars)
      : active_(probability > 0 && scalars.training != 0),
        threshold_(static_cast<uint32_t>(std::floor(double{probability} * 4294967296.0))),
        scale_(1.0f / (1.0f - probability)),
        key0_(static_cast<uint32_t>(scalars.seed)),
        key1_(static_cast<uint32_t>(scalars.seed >> 32)),
        stream_(stream),
        step_(static_cast<uint32_t>(scalars.step)) {}

  bool active() const { return active_; }
  float scale() const { return scale_; }
  uint32_t threshold() const { return threshold_; }

  // The four words that decide about elements 4 * block .. 4 * block + 3.
  PhiloxBlock Words(uint64_t block) const {
    return Philox4x32(
        {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), stream_, step_}, key0_,
        key1_);
  }

  // What element e is multiplied by: scale() or 0.
  float Factor(uint64_t e) const {
    if (!active_) return 1.0f;
    return Words(e / 4)[e % 4] >= threshold_ ? scale_ : 0.0f;
  }

  // factors[i] = Factor(first + i), drawing each block of four once.
  template <class Real>
  void Factors(uint64_t first, int64_t count, Real* factors) const {
    PhiloxBlock words{};
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t e = first + static_cast<uint64_t>(i);
      if (active_ && (i == 0 || e % 4 == 0)) words = Words(e / 4);
      factors[i] = !active_ ? Real{1} : words[e % 4] >= threshold_ ? Real{scale_} : Real{0};
    }
  }

 private:
  bool active_;
  uint32_t threshold_;
  float scale_;
  uint32_t key0_, key1_, stream_, step_;
};

// Attention's element index: probability of row n, head h for the key `key_offset` rows into the
// sequence.
inline uint64_t AttentionElement(int64_t n, int64_t heads, int64_t h, int64_t key_offset) {
  return (static_cast<uint64_t>(n * heads + h) << 16) + static_cast<uint64_t>(key_offset);
}

}  // namespace shoal::plugins
