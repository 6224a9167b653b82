#include "worker/engine/model/task.h"

namespace shoal::engine {

Task TaskOf(const v1::ModelSpec& model) {
  if (model.head() == "mlm") return Task::kMaskedTokens;
  return model.head() == "classifier" ? Task::kLabels : Task::kNextToken;
}

Shape TargetShape(const Recorder& r, Task task) {
  return task == Task::kNextToken ? Shape::Column(Extent::kRows, r.capacity().rows)
                                  : Shape::Column(Extent::kSelected, r.capacity().selected);
}

Tensor RecordLogits(Recorder& r, const Transformer& model, Dtype dtype) {
  const Task task = TaskOf(model.spec());
  const Shape row = Shape::Column(Extent::kRows, r.capacity().rows);
  ModelInputs inputs;
  inputs.tokens = r.Io("tokens", Dtype::kI32, row);
  inputs.positions = r.Io("positions", Dtype::kI32, row);
  if (model.has_segments()) inputs.segments = r.Io("segments", Dtype::kI32, row);
  inputs.offsets = r.Io("offsets", Dtype::kI32,
                        Shape::Column(Extent::kSequencesPlus1, r.capacity().sequences + 1));
  const Tensor hidden = model.Hidden(r, inputs);
  if (task == Task::kNextToken) return model.Logits(r, hidden, dtype);
  const Tensor rows = r.Io("rows", Dtype::kI32, TargetShape(r, task));
  if (task == Task::kMaskedTokens) return model.Logits(r, r.GatherRows(hidden, rows), dtype);
  return model.LabelLogits(r, hidden, inputs, rows, dtype);
}

}  // namespace shoal::engine
