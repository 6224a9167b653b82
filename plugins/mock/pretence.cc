#include "plugins/mock/pretence.h"

#include <cmath>
#include <limits>

#include "plugins/support/bfloat16.h"
#include "plugins/support/host_memory.h"
#include "plugins/support/philox.h"

namespace shoal::mock {
namespace {

using plugins::Program;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// A slot's memory, read and written one number at a time.
class Numbers {
 public:
  Numbers(const Program& program, int32_t slot, const shoal_scalars& scalars)
      : slot_(program.slots[slot]),
        data_(program.buffers[slot_.buffer]->data + slot_.offset_bytes),
        rows_(plugins::UsedExtent(slot_, scalars)) {}

  int64_t rows() const { return rows_; }
  int64_t count() const { return rows_ * plugins::InnerSize(slot_); }
  double Get(int64_t i) const {
    switch (slot_.dtype) {
      case SHOAL_DTYPE_F32:
        return double{reinterpret_cast<const float*>(data_)[i]};
      case SHOAL_DTYPE_BF16:
        return double{plugins::ToFloat(reinterpret_cast<const plugins::Bfloat16*>(data_)[i])};
      case SHOAL_DTYPE_F64:
        return reinterpret_cast<const double*>(data_)[i];
      default:
        return reinterpret_cast<const int32_t*>(data_)[i];
    }
  }
  void Set(int64_t i, double value) {
    switch (slot_.dtype) {
      case SHOAL_DTYPE_F32:
        reinterpret_cast<float*>(data_)[i] = static_cast<float>(value);
        break;
      case SHOAL_DTYPE_BF16:
        reinterpret_cast<plugins::Bfloat16*>(data_)[i] =
            plugins::ToBfloat16(static_cast<float>(value));
        break;
      case SHOAL_DTYPE_F64:
        reinterpret_cast<double*>(data_)[i] = value;
        break;
      default:
        break;  // no operation writes integers
    }
  }

 private:
  const shoal_slot& slot_;
  std::byte* const data_;
  const int64_t rows_;
};

bool IsLoss(int32_t kind) {
  return kind == SHOAL_OP_CROSS_ENTROPY || kind == SHOAL_OP_LINEAR_CROSS_ENTROPY ||
         kind == SHOAL_OP_DISTILLATION_LOSS;
}

void WriteLosses(const Program& program, const shoal_op& op, const shoal_scalars& scalars,
                 bool nan) {
  const bool fused = op.kind == SHOAL_OP_LINEAR_CROSS_ENTROPY;
  const int64_t vocabulary =
      fused ? program.slots[op.inputs[1]].dims[0] : program.slots[op.inputs[0]].dims[1];
  const Numbers targets(program, op.inputs[fused ? 2 : 1], scalars);
  Numbers losses(program, op.outputs[0], scalars);
  const double loss = nan ? double{kNan} : Loss(scalars.seed, scalars.step, vocabulary);
  for (int64_t n = 0; n < losses.count(); ++n) losses.Set(n, targets.Get(n) == -1 ? 0 : loss);
}

void WriteSum(const Program& program, const shoal_op& op, const shoal_scalars& scalars) {
  const Numbers x(program, op.inputs[0], scalars);
  double sum = 0;
  for (int64_t i = 0; i < x.count(); ++i) sum += x.Get(i);
  Numbers(program, op.outputs[0], scalars).Set(0, sum);
}

void WriteLogits(const Program& program, const shoal_op& op, const shoal_scalars& scalars) {
  Numbers logits(program, op.outputs[0], scalars);
  const int64_t rows = logits.rows(), vocabulary = rows == 0 ? 0 : logits.count() / rows;
  const int64_t seen = scalars.cache_length + scalars.rows;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t favoured = FavouredToken(seen - rows + r, vocabulary);
    for (int64_t v = 0; v < vocabulary; ++v) logits.Set(r * vocabulary + v, v == favoured ? 30 : 0);
  }
}

}  // namespace

double Loss(uint64_t seed, uint64_t step, int64_t vocabulary) {
  const double start = std::log(static_cast<double>(vocabulary)), floor = start / 3;
  const uint32_t word =
      plugins::Philox4x32({static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32), 0, 0},
                          static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32))[0];
  const double noise = static_cast<double>(word) / 4294967296.0 - 0.5;
  const double progress = std::exp(-static_cast<double>(step) / 100);
  return floor + (start - floor) * progress + 0.02 * noise;
}

int64_t FavouredToken(int64_t position, int64_t vocabulary) {
  const int64_t turn = (position / 2) % 32;
  const int64_t id = position % 2 == 0 ? turn : vocabulary - 1 - turn;
  return id < 0 ? 0 : id % vocabulary;
}

void Pretend(const Program& program, const shoal_scalars& scalars, bool nan) {
  const shoal_op* last_linear = nullptr;
  bool has_loss = false;
  for (const shoal_op& op : program.ops) {
    if (op.kind == SHOAL_OP_LINEAR) last_linear = &op;
    if (IsLoss(op.kind)) {
      has_loss = true;
      WriteLosses(program, op, scalars, nan);
    } else if (op.kind == SHOAL_OP_SUM) {
      WriteSum(program, op, scalars);
    } else if (op.kind == SHOAL_OP_GLOBAL_NORM) {
      const double norm = 0.2 + 2 / (1 + static_cast<double>(scalars.step) / 20);
      Numbers(program, op.outputs[0], scalars).Set(0, nan ? double{kNan} : norm);
    }
  }
  if (!has_loss && last_linear != nullptr) WriteLogits(program, *last_linear, scalars);
}

}  // namespace shoal::mock
