// NORM_BACKWARD: the gradient through the norm, the residual connection beside it and its dropout,
// in one pass over each row. dgamma and dbeta are summed per thread over its range of rows, then
// over the threads in order.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/norm_backward.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/device.h"
#include "plugins/onednn/dropout.h"
#include "plugins/onednn/philox-inl.h"
#include "plugins/onednn/vector-inl.h"

#ifndef SHOAL_PLUGINS_ONEDNN_NORM_BACKWARD_ARGS_
#define SHOAL_PLUGINS_ONEDNN_NORM_BACKWARD_ARGS_
namespace shoal::onednn {
struct NormBackwardArgs {
  const void* dy;
  bool dy_bf16, branch_bf16, rms;
  const float *sum, *gamma, *mean, *rstd, *dskip;
  float* dsum;
  void* dbranch;
  int64_t width;
  DropoutKey dropout;
};
}  // namespace shoal::onednn
#endif

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

// One row. With g = dy gamma and v = (sum - mean) rstd:
//   dsum = rstd (g - mean(g) - v mean(g v)) + dskip,   without mean(g) for RMSNorm.
template <class Dy>
void Row(const NormBackwardArgs& a, int64_t n, const Dy* dy, float* dgamma, float* dbeta) {
  const int64_t at = n * a.width;
  const float* const sum = a.sum + at;
  const V mean = Broadcast(a.rms ? 0.0f : a.mean[n]), rstd = Broadcast(a.rstd[n]);
  V total = hn::Zero(kF), products = hn::Zero(kF);
  ForLanes(a.width, [&](int64_t i, auto lanes) {
    const V gradient = Load(dy + i, lanes);
    const V v = hn::Mul(hn::Sub(Load(sum + i, lanes), mean), rstd);
    const V g = hn::Mul(gradient, Load(a.gamma + i, lanes));  // lanes not in use are 0
    total = hn::Add(total, g);
    products = hn::MulAdd(g, v, products);
    Store(hn::MulAdd(gradient, v, Load(dgamma + i, lanes)), dgamma + i, lanes);
    Store(hn::Add(gradient, Load(dbeta + i, lanes)), dbeta + i, lanes);
  });
  const float scale = 1.0f / static_cast<float>(a.width);
  const V mean_g = Broadcast(a.rms ? 0.0f : Total(total) * scale),
          mean_gv = Broadcast(Total(products) * scale);
  float* const dsum = a.dsum + at;
  ForLanes(a.width, [&](int64_t i, auto lanes) {
    const V v = hn::Mul(hn::Sub(Load(sum + i, lanes), mean), rstd);
    const V g = hn::Mul(Load(dy + i, lanes), Load(a.gamma + i, lanes));
    V result = hn::Mul(hn::NegMulAdd(v, mean_gv, hn::Sub(g, mean_g)), rstd);
    if (a.dskip != nullptr) result = hn::Add(result, Load(a.dskip + at + i, lanes));
    Store(result, dsum + i, lanes);
  });
}

template <class Branch>
void BranchRow(const DropoutKey& dropout, uint64_t first, int64_t width, const float* dsum,
               Branch* dbranch) {
  if (!dropout.active) {
    ForLanes(width,
             [&](int64_t i, auto lanes) { Store(Load(dsum + i, lanes), dbranch + i, lanes); });
    return;
  }
  alignas(64) float buffer[kMaskBuffer];
  for (int64_t at = 0; at < width; at += kMaskPiece) {
    const int64_t count = HWY_MIN(kMaskPiece, width - at);
    const float* const factors = DrawRow(dropout, first + static_cast<uint64_t>(at), count, buffer);
    ForLanes(count, [&](int64_t i, auto lanes) {
      Store(hn::Mul(Load(dsum + at + i, lanes), Load(factors + i, lanes)), dbranch + at + i, lanes);
    });
  }
}

}  // namespace

// Rows [begin, end); adds their share to partial[0..width) (dgamma) and partial[width..2 width)
// (dbeta).
void NormBackwardRows(const NormBackwardArgs& a, int64_t begin, int64_t end, float* partial) {
  for (int64_t n = begin; n < end; ++n) {
    const int64_t at = n * a.width;
    if (a.dy_bf16) {
      Row(a, n, static_cast<const Bfloat16*>(a.dy) + at, partial, partial + a.width);
    } else {
      Row(a, n, static_cast<const float*>(a.dy) + at, partial, partial + a.width);
    }
    if (a.dbranch == nullptr) continue;
    const uint64_t first = static_cast<uint64_t>(at);
    if (a.branch_bf16) {
      BranchRow(a.dropout, first, a.width, a.dsum + at, static_cast<Bfloat16*>(a.dbranch) + at);
    } else {
      BranchRow(a.dropout, first, a.width, a.dsum + at, static_cast<float*>(a.dbranch) + at);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(NormBackwardRows);

class NormBackward final : public Operation {
 public:
  explicit NormBackward(const Site& site) : site_(site) {
    // Each thread's share on cache lines of its own.
    share_ = (2 * site.in[0].width() + 15) / 16 * 16;
    site.device.workspace.Reserve(share_ * site.device.team.threads() *
                                  static_cast<int64_t>(sizeof(float)));
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const auto& attr = site_.op.attr.norm;
    const Tensor &dy = site_.in[0], &dbranch = site_.out[3];
    const NormBackwardArgs args = {dy.data,
                                   dy.is_bf16(),
                                   dbranch.is_bf16(),
                                   attr.kind == 1,
                                   site_.in[1].As<float>(),
                                   site_.in[2].As<float>(),
                                   site_.in[3].As<float>(),
                                   site_.in[4].As<float>(),
                                   site_.in[5].As<float>(),
                                   site_.out[0].As<float>(),
                                   dbranch.data,
                                   dy.width(),
                                   MakeDropoutKey(attr.dropout, attr.stream, scalars)};
    const Team& team = site_.device.team;
    float* const partials = site_.device.workspace.Get<float>();
    std::memset(partials, 0, static_cast<size_t>(share_ * team.threads()) * sizeof(float));
    team.Split(dy.rows(scalars), dy.width() * 6, 1, [&](int64_t begin, int64_t end, int thread) {
      HWY_DYNAMIC_DISPATCH(NormBackwardRows)(args, begin, end, partials + thread * share_);
    });
    const bool add = Accumulates(attr.write, scalars);
    Collect(partials, site_.out[1], add);
    if (site_.out[2]) Collect(partials + dy.width(), site_.out[2], add);
    return plugins::kOk;
  }

 private:
  void Collect(const float* partials, const Tensor& gradient, bool add) const {
    float* const to = gradient.As<float>();
    for (int64_t i = 0; i < gradient.capacity(); ++i) {
      float total = 0;
      for (int t = 0; t < site_.device.team.threads(); ++t) total += partials[t * share_ + i];
      to[i] = add ? to[i] + total : total;
    }
  }

  const Site site_;
  int64_t share_;
};

}  // namespace

std::unique_ptr<Operation> MakeNormBackward(const Site& site) {
  return std::make_unique<NormBackward>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
