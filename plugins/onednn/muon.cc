// MUON: momentum, then the Newton-Schulz iteration as oneDNN products, then the step. X is held in
// f32; in a bf16 program, on a CPU that is faster in bf16, the products read bf16 copies and add in
// f32.
//
// A matrix that is taller than wide is not transposed: X (a + b A + c A A) with A = X^T X is the
// transpose of what the iteration does to X^T.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/muon.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include <algorithm>
#include <cmath>

#include "plugins/onednn/device.h"
#include "plugins/onednn/vector-inl.h"

#ifndef SHOAL_PLUGINS_ONEDNN_MUON_ARGS_
#define SHOAL_PLUGINS_ONEDNN_MUON_ARGS_
namespace shoal::onednn {
// A block of m = beta m + clip g, u = clip g + beta m.
struct MomentumArgs {
  const float* g;
  float *m, *u;
  float clip, beta;
};
struct StepArgs {
  const float* x;
  float* p;
  plugins::Bfloat16* copy;  // or null
  float rate, keep;         // p = keep p - rate x
};
}  // namespace shoal::onednn
#endif

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

// Elements [begin, end); returns the sum of u^2.
double MomentumRange(const MomentumArgs& a, int64_t begin, int64_t end) {
  const hn::ScalableTag<double> wide;
  auto low = hn::Zero(wide), high = hn::Zero(wide);
  const V clip = Broadcast(a.clip), beta = Broadcast(a.beta);
  ForLanes(end - begin, [&](int64_t offset, auto lanes) {
    const int64_t i = begin + offset;
    const V g = hn::Mul(Load(a.g + i, lanes), clip);
    const V m = hn::MulAdd(beta, Load(a.m + i, lanes), g);
    const V u = hn::MulAdd(beta, m, g);  // 0 in the lanes not in use
    Store(m, a.m + i, lanes);
    Store(u, a.u + i, lanes);
    const auto first = hn::PromoteTo(wide, hn::LowerHalf(u));
    const auto second = hn::PromoteTo(wide, hn::UpperHalf(hn::Half<Floats>(), u));
    low = hn::MulAdd(first, first, low);
    high = hn::MulAdd(second, second, high);
  });
  return hn::GetLane(hn::SumOfLanes(wide, hn::Add(low, high)));
}

// to = factor from; copy = from rounded, unless null. to may be from.
void ScaleAndCopyRange(float factor, const float* from, float* to, Bfloat16* copy, int64_t begin,
                       int64_t end) {
  const V scale = Broadcast(factor);
  ForLanes(end - begin, [&](int64_t offset, auto lanes) {
    const int64_t i = begin + offset;
    const V v = Load(from + i, lanes);
    if (copy != nullptr) Store(v, copy + i, lanes);
    Store(hn::Mul(v, scale), to + i, lanes);
  });
}

// square = b a + c square; copy = square rounded, unless null.
void CombineRange(float b, float c, const float* a, float* square, Bfloat16* copy, int64_t begin,
                  int64_t end) {
  const V first = Broadcast(b), second = Broadcast(c);
  ForLanes(end - begin, [&](int64_t offset, auto lanes) {
    const int64_t i = begin + offset;
    const V v = hn::MulAdd(first, Load(a + i, lanes), hn::Mul(second, Load(square + i, lanes)));
    if (copy != nullptr) Store(v, copy + i, lanes);
    Store(v, square + i, lanes);
  });
}

