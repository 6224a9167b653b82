#include "plugins/reference/ops.h"

namespace shoal::reference {

template <class Real>
Operation<Real> FindOperation(int32_t kind) {
  switch (kind) {
    case SHOAL_OP_EMBEDDING:
      return &Embedding<Real>;
    case SHOAL_OP_EMBEDDING_BACKWARD:
      return &EmbeddingBackward<Real>;
    case SHOAL_OP_LINEAR:
      return &Linear<Real>;
    case SHOAL_OP_LINEAR_BACKWARD_DATA:
      return &LinearBackwardData<Real>;
    case SHOAL_OP_LINEAR_BACKWARD_WEIGHTS:
      return &LinearBackwardWeights<Real>;
    case SHOAL_OP_NORM:
      return &Norm<Real>;
    case SHOAL_OP_NORM_BACKWARD:
      return &NormBackward<Real>;
    case SHOAL_OP_ATTENTION:
      return &Attention<Real>;
    case SHOAL_OP_ATTENTION_BACKWARD:
      return &AttentionBackward<Real>;
    case SHOAL_OP_ADD:
      return &Add<Real>;
    case SHOAL_OP_DROPOUT:
      return &ApplyDropout<Real>;
    case SHOAL_OP_ACTIVATION:
      return &Activation<Real>;
    case SHOAL_OP_ACTIVATION_BACKWARD:
      return &ActivationBackward<Real>;
    case SHOAL_OP_CROSS_ENTROPY:
      return &CrossEntropy<Real>;
    case SHOAL_OP_LINEAR_CROSS_ENTROPY:
      return &LinearCrossEntropy<Real>;
    case SHOAL_OP_SUM:
      return &Sum<Real>;
    case SHOAL_OP_GLOBAL_NORM:
      return &GlobalNorm<Real>;
    case SHOAL_OP_ADAMW:
      return &Adamw<Real>;
    case SHOAL_OP_CAST:
      return &Cast<Real>;
    case SHOAL_OP_FILL:
      return &Fill<Real>;
    case SHOAL_OP_GATHER_ROWS:
      return &GatherRows<Real>;
    case SHOAL_OP_ATTENTION_CACHED:
      return &AttentionCached<Real>;
    case SHOAL_OP_ROPE:
      return &Rope<Real>;
    case SHOAL_OP_GLU:
      return &Glu<Real>;
    case SHOAL_OP_GLU_BACKWARD:
      return &GluBackward<Real>;
    case SHOAL_OP_SCATTER_ROWS:
      return &ScatterRows<Real>;
    case SHOAL_OP_MEAN_POOL:
      return &MeanPool<Real>;
    case SHOAL_OP_MEAN_POOL_BACKWARD:
      return &MeanPoolBackward<Real>;
    case SHOAL_OP_SCALE:
      return &Scale<Real>;
    case SHOAL_OP_SOFTMAX:
      return &Softmax<Real>;
    case SHOAL_OP_DISTILLATION_LOSS:
      return &DistillationLoss<Real>;
    case SHOAL_OP_MUON:
      return &Muon<Real>;
    case SHOAL_OP_MOVING_AVERAGE:
      return &MovingAverage<Real>;
    case SHOAL_OP_ATTENTION_PROBABILITIES:
      return &AttentionProbabilities<Real>;
    default:
      return nullptr;
  }
}

template Operation<float> FindOperation(int32_t);
template Operation<double> FindOperation(int32_t);

}  // namespace shoal::reference
