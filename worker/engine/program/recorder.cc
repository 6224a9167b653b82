#include "worker/engine/program/recorder.h"

#include <cmath>
#include <utility>

#include "core/base/check.h"
#include "core/base/random.h"
#include "core/base/strings.h"

namespace shoal::engine {
namespace {

// The same first dimension, another width.
Shape WithWidth(const Tensor& tensor, int64_t width) {
  Shape shape = tensor.shape;
  shape.rank = 2;
  shape.dims[1] = width;
  return shape;
}

void CheckQkv(const Tensor& qkv, const AttentionForm& form) {
  SHOAL_CHECK(qkv.width() == form.qkv_width(), "attention of ", form.heads, " and ", form.kv_heads,
              " heads of width ", form.head_dim, " over width ", qkv.width());
}

Shape ColumnOf(const Tensor& tensor) {
  return Shape::Column(tensor.shape.extent, tensor.shape.dims[0]);
}

}  // namespace

Recorder::Recorder(std::string name, Dtype act, const Capacity& capacity,
                   const ParameterLayout& layout, IoLayout& io)
    : layout_(layout), io_(io), capacity_(capacity) {
  program_.name = std::move(name);
  program_.act = act;
}

Op& Recorder::Append(shoal_op_kind kind, std::string label) {
  return program_.ops.emplace_back(kind, std::move(label));
}

uint32_t Recorder::NextDropoutStream() { return PurposeOf(Purpose::kDropout, dropouts_++); }

std::string Recorder::Rename(const Tensor& tensor, std::string_view suffix) const {
  return StrCat(program_.slots[static_cast<size_t>(tensor.slot)].name, suffix);
}

Tensor Recorder::ParameterTensor(const std::string& name, Region region) {
  const Parameter* parameter = layout_.Find(name);
  SHOAL_CHECK(parameter != nullptr, "no parameter named ", name);
  for (size_t i = 0; i < program_.slots.size(); ++i) {  // one slot per parameter and region
    const Slot& slot = program_.slots[i];
    if (slot.region == region && slot.name == name) {
      return program_.TensorOf(static_cast<int32_t>(i));
    }
  }
  Slot slot;
  slot.name = name;
  slot.dtype = region == Region::kCopy ? Dtype::kBf16 : stat();
  slot.shape = parameter->shape;
  slot.region = region;
  slot.offset_bytes = parameter->offset * SizeOf(slot.dtype);
  slot.parameter = static_cast<int32_t>(parameter - layout_.parameters().data());
  return program_.AddSlot(std::move(slot));
}

Tensor Recorder::OptionalBias(const std::string& name) {
  const std::string bias = name + ".bias";
  return layout_.Find(bias) == nullptr ? Tensor{} : ParameterTensor(bias, Region::kMaster);
}

Tensor Recorder::Io(std::string_view name, Dtype dtype, const Shape& shape) {
  Slot slot;
  slot.name = std::string(name);
  slot.dtype = dtype;
  slot.shape = shape;
  slot.region = Region::kIo;
  slot.offset_bytes = io_.Place(name, shape.elements() * SizeOf(dtype));
  return program_.AddSlot(std::move(slot));
}

Tensor Recorder::Cache(std::string_view name, int64_t index, int64_t positions, int64_t width) {
  Slot slot;
  slot.name = std::string(name);
  slot.dtype = act();
  slot.shape = Shape::Matrix(positions, width);
  slot.region = Region::kCache;
  slot.offset_bytes = index * AlignTo64(slot.size_bytes());
  return program_.AddSlot(std::move(slot));
}

Tensor Recorder::Embedding(const Tensor& tokens, const Tensor& positions, const Tensor& segments,
                           const EmbeddingTables& tables, double dropout) {
  const Tensor rows = ParameterTensor(tables.tokens, Region::kMaster);
  const Tensor x = program_.NewTensor("embedding", stat(), WithWidth(tokens, rows.width()));
  Op& op = Append(SHOAL_OP_EMBEDDING, "embedding");
  op.code.inputs[0] = tokens.slot;
  op.code.inputs[1] = rows.slot;
  if (!tables.positions.empty()) {
    op.code.inputs[2] = positions.slot;
    op.code.inputs[3] = ParameterTensor(tables.positions, Region::kMaster).slot;
  }
  if (!tables.segments.empty()) {
    op.code.inputs[4] = segments.slot;
    op.code.inputs[5] = ParameterTensor(tables.segments, Region::kMaster).slot;
  }
  op.code.outputs[0] = x.slot;
  op.code.attr.embedding.dropout = static_cast<float>(dropout);
  op.code.attr.embedding.stream = NextDropoutStream();
  return x;
}

Tensor Recorder::Norm(const Tensor& x, const std::string& name, const NormForm& form) {
  return Norm(x, name, form, act());
}

Tensor Recorder::Norm(const Tensor& x, const std::string& name, const NormForm& form,
                      Dtype result) {
  const Tensor gamma = ParameterTensor(name + ".weight", Region::kMaster);
  const Tensor beta = OptionalBias(name);
  SHOAL_CHECK(gamma.shape.dims[0] == x.width(), name, " is of another width than its input");
  const Tensor y = program_.NewTensor(name, result, x.shape);
  const Tensor rstd = program_.NewTensor(name + ".rstd", stat(), ColumnOf(x));
  Op op(SHOAL_OP_NORM, name);
  op.code.inputs[0] = x.slot;
  op.code.inputs[1] = gamma.slot;
  op.code.inputs[2] = beta.slot;
  op.code.outputs[0] = y.slot;
  if (form.kind == NormKind::kLayer) {
    op.code.outputs[2] = program_.NewTensor(name + ".mean", stat(), ColumnOf(x)).slot;
  }
  op.code.outputs[3] = rstd.slot;
  op.code.attr.norm.kind = form.kind == NormKind::kRms ? 1 : 0;
  op.code.attr.norm.eps = static_cast<float>(form.eps);
  program_.ops.push_back(std::move(op));
  return y;
}

Tensor Recorder::Linear(const Tensor& x, const std::string& name) {
  const std::string bias = name + ".bias";
  const Tensor y = Head(x, name + ".weight", layout_.Find(bias) == nullptr ? "" : bias, act());
  program_.slots[static_cast<size_t>(y.slot)].name = name;
  program_.ops.back().label = name;
  return y;
}

Tensor Recorder::Head(const Tensor& h, const std::string& weight, const std::string& bias,
                      Dtype dtype) {
  const Tensor w = ParameterTensor(weight, MatmulRegion(act()));
  SHOAL_CHECK(w.shape.dims[1] == h.width(), weight, " takes ", w.shape.dims[1], " columns, not ",
              h.width());
  SHOAL_CHECK(h.dtype == act(), weight, " needs an input of the act dtype");
  const Tensor b = bias.empty() ? Tensor{} : ParameterTensor(bias, Region::kMaster);
  const Tensor y = program_.NewTensor("logits", dtype, WithWidth(h, w.shape.dims[0]));
  Op& op = Append(SHOAL_OP_LINEAR, "head");
  op.code.inputs[0] = h.slot;
  op.code.inputs[1] = w.slot;
  op.code.inputs[2] = b.slot;
  op.code.outputs[0] = y.slot;
  return y;
}

Tensor Recorder::Activation(const Tensor& x, shoal_activation activation) {
  const Tensor y = program_.NewTensor(Rename(x, ".act"), x.dtype, x.shape);
  Op& op = Append(SHOAL_OP_ACTIVATION, Rename(x, ".act"));
  op.code.inputs[0] = x.slot;
  op.code.outputs[0] = y.slot;
  op.code.attr.activation.activation = activation;
  return y;
}

Tensor Recorder::Add(const Tensor& x, const Tensor& branch, double dropout) {
  SHOAL_CHECK(x.shape == branch.shape, "residual of ", x.shape.ToString(), " and ",
              branch.shape.ToString());
  const Tensor sum = program_.NewTensor(Rename(branch, ".residual"), stat(), x.shape);
  Op& op = Append(SHOAL_OP_ADD, Rename(branch, ".residual"));
  op.code.inputs[0] = x.slot;
  op.code.inputs[1] = branch.slot;
  op.code.outputs[0] = sum.slot;
  op.code.attr.dropout.dropout = static_cast<float>(dropout);
  op.code.attr.dropout.stream = NextDropoutStream();
  return sum;
}

Tensor Recorder::Glu(const Tensor& gate_up, shoal_activation activation) {
  SHOAL_CHECK(gate_up.width() % 2 == 0, "gate and up of width ", gate_up.width());
  const Tensor y = program_.NewTensor(Rename(gate_up, ".glu"), gate_up.dtype,
                                      WithWidth(gate_up, gate_up.width() / 2));
  Op& op = Append(SHOAL_OP_GLU, Rename(gate_up, ".glu"));
  op.code.inputs[0] = gate_up.slot;
  op.code.outputs[0] = y.slot;
  op.code.attr.activation.activation = activation;
  return y;
}

Tensor Recorder::Dropout(const Tensor& x, double dropout) {
  if (dropout == 0) return x;
  const Tensor y = program_.NewTensor(Rename(x, ".dropout"), x.dtype, x.shape);
  Op& op = Append(SHOAL_OP_DROPOUT, Rename(x, ".dropout"));
  op.code.inputs[0] = x.slot;
  op.code.outputs[0] = y.slot;
  op.code.attr.dropout.dropout = static_cast<float>(dropout);
  op.code.attr.dropout.stream = NextDropoutStream();
  return y;
}

Tensor Recorder::Cast(const Tensor& x, Dtype dtype) {
  if (x.dtype == dtype) return x;
  const Tensor y = program_.NewTensor(Rename(x, ".cast"), dtype, x.shape);
  Op& op = Append(SHOAL_OP_CAST, Rename(x, ".cast"));
  op.code.inputs[0] = x.slot;
  op.code.outputs[0] = y.slot;
  return y;
}

Tensor Recorder::Scale(const Tensor& x, double factor) {
  if (factor == 1) return x;
  const Tensor y = program_.NewTensor(Rename(x, ".scaled"), x.dtype, x.shape);
  Op& op = Append(SHOAL_OP_SCALE, Rename(x, ".scaled"));
  op.code.inputs[0] = x.slot;
  op.code.outputs[0] = y.slot;
  op.code.attr.scale.value = static_cast<float>(factor);
  return y;
}

Tensor Recorder::Rope(const Tensor& qkv, const Tensor& positions, const AttentionForm& form,
                      double theta, bool interleaved) {
  CheckQkv(qkv, form);
  const Tensor turned = program_.NewTensor(Rename(qkv, ".rope"), qkv.dtype, qkv.shape);
  Op& op = Append(SHOAL_OP_ROPE, Rename(qkv, ".rope"));
  op.code.inputs[0] = qkv.slot;
  op.code.inputs[1] = positions.slot;
  op.code.outputs[0] = turned.slot;
  auto& rope = op.code.attr.rope;
  rope.heads = static_cast<int32_t>(form.heads);
  rope.kv_heads = static_cast<int32_t>(form.kv_heads);
  rope.head_dim = static_cast<int32_t>(form.head_dim);
  rope.interleaved = interleaved ? 1 : 0;
  rope.theta = static_cast<float>(theta);
  return turned;
}

void Recorder::SetAttention(Op& op, const AttentionForm& form) {
  auto& attention = op.code.attr.attention;
  attention.heads = static_cast<int32_t>(form.heads);
  attention.kv_heads = static_cast<int32_t>(form.kv_heads);
  attention.head_dim = static_cast<int32_t>(form.head_dim);
  attention.mask = form.mask;
  attention.window = form.window;
  attention.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(form.head_dim)));
}

