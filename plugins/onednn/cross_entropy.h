// Softmax, loss and its gradient over rows of logits: CROSS_ENTROPY itself, and each block of
// LINEAR_CROSS_ENTROPY.
#pragma once

#include <cstdint>

#include "plugins/onednn/array.h"
#include "plugins/onednn/team.h"

namespace shoal::onednn {

struct CrossEntropyRowsArgs {
  Array logits;   // [rows, vocab], rows `logits_stride` elements apart
  Array dlogits;  // the same, or data == nullptr; may begin where logits begins, see below
  int64_t logits_stride, dlogits_stride;
  const int32_t* targets;  // [rows], -1: not counted
  float* loss;             // [rows]
  int64_t vocab;           // columns
  int64_t real_vocab;      // columns that count; the others get a gradient of 0
  float scale;
  float smoothing;  // of the labels
  // Null, or [threads][vocab], rows `sums_stride` apart: each thread adds the columns of its rows
  // of dlogits, as they were before they were rounded to storage.
  float* sums;
  int64_t sums_stride;
};

// loss[n] = -log softmax(logits[n])[target]; dlogits[n] = (softmax - onehot) scale, with smoothed
// labels as in the contract; both 0 where target is -1. A row of dlogits may lie over its row of
// logits when it begins at the same address and its elements are not larger.
void CrossEntropyRows(const Team& team, const CrossEntropyRowsArgs& args, int64_t rows);

}  // namespace shoal::onednn
