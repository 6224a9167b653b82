// Random numbers that depend on nothing but (seed, purpose, step): no hidden state to save in a
// checkpoint, and the same numbers whatever was drawn elsewhere before. The generator is
// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC
// 2011), checked against their published vectors.
//
//   Random random(seed, PurposeOf(Purpose::kShuffle), epoch);
//   random.Shuffle(std::span(order));
//
// What this page draws is part of the meaning of a fingerprint: changing any sequence changes every
// golden.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace shoal {

// One block: ten rounds over a 128-bit counter under a 64-bit key. A pure function.
std::array<uint32_t, 4> Philox4x32(const std::array<uint32_t, 4>& counter,
                                   const std::array<uint32_t, 2>& key);

// What numbers are for; streams of different purposes never overlap. Values are frozen, add at the
// end.
enum class Purpose : uint32_t {
  kInit = 1,     // initial parameters; step = index of the tensor
  kShuffle = 2,  // packing plan and order of an epoch
  kDropout = 3,  // dropout masks
  kMask = 4,     // masked language modelling
  kSample = 5,   // drawing tokens while generating
  kSearch = 6,   // sweeps
  kData = 7,     // synthetic data, subsets and splits
  kTest = 255,   // tests and benchmarks
};

// A purpose within a purpose: dropout of operation `index` (24 bits).
constexpr uint32_t PurposeOf(Purpose purpose, uint32_t index = 0) {
  return static_cast<uint32_t>(purpose) | index << 8;
}

// The stream of (seed, purpose, step): up to 2^34 values of 32 bits. Counter words are {block,
// purpose, step's low half, step's high half}; the key is the seed, low half first. Cheap to make.
// Thread-compatible.
class Random {
 public:
  Random(uint64_t seed, uint32_t purpose, uint64_t step = 0);

  uint32_t NextU32();
  uint64_t NextU64();  // two NextU32, low half first

  // In [0, 1): 24 random bits.
  float Uniform();
  // In [0, 1): 53 random bits.
  double UniformDouble();

  // Mean 0, variance 1: Box-Muller over two 32-bit values; the second of each pair is kept for the
  // next call.
  float Normal();

  // In [0, bound), each with equal probability (Lemire 2019, with rejection). Requires bound > 0.
  uint64_t Below(uint64_t bound);

  // A permutation of `items`, each equally probable: Fisher-Yates from the end.
  template <typename T>
  void Shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;  // words of block_ already given out
  bool has_spare_ = false;
  float spare_ = 0;
};

}  // namespace shoal