Tensor Recorder::Attention(const Tensor& qkv, const Tensor& offsets, const AttentionForm& form) {
  CheckQkv(qkv, form);
  const Tensor out = program_.NewTensor(Rename(qkv, ".attention"), act(),
                                        WithWidth(qkv, form.heads * form.head_dim));
  const Tensor lse = program_.NewTensor(Rename(qkv, ".lse"), stat(), WithWidth(qkv, form.heads));
  Op& op = Append(SHOAL_OP_ATTENTION, Rename(qkv, ".attention"));
  op.code.inputs[0] = qkv.slot;
  op.code.inputs[1] = offsets.slot;
  op.code.outputs[0] = out.slot;
  op.code.outputs[1] = lse.slot;
  SetAttention(op, form);
  op.code.attr.attention.dropout = static_cast<float>(form.dropout);
  op.code.attr.attention.stream = NextDropoutStream();
  return out;
}

Tensor Recorder::AttentionProbabilities(const Tensor& qkv, const Tensor& offsets,
                                        const AttentionForm& form, int64_t positions) {
  CheckQkv(qkv, form);
  const Tensor seen = program_.NewTensor(Rename(qkv, ".probabilities"), stat(),
                                         WithWidth(qkv, form.heads * positions));
  Op& op = Append(SHOAL_OP_ATTENTION_PROBABILITIES, Rename(qkv, ".probabilities"));
  op.code.inputs[0] = qkv.slot;
  op.code.inputs[1] = offsets.slot;
  op.code.outputs[0] = seen.slot;
  SetAttention(op, form);
  return seen;
}