void StepRange(const StepArgs& a, int64_t begin, int64_t end) {
  const V rate = Broadcast(a.rate), keep = Broadcast(a.keep);
  ForLanes(end - begin, [&](int64_t offset, auto lanes) {
    const int64_t i = begin + offset;
    const V p = hn::NegMulAdd(rate, Load(a.x + i, lanes), hn::Mul(Load(a.p + i, lanes), keep));
    Store(p, a.p + i, lanes);
    if (a.copy != nullptr) Store(p, a.copy + i, lanes);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(MomentumRange);
HWY_EXPORT(ScaleAndCopyRange);
HWY_EXPORT(CombineRange);
HWY_EXPORT(StepRange);
using plugins::Bfloat16;
using plugins::kOk;

constexpr int64_t kBorder = 64;  // ranges begin on cache lines
constexpr float kA = 3.4445f, kB = -4.7750f, kC = 2.0315f;

class Muon final : public Operation {
 public:
  Muon(const Site& site, bool bf16)
      : site_(site), bf16_(bf16), rows_(site.in[0].capacity()), columns_(site.in[0].width()) {
    tall_ = rows_ > columns_;
    side_ = std::min(rows_, columns_);
    blocks_ = (rows_ * columns_ + kBlock - 1) / kBlock;
    const int64_t size = Pad(rows_ * columns_), square = Pad(side_ * side_);
    x_ = Take(size * 4), next_ = Take(size * (bf16 ? 2 : 4));
    a_ = Take(square * 4), b_ = Take(square * 4);
    narrow_ = Take(bf16 ? square * 2 : 0), totals_ = Take(blocks_ * 8);
    site.device.workspace.Reserve(bytes_);
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const auto& attr = site_.op.attr.muon;
    const Workspace& memory = site_.device.workspace;
    float *x = memory.Get<float>(x_), *next = memory.Get<float>(next_);
    Normalize(x);
    for (int32_t i = 0; i < attr.iterations; ++i) {
      if (int32_t code = Iterate(x, next, status)) return code;
      if (!bf16_) std::swap(x, next);
    }
    const double lr = double{scalars.lr} * double{attr.lr_multiplier};
    const double height = std::max(1.0, static_cast<double>(rows_) / static_cast<double>(columns_));
    const StepArgs step = {x, site_.out[0].As<float>(), site_.out[2].As<Bfloat16>(),
                           static_cast<float>(lr * std::sqrt(height)),
                           static_cast<float>(1.0 - lr * double{attr.weight_decay})};
    site_.device.team.Split(rows_ * columns_, 4, kBorder, [&](int64_t begin, int64_t end, int) {
      HWY_DYNAMIC_DISPATCH(StepRange)(step, begin, end);
    });
    return kOk;
  }

 private:
  static constexpr int64_t kBlock = 8192;  // elements whose squares are summed together

  static int64_t Pad(int64_t elements) { return (elements + kBorder - 1) / kBorder * kBorder; }
  int64_t Take(int64_t bytes) { return bytes_ += bytes, bytes_ - bytes; }

  // The momentum, and x = u / (|u| + 1e-7).
  void Normalize(float* x) {
    const auto& attr = site_.op.attr.muon;
    double clip = 1.0;
    if (attr.clip > 0)
      clip = std::fmin(1.0, double{attr.clip} / (double{*site_.in[1].As<float>()} + 1e-6));
    const MomentumArgs args = {site_.in[0].As<float>(), site_.out[1].As<float>(), x,
                               static_cast<float>(clip), attr.momentum};
    const int64_t count = rows_ * columns_;
    double* const totals = site_.device.workspace.Get<double>(totals_);
    site_.device.team.Split(blocks_, kBlock * 4, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t b = begin; b < end; ++b) {
        totals[b] = HWY_DYNAMIC_DISPATCH(MomentumRange)(args, b * kBlock,
                                                        std::min(count, (b + 1) * kBlock));
      }
    });
    double squares = 0;
    for (int64_t b = 0; b < blocks_; ++b) squares += totals[b];
    ScaleAndCopy(static_cast<float>(1.0 / (std::sqrt(squares) + 1e-7)), x, x, nullptr, count);
  }

  void ScaleAndCopy(float factor, const float* from, float* to, Bfloat16* copy,
                    int64_t count) const {
    site_.device.team.Split(count, 3, kBorder, [&](int64_t begin, int64_t end, int) {
      HWY_DYNAMIC_DISPATCH(ScaleAndCopyRange)(factor, from, to, copy, begin, end);
    });
  }

  // One step: the result is in x in a bf16 program, whose products read a copy, else in next.
  int32_t Iterate(float* x, float* next, shoal_status* status) {
    const Workspace& memory = site_.device.workspace;
    float *const a = memory.Get<float>(a_), *const b = memory.Get<float>(b_);
    Bfloat16* const narrow = bf16_ ? memory.Get<Bfloat16>(narrow_) : nullptr;
    Bfloat16* const copy = bf16_ ? reinterpret_cast<Bfloat16*>(next) : nullptr;
    const int64_t square = side_ * side_;
    float* const sum = bf16_ ? x : next;
    const void* const input = bf16_ ? static_cast<const void*>(copy) : x;
    ScaleAndCopy(kA, x, sum, copy, rows_ * columns_);

    GemmShape shape;
    shape.input_type = bf16_ ? SHOAL_DTYPE_BF16 : SHOAL_DTYPE_F32;
    shape.m = shape.n = side_;
    shape.k = tall_ ? rows_ : columns_;
    shape.transpose_a = tall_;
    shape.transpose_b = !tall_;
    if (int32_t code = Product(shape, input, input, a, status)) return code;
    shape.k = side_;
    shape.transpose_a = shape.transpose_b = false;
    if (bf16_) ScaleAndCopy(1.0f, a, a, narrow, square);
    const void* const matrix = bf16_ ? static_cast<const void*>(narrow) : a;
    if (int32_t code = Product(shape, matrix, matrix, b, status)) return code;
    site_.device.team.Split(square, 3, kBorder, [&](int64_t begin, int64_t end, int) {
      HWY_DYNAMIC_DISPATCH(CombineRange)(kB, kC, a, b, narrow, begin, end);
    });

    const void* const polynomial = bf16_ ? static_cast<const void*>(narrow) : b;
    shape.m = rows_;
    shape.n = columns_;
    shape.accumulate = true;
    return Product(shape, tall_ ? input : polynomial, tall_ ? polynomial : input, sum, status);
  }

  int32_t Product(const GemmShape& shape, const void* a, const void* b, float* c,
                  shoal_status* status) const {
    return site_.device.gemm.Run(shape, a, b, nullptr, c, status);
  }

  const Site site_;
  const bool bf16_;
  const int64_t rows_, columns_;
  bool tall_;
  int64_t side_, blocks_, bytes_ = 0;
  int64_t x_, next_, a_, b_, narrow_, totals_;  // offsets into the workspace
};

}  // namespace

std::unique_ptr<Operation> MakeMuon(const Site& site, bool bf16) {
  return std::make_unique<Muon>(site, bf16);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
