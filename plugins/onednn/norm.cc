// NORM: the residual connection with its dropout, and LayerNorm or RMSNorm after it, in one pass
// over each row.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/norm.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/device.h"
#include "plugins/onednn/dropout.h"
#include "plugins/onednn/philox-inl.h"
#include "plugins/onednn/vector-inl.h"

#ifndef SHOAL_PLUGINS_ONEDNN_NORM_ARGS_
#define SHOAL_PLUGINS_ONEDNN_NORM_ARGS_
namespace shoal::onednn {
struct NormArgs {
  const float *x, *gamma, *beta;
  const void* branch;
  bool branch_bf16, y_bf16, rms;
  void* y;
  float *sum, *mean, *rstd;
  int64_t width;
  float eps;
  DropoutKey dropout;
};
}  // namespace shoal::onednn
#endif

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

// sum[i] = x[i] + dropout(branch[i]) for one row whose first element has index `first`.
template <class Branch>
void AddBranch(const DropoutKey& dropout, uint64_t first, int64_t width, const float* x,
               const Branch* branch, float* sum) {
  if (!dropout.active) {
    ForLanes(width, [&](int64_t i, auto lanes) {
      Store(hn::Add(Load(x + i, lanes), Load(branch + i, lanes)), sum + i, lanes);
    });
    return;
  }
  alignas(64) float buffer[kMaskBuffer];
  for (int64_t at = 0; at < width; at += kMaskPiece) {
    const int64_t count = HWY_MIN(kMaskPiece, width - at);
    const float* const factors = DrawRow(dropout, first + static_cast<uint64_t>(at), count, buffer);
    ForLanes(count, [&](int64_t i, auto lanes) {
      const V kept = hn::Mul(Load(branch + at + i, lanes), Load(factors + i, lanes));
      Store(hn::Add(Load(x + at + i, lanes), kept), sum + at + i, lanes);
    });
  }
}

// The mean (0 for RMSNorm) and the reciprocal standard deviation of one row.
void Moments(const NormArgs& a, const float* row, float* mean, float* rstd) {
  const float scale = 1.0f / static_cast<float>(a.width);
  *mean = 0;
  if (!a.rms) {
    V total = hn::Zero(kF);
    ForLanes(a.width, [&](int64_t i, auto lanes) { total = hn::Add(total, Load(row + i, lanes)); });
    *mean = Total(total) * scale;
  }
  const V center = Broadcast(*mean);
  V squares = hn::Zero(kF);
  ForLanes(a.width, [&](int64_t i, auto lanes) {
    const V v = Keep(hn::Sub(Load(row + i, lanes), center), lanes);
    squares = hn::MulAdd(v, v, squares);
  });
  *rstd = 1.0f / hn::GetLane(hn::Sqrt(Broadcast(Total(squares) * scale + a.eps)));
}

template <class Y>
void Normalize(const NormArgs& a, const float* row, float mean, float rstd, Y* y) {
  const V center = Broadcast(mean), scale = Broadcast(rstd);
  if (a.beta == nullptr) {
    ForLanes(a.width, [&](int64_t i, auto lanes) {
      const V v = hn::Mul(hn::Sub(Load(row + i, lanes), center), scale);
      Store(hn::Mul(v, Load(a.gamma + i, lanes)), y + i, lanes);
    });
    return;
  }
  ForLanes(a.width, [&](int64_t i, auto lanes) {
    const V v = hn::Mul(hn::Sub(Load(row + i, lanes), center), scale);
    Store(hn::MulAdd(v, Load(a.gamma + i, lanes), Load(a.beta + i, lanes)), y + i, lanes);
  });
}

}  // namespace

void NormRows(const NormArgs& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    const int64_t at = n * a.width;
    const float* row = a.x + at;
    if (a.branch != nullptr) {
      const uint64_t first = static_cast<uint64_t>(at);
      if (a.branch_bf16) {
        AddBranch(a.dropout, first, a.width, row, static_cast<const Bfloat16*>(a.branch) + at,
                  a.sum + at);
      } else {
        AddBranch(a.dropout, first, a.width, row, static_cast<const float*>(a.branch) + at,
                  a.sum + at);
      }
      row = a.sum + at;
    }
    float mean, rstd;
    Moments(a, row, &mean, &rstd);
    if (a.mean != nullptr) a.mean[n] = mean;
    if (a.rstd != nullptr) a.rstd[n] = rstd;
    if (a.y_bf16) {
      Normalize(a, row, mean, rstd, static_cast<Bfloat16*>(a.y) + at);
    } else {
      Normalize(a, row, mean, rstd, static_cast<float*>(a.y) + at);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(NormRows);

class Norm final : public Operation {
 public:
  explicit Norm(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const auto& attr = site_.op.attr.norm;
    const Tensor &x = site_.in[0], &branch = site_.in[3], &y = site_.out[0];
    const NormArgs args = {x.As<float>(),
                           site_.in[1].As<float>(),
                           site_.in[2].As<float>(),
                           branch.data,
                           branch.is_bf16(),
                           y.is_bf16(),
                           attr.kind == 1,
                           y.data,
                           site_.out[1].As<float>(),
                           site_.out[2].As<float>(),
                           site_.out[3].As<float>(),
                           x.width(),
                           attr.eps,
                           MakeDropoutKey(attr.dropout, attr.stream, scalars)};
    site_.device.team.Split(x.rows(scalars), x.width() * 4, 1,
                            [&](int64_t begin, int64_t end, int) {
                              HWY_DYNAMIC_DISPATCH(NormRows)(args, begin, end);
                            });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

}  // namespace

std::unique_ptr<Operation> MakeNorm(const Site& site) { return std::make_unique<Norm>(site); }

}  // namespace shoal::onednn
#endif  // HWY_ONCE