Tensor Recorder::AttentionCached(const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                                 const AttentionForm& form) {
  CheckQkv(qkv, form);
  SHOAL_CHECK(k_cache.width() == form.kv_heads * form.head_dim, "a cache of width ",
              k_cache.width());
  const Tensor out = program_.NewTensor(Rename(qkv, ".attention"), act(),
                                        WithWidth(qkv, form.heads * form.head_dim));
  Op& op = Append(SHOAL_OP_ATTENTION_CACHED, Rename(qkv, ".attention"));
  op.code.inputs[0] = qkv.slot;
  op.code.outputs[0] = out.slot;
  op.code.outputs[1] = k_cache.slot;
  op.code.outputs[2] = v_cache.slot;
  SetAttention(op, form);
  return out;
}

Tensor Recorder::GatherRows(const Tensor& x, const Tensor& rows) {
  const Tensor y = program_.NewTensor(Rename(x, ".selected"), x.dtype, WithWidth(rows, x.width()));
  Op& op = Append(SHOAL_OP_GATHER_ROWS, Rename(x, ".selected"));
  op.code.inputs[0] = x.slot;
  op.code.inputs[1] = rows.slot;
  op.code.outputs[0] = y.slot;
  return y;
}

Tensor Recorder::MeanPool(const Tensor& x, const Tensor& offsets) {
  Shape shape = Shape::Column(Extent::kSelected, capacity_.selected);
  shape.rank = 2;
  shape.dims[1] = x.width();
  const Tensor y = program_.NewTensor(Rename(x, ".mean"), x.dtype, shape);
  Op& op = Append(SHOAL_OP_MEAN_POOL, Rename(x, ".mean"));
  op.code.inputs[0] = x.slot;
  op.code.inputs[1] = offsets.slot;
  op.code.outputs[0] = y.slot;
  return y;
}

