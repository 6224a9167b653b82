// Which of a set of keyed items are held out. Internal to core/data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace shoal::data {

// A 64-bit hash of bytes that is the same on every machine and in every version: the first half of
// the SHA-256. For comparing content, not for tables.
uint64_t ContentKey(std::string_view bytes);

// keys[i] names what item i must not be separated from: items with equal keys go to the same side.
// Groups are taken in an order that depends on (key, seed) alone, skipping those that no longer
// fit, until round(fraction * items) items are held out. Returns 1 for held out. [keys.size()]
// Requires 0 <= fraction < 1.
std::vector<uint8_t> ChooseHeldOut(std::span<const uint64_t> keys, double fraction, uint64_t seed);

}  // namespace shoal::data
