// What a training attempt holds in memory, before it is started: so that a worker is not given more
// than it has. Pure functions, thread-safe.
#pragma once

#include <cstdint>

#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

struct MemoryEstimate {
  int64_t parameters = 0;  // f32 master weights
  int64_t gradients = 0;
  int64_t optimizer = 0;    // the optimizer's moments: m and v
  int64_t average = 0;      // moving average of the parameters; 0 without train.ema_decay
  int64_t teachers = 0;     // their parameters
  int64_t copies = 0;       // bf16 copies that the matrix products read; 0 in f32
  int64_t activations = 0;  // kept for the backward pass, and its work space
  int64_t logits = 0;       // a block of rows' at a time
  int64_t samples = 0;      // key and value cache of the answers to prompts; 0 without prompts
  int64_t primitives = 0;   // compiled matrix products, one for each shape that comes up
  int64_t data = 0;         // the tokenized data, mapped
  int64_t process = 0;      // program, libraries, tokenizer, buffers of reports
  int64_t total = 0;
};
// What a training attempt's process holds at most, in bytes. `rows`: tokens there is memory for at
// a time, core/data's BatchCapacity::likely_rows. `bf16`: the resolved dtype. `data_bytes`: size of
// the tokenized data (0: unknown). Parts of the process itself are measured ones, of the onednn
// backend; the others follow from the spec. Teachers of a distillation are not counted: their size
// is in their own specs.
MemoryEstimate EstimateTrainingMemory(const v1::RunSpec& spec, int64_t vocab_size, int64_t rows,
                                      bool bf16, int64_t data_bytes = 0);
// Upper bound of a batch's rows before the data is known: size for token batches, size * max_seq
// for examples.
int64_t LargestBatchRows(const v1::RunSpec& spec);

}  // namespace shoal::spec