Tensor Recorder::CrossEntropy(const Tensor& logits, const Tensor& targets, double label_smoothing) {
  const Tensor loss = Io("loss", stat(), ColumnOf(logits));
  Op& op = Append(SHOAL_OP_CROSS_ENTROPY, "cross_entropy");
  op.code.inputs[0] = logits.slot;
  op.code.inputs[1] = targets.slot;
  op.code.outputs[0] = loss.slot;
  op.code.attr.linear.label_smoothing = static_cast<float>(label_smoothing);
  return loss;
}

Tensor Recorder::DistillationLoss(const Tensor& logits, const Tensor& targets,
                                  const Tensor& probabilities, const DistillationSettings& settings,
                                  double label_smoothing) {
  const Tensor loss = Io("loss", stat(), ColumnOf(logits));
  Op& op = Append(SHOAL_OP_DISTILLATION_LOSS, "distillation");
  op.code.inputs[0] = logits.slot;
  op.code.inputs[1] = targets.slot;
  op.code.inputs[2] = probabilities.slot;
  op.code.outputs[0] = loss.slot;
  auto& distillation = op.code.attr.distillation;
  distillation.temperature = static_cast<float>(settings.temperature);
  distillation.weight = static_cast<float>(settings.weight);
  distillation.label_smoothing = static_cast<float>(label_smoothing);
  return loss;
}

