#include "core/data/tokenizer/bits_per_byte.h"

#include <limits>
#include <numbers>

#include "core/base/check.h"

namespace shoal::data {

void BitsPerByte::Add(std::span<const float> nats, std::span<const int32_t> targets) {
  SHOAL_CHECK(nats.size() == targets.size(), nats.size(), " losses, ", targets.size(), " targets");
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] < 0) continue;
    const auto target = static_cast<size_t>(targets[i]);
    SHOAL_CHECK(target < token_bytes_.size(), "target ", target, " of ", token_bytes_.size());
    if (token_bytes_[target] == 0) continue;
    nats_ += static_cast<double>(nats[i]);
    bytes_ += token_bytes_[target];
    ++tokens_;
  }
}

double BitsPerByte::value() const {
  if (bytes_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return nats_ / std::numbers::ln2 / static_cast<double>(bytes_);
}

}  // namespace shoal::data
