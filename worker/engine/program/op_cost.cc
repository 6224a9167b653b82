#include "worker/engine/program/op_cost.h"

#include <algorithm>

namespace shoal::engine {
namespace {

class Coster {
 public:
  Coster(const Program& program, const Op& op, const UsedExtents& used)
      : program_(program), op_(op), used_(used) {}

  double Flops() const {
    switch (op_.kind()) {
      case SHOAL_OP_LINEAR:
      case SHOAL_OP_LINEAR_BACKWARD_DATA:
        return 2 * First(op_.in(0)) * Elements(op_.in(1));
      case SHOAL_OP_LINEAR_BACKWARD_WEIGHTS:
        return 2 * First(op_.in(0)) * Elements(op_.out(0));
      case SHOAL_OP_LINEAR_CROSS_ENTROPY: {
        const int products = 1 + (op_.out(1) != SHOAL_NO_SLOT) + (op_.out(2) != SHOAL_NO_SLOT);
        return 2.0 * products * First(op_.in(0)) * Elements(op_.in(1));
      }
      case SHOAL_OP_ATTENTION:
        return 2 * AttentionProduct();
      case SHOAL_OP_ATTENTION_BACKWARD:
        return 5 * AttentionProduct();
      case SHOAL_OP_MUON:
        return MuonFlops();
      default:
        return 0;
    }
  }

  double Bytes() const {
    double bytes = 0;
    for (int32_t slot : op_.code.inputs) bytes += SlotBytes(slot);
    for (int32_t slot : op_.code.outputs) bytes += SlotBytes(slot);
    return bytes;
  }

 private:
  const Slot& At(int32_t slot) const { return program_.slots[static_cast<size_t>(slot)]; }

  // The first dimension as it was used.
  double First(int32_t slot) const {
    const Shape& shape = At(slot).shape;
    switch (shape.extent) {
      case Extent::kRows:
        return used_.rows;
      case Extent::kSequencesPlus1:
        return used_.sequences + 1;
      case Extent::kSelected:
        return used_.selected;
      default:
        return static_cast<double>(shape.dims[0]);
    }
  }
  double Elements(int32_t slot) const {
    const Shape& shape = At(slot).shape;
    return First(slot) * static_cast<double>(shape.elements()) /
           static_cast<double>(std::max<int64_t>(shape.dims[0], 1));
  }
  double SlotBytes(int32_t slot) const {
    if (slot == SHOAL_NO_SLOT) return 0;
    return Elements(slot) * static_cast<double>(SizeOf(At(slot).dtype));
  }

  // One of q k^T, p v and their gradients.
  double AttentionProduct() const {
    const auto& attention = op_.code.attr.attention;
    const double seen = used_.rows * used_.rows / std::max(used_.sequences, 1.0);
    const double share = attention.mask == SHOAL_MASK_FULL ? 1 : 0.5;
    return 2 * share * seen * attention.heads * attention.head_dim;
  }
  double MuonFlops() const {
    const auto& dims = At(op_.in(0)).shape.dims;
    const auto n = static_cast<double>(std::min(dims[0], dims[1]));
    const auto m = static_cast<double>(std::max(dims[0], dims[1]));
    return op_.code.attr.muon.iterations * (2 * (2 * n * n * m) + 2 * n * n * n);
  }

  const Program& program_;
  const Op& op_;
  const UsedExtents& used_;
};

}  // namespace

OpCost CostOf(const Program& program, const Op& op, const UsedExtents& used) {
  const Coster coster(program, op, used);
  return {coster.Flops(), coster.Bytes()};
}

}  // namespace shoal::engine