void Recorder::AddScaled(const Tensor& x, double weight, const Tensor& sum, bool first) {
  Op& op = Append(SHOAL_OP_SCALE, Rename(x, ".sum"));
  op.code.inputs[0] = x.slot;
  op.code.outputs[0] = sum.slot;
  op.code.attr.scale.value = static_cast<float>(weight);
  op.code.attr.scale.write = first ? SHOAL_WRITE_OVERWRITE : SHOAL_WRITE_ADD;
}

void Recorder::AddSoftmax(const Tensor& logits, double temperature, double weight,
                          const Tensor& sum, bool first) {
  Op& op = Append(SHOAL_OP_SOFTMAX, Rename(logits, ".softmax"));
  op.code.inputs[0] = logits.slot;
  op.code.outputs[0] = sum.slot;
  op.code.attr.softmax.scale = static_cast<float>(1.0 / temperature);
  op.code.attr.softmax.weight = static_cast<float>(weight);
  op.code.attr.softmax.write = first ? SHOAL_WRITE_OVERWRITE : SHOAL_WRITE_ADD;
}

void Recorder::Sum(const Tensor& x, std::string_view result) {
  const Tensor total = Io(result, stat(), Shape::Vector(1));
  Op& op = Append(SHOAL_OP_SUM, std::string(result));
  op.code.inputs[0] = x.slot;
  op.code.outputs[0] = total.slot;
}

void Recorder::Return(const Tensor& x, std::string_view result) {
  Slot& slot = program_.slots[static_cast<size_t>(x.slot)];
  SHOAL_CHECK(slot.region == Region::kArena, slot.name, " has a place already");
  slot.name = std::string(result);
  slot.region = Region::kIo;
  slot.offset_bytes = io_.Place(result, slot.size_bytes());
}

Tensor Recorder::NewSlot(Region region, std::string_view name, int64_t offset, const Shape& shape,
                         Dtype dtype) {
  Slot slot;
  slot.name = std::string(name);
  slot.dtype = dtype;
  slot.shape = shape;
  slot.region = region;
  slot.offset_bytes = offset * SizeOf(dtype);
  return program_.AddSlot(std::move(slot));
}

Tensor Recorder::Flat(Region region, const ParameterRange& range, Dtype dtype) {
  return NewSlot(region, RegionName(region), range.offset, Shape::Vector(range.elements), dtype);
}

Tensor Recorder::GlobalNorm(std::string_view result) {
  const Tensor gradients = Flat(Region::kGradient, {0, layout_.flat_elements()}, stat());
  const Tensor norm = Io(result, stat(), Shape::Vector(1));
  Op& op = Append(SHOAL_OP_GLOBAL_NORM, "gradient norm");
  op.code.inputs[0] = gradients.slot;
  op.code.outputs[0] = norm.slot;
  return norm;
}

