// What the losses and SOFTMAX share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace shoal::reference {

inline constexpr int32_t kNotCounted = -1;  // a target

// Columns that take part: V, unless the attributes name fewer.
inline int64_t RealVocabulary(int64_t real_vocab, int64_t V) {
  return real_vocab > 0 ? real_vocab : V;
}

// softmax(scale * logits) of one row, which is not read again once the object is made from it but
// through the values that are asked for.
template <class Real>
class RowSoftmax {
 public:
  RowSoftmax(const Real* logits, int64_t count, double scale = 1) : scale_(scale) {
    largest_ = -INFINITY;
    for (int64_t v = 0; v < count; ++v) largest_ = std::max(largest_, scale * double{logits[v]});
    double denominator = 0;
    for (int64_t v = 0; v < count; ++v)
      denominator += std::exp(scale * double{logits[v]} - largest_);
    denominator_ = denominator;
  }
  double P(Real logit) const { return std::exp(scale_ * double{logit} - largest_) / denominator_; }
  double MinusLogP(Real logit) const {
    return largest_ + std::log(denominator_) - scale_ * double{logit};
  }

 private:
  double scale_, largest_, denominator_;
};

// What of the target's weight each column gets: 1 - smoothing for the target, and smoothing spread
// over all.
struct SmoothTarget {
  int32_t target;
  double smoothing;
  int64_t count;

  double Weight(int64_t v) const {
    return (v == target ? 1 - smoothing : 0) + smoothing / static_cast<double>(count);
  }
  // -sum over v of weight(v) log softmax(logits)[v]
  template <class Real>
  double Loss(const Real* logits, const RowSoftmax<Real>& softmax) const {
    double loss = (1 - smoothing) * softmax.MinusLogP(logits[target]);
    if (smoothing == 0) return loss;
    for (int64_t v = 0; v < count; ++v)
      loss += smoothing / static_cast<double>(count) * softmax.MinusLogP(logits[v]);
    return loss;
  }
};

}  // namespace shoal::reference
