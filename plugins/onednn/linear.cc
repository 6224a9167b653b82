// LINEAR and its two backwards: which products they are, what is fused into them, and what is done
// beside them.
#include "plugins/onednn/activation.h"
#include "plugins/onednn/cleared_rows.h"
#include "plugins/onednn/device.h"
#include "plugins/onednn/gemm.h"
#include "plugins/onednn/operation.h"
#include "plugins/onednn/row_products.h"
#include "plugins/support/status.h"

#include <cstring>

namespace shoal::onednn {
namespace {

using plugins::kOk;

// y = act(x w^T + b)
class Linear final : public Operation {
 public:
  explicit Linear(const Site& site)
      : site_(site),
        activation_(site.op.attr.linear.activation),
        keeps_pre_(site.out[1].data != nullptr) {
    const Tensor &x = site.in[0], &w = site.in[1];
    shape_.n = w.capacity();
    shape_.k = x.width();
    shape_.transpose_b = true;
    shape_.bias = site.in[2].data != nullptr;
    shape_.input_type = x.slot.dtype;
    shape_.output_type = target().slot.dtype;
    if (!keeps_pre_) shape_.activation = activation_;
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &x = site_.in[0], &w = site_.in[1], &y = site_.out[0];
    const float* const bias = site_.in[2].As<float>();
    const int64_t rows = x.rows(scalars);
    if (rows == 0) return kOk;
    const Team& team = site_.device.team;
    if (rows <= kFewRows) {
      MultiplyRows(team, x.array(), w.array(), bias, target().array(), rows, shape_.n, shape_.k);
    } else {
      shape_.m = RoundRows(rows, x.capacity());
      if (int32_t code = site_.device.gemm.Run(shape_, x.data, w.data, bias, target().data, status))
        return code;
    }
    const bool fused = rows > kFewRows && !keeps_pre_;
    if (keeps_pre_ || (!fused && activation_ != SHOAL_ACTIVATION_NONE)) {
      Activate(team, activation_, target().array(), y.array(), rows * shape_.n);
    }
    return kOk;
  }

 private:
  const Tensor& target() const {
    return keeps_pre_ ? site_.out[1] : site_.out[0];
  }  // where the product goes

  const Site site_;
  const int32_t activation_;
  const bool keeps_pre_;
  GemmShape shape_;
};

// dx = (dy w) * act'(saved)
class LinearBackwardData final : public Operation {
 public:
  explicit LinearBackwardData(const Site& site) : site_(site) {
    const Tensor& w = site.in[1];
    shape_.n = w.width();
    shape_.k = w.capacity();
    shape_.input_type = w.slot.dtype;
    shape_.output_type = site.out[0].slot.dtype;
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &dy = site_.in[0], &saved = site_.in[2], &dx = site_.out[0];
    const int64_t rows = dy.rows(scalars);
    if (rows == 0) return kOk;
    shape_.m = RoundRows(rows, dy.capacity());
    if (int32_t code =
            site_.device.gemm.Run(shape_, dy.data, site_.in[1].data, nullptr, dx.data, status)) {
      return code;
    }
    if (saved) {
      ActivateBackward(site_.device.team, site_.op.attr.linear.activation, dx.array(),
                       saved.array(), dx.array(), rows * shape_.n);
    }
    return kOk;
  }

 private:
  const Site site_;
  GemmShape shape_;
};

// dw = dy^T x, db = column sums of dy.
class LinearBackwardWeights final : public Operation {
 public:
  explicit LinearBackwardWeights(const Site& site) : site_(site) {
    const Tensor &dy = site.in[0], &x = site.in[1];
    shape_.m = dy.width();
    shape_.n = x.width();
    shape_.transpose_a = true;
    shape_.input_type = x.slot.dtype;
    site.device.workspace.Reserve(ClearedRows::Space(dy) + ClearedRows::Space(x));
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &dy = site_.in[0], &x = site_.in[1], &dw = site_.out[0], &db = site_.out[1];
    const int64_t rows = dy.rows(scalars);
    const bool add = Accumulates(site_.op.attr.linear.write, scalars);
    if (db) ColumnSums(site_.device.team, dy.array(), rows, shape_.m, add, db.As<float>());
    if (rows == 0) {
      if (!add) std::memset(dw.data, 0, static_cast<size_t>(dw.capacity() * dw.row_bytes()));
      return kOk;
    }
    const int64_t rounded = RoundRows(rows, dy.capacity());
    std::byte* const saved = site_.device.workspace.Get<std::byte>();
    const ClearedRows cleared_dy(dy, rows, rounded, saved);
    const ClearedRows cleared_x(x, rows, rounded, saved + ClearedRows::Space(dy));
    for (int64_t first = 0; first < rounded; first += kMostRows) {
      shape_.k = rounded - first < kMostRows ? rounded - first : kMostRows;
      shape_.accumulate = add || first > 0;
      const auto* const a = dy.As<std::byte>() + first * dy.row_bytes();
      const auto* const b = x.As<std::byte>() + first * x.row_bytes();
      if (int32_t code = site_.device.gemm.Run(shape_, a, b, nullptr, dw.data, status)) return code;
    }
    return kOk;
  }

 private:
  // oneDNN's product with a transposed operand loses a fifth of its speed on long sums; several
  // shorter ones that add to one another do not.
  static constexpr int64_t kMostRows = 1024;

  const Site site_;
  GemmShape shape_;
};

}  // namespace

std::unique_ptr<Operation> MakeLinear(const Site& site) { return std::make_unique<Linear>(site); }
std::unique_ptr<Operation> MakeLinearBackwardData(const Site& site) {
  return std::make_unique<LinearBackwardData>(site);
}
std::unique_ptr<Operation> MakeLinearBackwardWeights(const Site& site) {
  return std::make_unique<LinearBackwardWeights>(site);
}

}  // namespace shoal::onednn