void Recorder::AdamW(const ParameterRange& range, const Tensor& norm, const AdamWSettings& settings,
                     std::string label) {
  if (range.elements == 0) return;
  const Tensor gradients = Flat(Region::kGradient, range, stat());
  const Tensor parameters = Flat(Region::kMaster, range, stat());
  const Tensor moment1 = Flat(Region::kMoment1, range, stat());
  const Tensor moment2 = Flat(Region::kMoment2, range, stat());
  Op op(SHOAL_OP_ADAMW, std::move(label));
  op.code.inputs[0] = gradients.slot;
  op.code.inputs[1] = norm.slot;
  op.code.outputs[0] = parameters.slot;
  op.code.outputs[1] = moment1.slot;
  op.code.outputs[2] = moment2.slot;
  if (act() == Dtype::kBf16) {
    op.code.outputs[3] = Flat(Region::kCopy, range, Dtype::kBf16).slot;
  }
  auto& adamw = op.code.attr.adamw;
  adamw.beta1 = static_cast<float>(settings.beta1);
  adamw.beta2 = static_cast<float>(settings.beta2);
  adamw.eps = static_cast<float>(settings.eps);
  adamw.weight_decay = static_cast<float>(settings.weight_decay);
  adamw.clip = static_cast<float>(settings.clip_norm);
  adamw.lr_multiplier = 1;
  program_.ops.push_back(std::move(op));
}

void Recorder::Muon(const Tensor& norm, const MuonSettings& settings) {
  for (const Parameter& parameter : layout_.parameters()) {
    if (!parameter.muon) continue;
    int64_t row = 0;
    for (const int64_t rows : parameter.parts) {
      AppendMuon(parameter, row, rows, norm, settings);
      row += rows;
    }
  }
}

void Recorder::AppendMuon(const Parameter& parameter, int64_t first_row, int64_t rows,
                          const Tensor& norm, const MuonSettings& settings) {
  const int64_t columns = parameter.shape.dims[1];
  const int64_t offset = parameter.offset + first_row * columns;
  const Shape shape = Shape::Matrix(rows, columns);
  const auto slot = [&](Region region, Dtype dtype) {
    return NewSlot(region, parameter.name, offset, shape, dtype).slot;
  };
  Op op(SHOAL_OP_MUON, StrCat("muon.", parameter.name));
  op.code.inputs[0] = slot(Region::kGradient, stat());
  op.code.inputs[1] = norm.slot;
  op.code.outputs[0] = slot(Region::kMaster, stat());
  op.code.outputs[1] = slot(Region::kMoment1, stat());
  if (act() == Dtype::kBf16) op.code.outputs[2] = slot(Region::kCopy, Dtype::kBf16);
  auto& muon = op.code.attr.muon;
  muon.momentum = static_cast<float>(settings.momentum);
  muon.weight_decay = static_cast<float>(settings.weight_decay);
  muon.clip = static_cast<float>(settings.clip_norm);
  muon.lr_multiplier = static_cast<float>(settings.lr_multiplier);
  muon.iterations = settings.iterations;
  program_.ops.push_back(std::move(op));
}

void Recorder::MovingAverage(double decay) {
  const ParameterRange all = {0, layout_.flat_elements()};
  Op op(SHOAL_OP_MOVING_AVERAGE, "moving average");
  op.code.inputs[0] = Flat(Region::kMaster, all, stat()).slot;
  op.code.outputs[0] = Flat(Region::kAverage, all, stat()).slot;
  if (act() == Dtype::kBf16) {
    op.code.outputs[1] = Flat(Region::kAverageCopy, all, Dtype::kBf16).slot;
  }
  op.code.attr.moving_average.decay = static_cast<float>(decay);
  program_.ops.push_back(std::move(op));
}

}  // namespace shoal::engine
