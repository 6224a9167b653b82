#include "core/base/random.h"

#include <cmath>
#include <numbers>

#include "core/base/check.h"

namespace shoal {

std::array<uint32_t, 4> Philox4x32(const std::array<uint32_t, 4>& counter,
                                   const std::array<uint32_t, 2>& key) {
  constexpr uint64_t kMultiplier0 = 0xD2511F53;
  constexpr uint64_t kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9;
  constexpr uint32_t kWeyl1 = 0xBB67AE85;
  std::array<uint32_t, 4> c = counter;
  uint32_t key0 = key[0];
  uint32_t key1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMultiplier0 * c[0];
    const uint64_t product1 = kMultiplier1 * c[2];
    c = {static_cast<uint32_t>(product1 >> 32) ^ c[1] ^ key0, static_cast<uint32_t>(product1),
         static_cast<uint32_t>(product0 >> 32) ^ c[3] ^ key1, static_cast<uint32_t>(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return c;
}

Random::Random(uint64_t seed, uint32_t purpose, uint64_t step)
    : counter_{0, purpose, static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)},
      key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {}

uint32_t Random::NextU32() {
  if (used_ == 4) {
    block_ = Philox4x32(counter_, key_);
    ++counter_[0];
    SHOAL_CHECK(counter_[0] != 0, "a random stream is exhausted");
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

uint64_t Random::NextU64() {
  const uint64_t low = NextU32();
  return low | static_cast<uint64_t>(NextU32()) << 32;
}

float Random::Uniform() { return static_cast<float>(NextU32() >> 8) * 0x1p-24f; }

double Random::UniformDouble() { return static_cast<double>(NextU64() >> 11) * 0x1p-53; }

float Random::Normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  // (0, 1]: the logarithm is finite.
  const double u = (static_cast<double>(NextU32()) + 1.0) * 0x1p-32;
  const double angle = 2.0 * std::numbers::pi * (static_cast<double>(NextU32()) * 0x1p-32);
  const double radius = std::sqrt(-2.0 * std::log(u));
  has_spare_ = true;
  spare_ = static_cast<float>(radius * std::sin(angle));
  return static_cast<float>(radius * std::cos(angle));
}

uint64_t Random::Below(uint64_t bound) {
  SHOAL_CHECK(bound > 0);
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(NextU64()) * bound;
  if (static_cast<uint64_t>(product) < bound) {
    const uint64_t threshold = (0 - bound) % bound;
    while (static_cast<uint64_t>(product) < threshold)
      product = static_cast<Wide>(NextU64()) * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

}  // namespace shoal
