// Every operation of the ABI in its plainest form. Operands, shapes and formulas are those of
// shoal_op_kind in plugins/abi/shoal_backend.h; the program has been checked, so operands are only
// looked at, not validated. What can still be wrong is the content of an index tensor, and only
// that makes an operation fail.
//
// Sums are taken in double, in the order of the loops, whatever Real is.
#pragma once

#include <cstdint>

#include "plugins/reference/call.h"

namespace shoal::reference {

template <class Real>
using Operation = int32_t (*)(Call<Real>&);

template <class Real>
int32_t Embedding(Call<Real>& call);  // embedding.cc
template <class Real>
int32_t EmbeddingBackward(Call<Real>& call);
template <class Real>
int32_t GatherRows(Call<Real>& call);
template <class Real>
int32_t ScatterRows(Call<Real>& call);
template <class Real>
int32_t Linear(Call<Real>& call);  // linear.cc
template <class Real>
int32_t LinearBackwardData(Call<Real>& call);
template <class Real>
int32_t LinearBackwardWeights(Call<Real>& call);
template <class Real>
int32_t Norm(Call<Real>& call);  // norm.cc
template <class Real>
int32_t NormBackward(Call<Real>& call);
template <class Real>
int32_t Attention(Call<Real>& call);  // attention.cc
template <class Real>
int32_t AttentionBackward(Call<Real>& call);  // attention_backward.cc
template <class Real>
int32_t AttentionCached(Call<Real>& call);  // attention.cc
template <class Real>
int32_t AttentionProbabilities(Call<Real>& call);
template <class Real>
int32_t Rope(Call<Real>& call);  // rope.cc
template <class Real>
int32_t Glu(Call<Real>& call);  // glu.cc
template <class Real>
int32_t GluBackward(Call<Real>& call);
template <class Real>
int32_t MeanPool(Call<Real>& call);  // pool.cc
template <class Real>
int32_t MeanPoolBackward(Call<Real>& call);
template <class Real>
int32_t Add(Call<Real>& call);  // elementwise.cc
template <class Real>
int32_t ApplyDropout(Call<Real>& call);
template <class Real>
int32_t Activation(Call<Real>& call);
template <class Real>
int32_t ActivationBackward(Call<Real>& call);
template <class Real>
int32_t Cast(Call<Real>& call);
template <class Real>
int32_t Fill(Call<Real>& call);
template <class Real>
int32_t Scale(Call<Real>& call);
template <class Real>
int32_t CrossEntropy(Call<Real>& call);  // cross_entropy.cc
template <class Real>
int32_t LinearCrossEntropy(Call<Real>& call);
template <class Real>
int32_t Softmax(Call<Real>& call);  // distillation.cc
template <class Real>
int32_t DistillationLoss(Call<Real>& call);
template <class Real>
int32_t Sum(Call<Real>& call);  // reduction.cc
template <class Real>
int32_t GlobalNorm(Call<Real>& call);
template <class Real>
int32_t Adamw(Call<Real>& call);  // adamw.cc
template <class Real>
int32_t MovingAverage(Call<Real>& call);
template <class Real>
int32_t Muon(Call<Real>& call);  // muon.cc

// The function of a kind that FindSignature knows, else null.
template <class Real>
Operation<Real> FindOperation(int32_t kind);  // ops.cc

}  // namespace shoal::reference
