#include "plugins/onednn/operation.h"

#include "plugins/onednn/device.h"
#include "plugins/onednn/gemm.h"
#include "plugins/support/signatures.h"
#include "plugins/support/status.h"

namespace shoal::onednn {
namespace {

using plugins::Fail;
using plugins::kInvalidArgument;
using plugins::kOk;
using plugins::kUnimplemented;

Tensor Resolve(const plugins::Program& program, int32_t number) {
  if (number == SHOAL_NO_SLOT) return {};
  const shoal_slot& slot = program.slots[static_cast<size_t>(number)];
  return {program.buffers[static_cast<size_t>(slot.buffer)]->data + slot.offset_bytes, slot};
}

// Types that the checked contract allows and this backend does not have.
int32_t CheckTypes(const Site& site, int32_t index, shoal_status* status) {
  for (const Tensor* operands : {site.in, site.out}) {
    const int count = operands == site.in ? SHOAL_MAX_INPUTS : SHOAL_MAX_OUTPUTS;
    for (int i = 0; i < count; ++i) {
      if (!operands[i]) continue;
      const int32_t dtype = operands[i].slot.dtype;
      if (dtype == SHOAL_DTYPE_F64 || (dtype == SHOAL_DTYPE_BF16 && !HasBf16())) {
        return Fail(status, kUnimplemented,
                    "backend onednn has no %s %s (operation %d, \"%s\") on this CPU",
                    plugins::DtypeName(dtype), plugins::OpName(site.op.kind), index, site.op.label);
      }
    }
  }
  return kOk;
}

std::unique_ptr<Operation> Make(const Site& site, int32_t act) {
  switch (site.op.kind) {
    case SHOAL_OP_EMBEDDING:
      return MakeEmbedding(site);
    case SHOAL_OP_EMBEDDING_BACKWARD:
      return MakeEmbeddingBackward(site);
    case SHOAL_OP_LINEAR:
      return MakeLinear(site);
    case SHOAL_OP_LINEAR_BACKWARD_DATA:
      return MakeLinearBackwardData(site);
    case SHOAL_OP_LINEAR_BACKWARD_WEIGHTS:
      return MakeLinearBackwardWeights(site);
    case SHOAL_OP_NORM:
      return MakeNorm(site);
    case SHOAL_OP_NORM_BACKWARD:
      return MakeNormBackward(site);
    case SHOAL_OP_ATTENTION:
      return MakeAttention(site);
    case SHOAL_OP_ATTENTION_BACKWARD:
      return MakeAttentionBackward(site);
    case SHOAL_OP_ATTENTION_CACHED:
      return MakeAttentionCached(site);
    case SHOAL_OP_CROSS_ENTROPY:
      return MakeCrossEntropy(site);
    case SHOAL_OP_LINEAR_CROSS_ENTROPY:
      return MakeLinearCrossEntropy(site);
    case SHOAL_OP_SUM:
    case SHOAL_OP_GLOBAL_NORM:
      return MakeReduction(site);
    case SHOAL_OP_ADAMW:
      return MakeAdamw(site);
    case SHOAL_OP_ADD:
    case SHOAL_OP_DROPOUT:
    case SHOAL_OP_ACTIVATION:
    case SHOAL_OP_ACTIVATION_BACKWARD:
    case SHOAL_OP_CAST:
    case SHOAL_OP_FILL:
    case SHOAL_OP_GATHER_ROWS:
    case SHOAL_OP_SCALE:
      return MakeElementwise(site);
    case SHOAL_OP_ROPE:
      return MakeRope(site);
    case SHOAL_OP_GLU:
    case SHOAL_OP_GLU_BACKWARD:
      return MakeGlu(site);
    case SHOAL_OP_SCATTER_ROWS:
    case SHOAL_OP_MEAN_POOL:
    case SHOAL_OP_MEAN_POOL_BACKWARD:
      return MakePool(site);
    case SHOAL_OP_SOFTMAX:
      return MakeSoftmax(site);
    case SHOAL_OP_DISTILLATION_LOSS:
      return MakeDistillationLoss(site);
    case SHOAL_OP_MUON:
      return MakeMuon(site, act == SHOAL_DTYPE_BF16 && HasNativeBf16());
    case SHOAL_OP_MOVING_AVERAGE:
      return MakeMovingAverage(site);
    case SHOAL_OP_ATTENTION_PROBABILITIES:
      return MakeAttentionProbabilities(site);
    default:
      return nullptr;
  }
}

}  // namespace

std::unique_ptr<Operation> MakeOperation(shoal_device& device, const plugins::Program& program,
                                         int32_t index, shoal_status* status) {
  const shoal_op& op = program.ops[static_cast<size_t>(index)];
  Site site{device, op, {}, {}};
  for (int i = 0; i < SHOAL_MAX_INPUTS; ++i) site.in[i] = Resolve(program, op.inputs[i]);
  for (int i = 0; i < SHOAL_MAX_OUTPUTS; ++i) site.out[i] = Resolve(program, op.outputs[i]);
  if (CheckTypes(site, index, status) != kOk) return nullptr;
  auto operation = Make(site, program.act_dtype);
  if (operation == nullptr) {
    Fail(status, kUnimplemented, "backend onednn has no operation %s (operation %d, \"%s\")",
         plugins::OpName(op.kind), index, op.label);
  }
  return operation;
}

int32_t CheckIndices(const Site& site, const char* what, const int32_t* indices, int64_t count,
                     int64_t low, int64_t high, shoal_status* status) {
  int32_t least = 0, most = 0;
  if (count > 0) least = most = indices[0];
  for (int64_t i = 1; i < count; ++i) {
    least = indices[i] < least ? indices[i] : least;
    most = indices[i] > most ? indices[i] : most;
  }
  if (count <= 0 || (least >= low && most < high)) return kOk;
  return Fail(status, kInvalidArgument, "%s \"%s\": %s reach from %d to %d, expected %lld to %lld",
              plugins::OpName(site.op.kind), site.op.label, what, least, most,
              static_cast<long long>(low), static_cast<long long>(high - 1));
}

int32_t CheckOffsets(const Site& site, const int32_t* offsets, int64_t sequences, int64_t rows,
                     shoal_status* status) {
  bool good = offsets[0] == 0 && offsets[sequences] == rows;
  for (int64_t s = 0; s < sequences; ++s) good = good && offsets[s] <= offsets[s + 1];
  if (good) return kOk;
  return Fail(status, kInvalidArgument,
              "%s \"%s\": offsets of %lld sequences must rise from 0 to %lld rows",
              plugins::OpName(site.op.kind), site.op.label, static_cast<long long>(sequences),
              static_cast<long long>(rows));
}

}  // namespace shoal::onednn
