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

Tensor Recorder::Embedding(const Tensor& tokens, const std::string& table, const Tensor& positions,
                           const std::string& position_table, double dropout) {
  const Tensor rows = ParameterTensor(table, Region::kMaster);
  const Tensor position_rows = ParameterTensor(position_table, Region::kMaster);
  SHOAL_CHECK(rows.width() == position_rows.width());
  const Tensor x = program_.NewTensor("embedding", stat(), WithWidth(tokens, rows.width()));
  Op& op = Append(SHOAL_OP_EMBEDDING, "embedding");
  op.code.inputs[0] = tokens.slot;
  op.code.inputs[1] = rows.slot;
  op.code.inputs[2] = positions.slot;
  op.code.inputs[3] = position_rows.slot;
  op.code.outputs[0] = x.slot;
  op.code.attr.embedding.dropout = static_cast<float>(dropout);
  op.code.attr.embedding.stream = NextDropoutStream();
  return x;
}

Tensor Recorder::Norm(const Tensor& x, const std::string& name, double eps) {
  const Tensor gamma = ParameterTensor(name + ".weight", Region::kMaster);
  const Tensor beta = OptionalBias(name);
  SHOAL_CHECK(gamma.shape.dims[0] == x.width(), name, " is of another width than its input");
  const Tensor y = program_.NewTensor(name, act(), x.shape);
  const Tensor mean = program_.NewTensor(name + ".mean", stat(), ColumnOf(x));
  const Tensor rstd = program_.NewTensor(name + ".rstd", stat(), ColumnOf(x));
  Op& op = Append(SHOAL_OP_NORM, name);
  op.code.inputs[0] = x.slot;
  op.code.inputs[1] = gamma.slot;
  op.code.inputs[2] = beta.slot;
  op.code.outputs[0] = y.slot;
  op.code.outputs[2] = mean.slot;
  op.code.outputs[3] = rstd.slot;
  op.code.attr.norm.eps = static_cast<float>(eps);
  return y;
}

Tensor Recorder::Linear(const Tensor& x, const std::string& name) {
  const Tensor y = Head(x, name + ".weight", act());
  program_.slots[static_cast<size_t>(y.slot)].name = name;
  Op& op = program_.ops.back();
  op.label = name;
  op.code.inputs[2] = OptionalBias(name).slot;
  return y;
}

Tensor Recorder::Head(const Tensor& h, const std::string& weight, Dtype dtype) {
  const Tensor w = ParameterTensor(weight, MatmulRegion(act()));
  SHOAL_CHECK(w.shape.dims[1] == h.width(), weight, " takes ", w.shape.dims[1], " columns, not ",
              h.width());
  SHOAL_CHECK(h.dtype == act(), weight, " needs an input of the act dtype");
  const Tensor y = program_.NewTensor("logits", dtype, WithWidth(h, w.shape.dims[0]));
  Op& op = Append(SHOAL_OP_LINEAR, "head");
  op.code.inputs[0] = h.slot;
  op.code.inputs[1] = w.slot;
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

Tensor Recorder::Attention(const Tensor& qkv, const Tensor& offsets, int64_t heads,
                           double dropout) {
  const int64_t width = qkv.width() / 3;
  SHOAL_CHECK(width * 3 == qkv.width() && width % heads == 0, "attention over width ", width,
              " with ", heads, " heads");
  const Tensor out = program_.NewTensor(Rename(qkv, ".attention"), act(), WithWidth(qkv, width));
  const Tensor lse = program_.NewTensor(Rename(qkv, ".lse"), stat(), WithWidth(qkv, heads));
  Op& op = Append(SHOAL_OP_ATTENTION, Rename(qkv, ".attention"));
  op.code.inputs[0] = qkv.slot;
  op.code.inputs[1] = offsets.slot;
  op.code.outputs[0] = out.slot;
  op.code.outputs[1] = lse.slot;
  auto& attention = op.code.attr.attention;
  attention.heads = attention.kv_heads = static_cast<int32_t>(heads);
  attention.head_dim = static_cast<int32_t>(width / heads);
  attention.mask = SHOAL_MASK_CAUSAL;
  attention.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width / heads)));
  attention.dropout = static_cast<float>(dropout);
  attention.stream = NextDropoutStream();
  return out;
}

Tensor Recorder::AttentionCached(const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                                 int64_t heads) {
  const int64_t width = k_cache.width();
  SHOAL_CHECK(width * 3 == qkv.width() && width % heads == 0, "attention over width ", width,
              " with ", heads, " heads");
  const Tensor out = program_.NewTensor(Rename(qkv, ".attention"), act(), WithWidth(qkv, width));
  Op& op = Append(SHOAL_OP_ATTENTION_CACHED, Rename(qkv, ".attention"));
  op.code.inputs[0] = qkv.slot;
  op.code.outputs[0] = out.slot;
  op.code.outputs[1] = k_cache.slot;
  op.code.outputs[2] = v_cache.slot;
  auto& attention = op.code.attr.attention;
  attention.heads = attention.kv_heads = static_cast<int32_t>(heads);
  attention.head_dim = static_cast<int32_t>(width / heads);
  attention.mask = SHOAL_MASK_CAUSAL;
  attention.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width / heads)));
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

Tensor Recorder::CrossEntropy(const Tensor& logits, const Tensor& targets) {
  const Tensor loss = Io("loss", stat(), ColumnOf(logits));
  Op& op = Append(SHOAL_OP_CROSS_ENTROPY, "cross_entropy");
  op.code.inputs[0] = logits.slot;
  op.code.inputs[1] = targets.slot;
  op.code.outputs[0] = loss.slot;
  return loss;
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

Tensor Recorder::Flat(Region region, const ParameterRange& range, Dtype dtype) {
  Slot slot;
  slot.name = std::string(RegionName(region));
  slot.dtype = dtype;
  slot.shape = Shape::Vector(range.elements);
  slot.region = region;
  slot.offset_bytes = range.offset * SizeOf(dtype);
  return program_.AddSlot(std::move(slot));
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

}  // namespace shoal::engine
