#include "worker/engine/program/backward.h"

#include <string>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::engine {
namespace {

class Differentiator {
 public:
  Differentiator(Program& program, const ParameterLayout& layout)
      : program_(program),
        layout_(layout),
        gradients_(program.slots.size(), SHOAL_NO_SLOT),
        written_(layout.parameters().size(), false) {}

  absl::Status Run() {
    const size_t forward_ops = program_.ops.size();
    for (size_t i = forward_ops; i-- > 0;) SHOAL_RETURN_IF_ERROR(Visit(i));
    for (size_t i = 0; i < written_.size(); ++i) {
      if (!written_[i]) {
        return absl::InternalError(StrCat("program ", program_.name, ": parameter ",
                                          layout_.parameters()[i].name,
                                          " does not reach the loss"));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Visit(size_t index) {
    const Op op = program_.ops[index];  // a copy: the list grows below
    switch (op.kind()) {
      case SHOAL_OP_SUM:
        return absl::OkStatus();  // a report, not part of the loss
      case SHOAL_OP_CROSS_ENTROPY:
      case SHOAL_OP_DISTILLATION_LOSS:
        return Loss(index);
      case SHOAL_OP_LINEAR:
        return Linear(op);
      case SHOAL_OP_ACTIVATION:
        return Activation(op);
      case SHOAL_OP_ATTENTION:
        return Attention(op);
      case SHOAL_OP_NORM:
        return Norm(op);
      case SHOAL_OP_ADD:
        return Add(op);
      case SHOAL_OP_EMBEDDING:
        return Embedding(op);
      case SHOAL_OP_GLU:
        return Glu(op);
      case SHOAL_OP_ROPE:
        return Rope(op);
      case SHOAL_OP_DROPOUT:
        return Dropout(op);
      case SHOAL_OP_SCALE:
        return Scale(op);
      case SHOAL_OP_CAST:
        return Cast(op);
      case SHOAL_OP_GATHER_ROWS:
        return Rows(op, SHOAL_OP_SCATTER_ROWS);
      case SHOAL_OP_MEAN_POOL:
        return Rows(op, SHOAL_OP_MEAN_POOL_BACKWARD);
      default:
        return absl::UnimplementedError(StrCat("program ", program_.name, ": ",
                                               OpName(op.code.kind), " (", op.label,
                                               ") has no gradient rule"));
    }
  }

  // d loss / d logits comes out of the forward operation itself.
  absl::Status Loss(size_t index) {
    const Tensor logits = program_.TensorOf(program_.ops[index].in(0));
    const Tensor d_logits = NewGradient(logits, logits.dtype);
    program_.ops[index].code.outputs[1] = d_logits.slot;
    return SetGradient(logits.slot, d_logits.slot, program_.ops[index]);
  }

  // y = x w^T + b:  dw = dy^T x, db = sum of dy's rows, dx = dy w.
  absl::Status Linear(const Op& op) {
    const Tensor x = program_.TensorOf(op.in(0));
    const int32_t dy = GradientOf(op.out(0), program_.act);
    Op weights(SHOAL_OP_LINEAR_BACKWARD_WEIGHTS, op.label + ".dw");
    weights.code.inputs[0] = dy;
    weights.code.inputs[1] = x.slot;
    weights.code.outputs[0] = ParameterGradient(op.in(1), weights.code.attr.linear.write);
    if (op.in(2) != SHOAL_NO_SLOT) {
      weights.code.outputs[1] = ParameterGradient(op.in(2), weights.code.attr.linear.write);
    }
    program_.ops.push_back(std::move(weights));

    const Tensor dx = NewGradient(x, program_.act);
    Op data(SHOAL_OP_LINEAR_BACKWARD_DATA, op.label + ".dx");
    data.code.inputs[0] = dy;
    data.code.inputs[1] = op.in(1);
    data.code.outputs[0] = dx.slot;
    program_.ops.push_back(std::move(data));
    return SetGradient(x.slot, dx.slot, op);
  }

  absl::Status Activation(const Op& op) {
    const Tensor x = program_.TensorOf(op.in(0));
    const int32_t activation = op.code.attr.activation.activation;
    const bool from_output =
        activation == SHOAL_ACTIVATION_RELU || activation == SHOAL_ACTIVATION_TANH;
    const Tensor dx = NewGradient(x, x.dtype);
    const int32_t dy = GradientOf(op.out(0), x.dtype);
    Op backward(SHOAL_OP_ACTIVATION_BACKWARD, op.label + ".dx");
    backward.code.inputs[0] = dy;
    backward.code.inputs[1] = from_output ? op.out(0) : op.in(0);
    backward.code.outputs[0] = dx.slot;
    backward.code.attr.activation = op.code.attr.activation;
    program_.ops.push_back(std::move(backward));
    return SetGradient(x.slot, dx.slot, op);
  }

  absl::Status Attention(const Op& op) {
    const Tensor qkv = program_.TensorOf(op.in(0));
    const Tensor d_qkv = NewGradient(qkv, qkv.dtype);
    const int32_t d_out = GradientOf(op.out(0), qkv.dtype);
    Op backward(SHOAL_OP_ATTENTION_BACKWARD, op.label + ".dx");
    backward.code.inputs[0] = d_out;
    backward.code.inputs[1] = qkv.slot;
    backward.code.inputs[2] = op.out(0);
    backward.code.inputs[3] = op.out(1);
    backward.code.inputs[4] = op.in(1);
    backward.code.outputs[0] = d_qkv.slot;
    backward.code.attr.attention = op.code.attr.attention;
    program_.ops.push_back(std::move(backward));
    return SetGradient(qkv.slot, d_qkv.slot, op);
  }

  // The input of a norm is the residual stream: what already flows back past the norm is its dskip.
  absl::Status Norm(const Op& op) {
    const Tensor x = program_.TensorOf(op.in(0));
    const Tensor dx = NewGradient(x, program_.stat());
    Op backward(SHOAL_OP_NORM_BACKWARD, op.label + ".dx");
    backward.code.inputs[0] = GradientOf(op.out(0));
    backward.code.inputs[1] = x.slot;
    backward.code.inputs[2] = op.in(1);
    backward.code.inputs[3] = op.out(2);
    backward.code.inputs[4] = op.out(3);
    backward.code.inputs[5] = gradients_[static_cast<size_t>(x.slot)];
    backward.code.outputs[0] = dx.slot;
    backward.code.attr.norm = op.code.attr.norm;
    backward.code.outputs[1] = ParameterGradient(op.in(1), backward.code.attr.norm.write);
    if (op.in(2) != SHOAL_NO_SLOT) {
      backward.code.outputs[2] = ParameterGradient(op.in(2), backward.code.attr.norm.write);
    }
    program_.ops.push_back(std::move(backward));
    gradients_[static_cast<size_t>(x.slot)] = dx.slot;  // the skip is in it
    return absl::OkStatus();
  }

  // sum = x + dropout(branch): x gets the gradient as it is, the branch through the same dropout.
  absl::Status Add(const Op& op) {
    const int32_t d_sum = GradientOf(op.out(0));
    SHOAL_RETURN_IF_ERROR(SetGradient(op.in(0), d_sum, op));
    const Tensor branch = program_.TensorOf(op.in(1));
    if (op.code.attr.dropout.dropout == 0 && branch.dtype == program_.stat()) {
      return SetGradient(branch.slot, d_sum, op);
    }
    const Tensor d_branch = NewGradient(branch, branch.dtype);
    Op backward(SHOAL_OP_DROPOUT, op.label + ".dx");
    backward.code.inputs[0] = d_sum;
    backward.code.outputs[0] = d_branch.slot;
    backward.code.attr.dropout = op.code.attr.dropout;
    program_.ops.push_back(std::move(backward));
    return SetGradient(branch.slot, d_branch.slot, op);
  }

  // [gate | up]: both parts' gradients at once.
  absl::Status Glu(const Op& op) {
    const Tensor x = program_.TensorOf(op.in(0));
    const int32_t dy = GradientOf(op.out(0), x.dtype);
    const Tensor dx = NewGradient(x, x.dtype);
    Op backward(SHOAL_OP_GLU_BACKWARD, op.label + ".dx");
    backward.code.inputs[0] = dy;
    backward.code.inputs[1] = x.slot;
    backward.code.outputs[0] = dx.slot;
    backward.code.attr.activation = op.code.attr.activation;
    program_.ops.push_back(std::move(backward));
    return SetGradient(x.slot, dx.slot, op);
  }

  // Linear maps of which the transpose is the same operation, on the gradient.
  absl::Status Transposed(const Op& op, Op backward) {
    const Tensor x = program_.TensorOf(op.in(0));
    const int32_t dy = GradientOf(op.out(0), x.dtype);
    const Tensor dx = NewGradient(x, x.dtype);
    backward.label = op.label + ".dx";
    backward.code.inputs[0] = dy;
    backward.code.outputs[0] = dx.slot;
    program_.ops.push_back(std::move(backward));
    return SetGradient(x.slot, dx.slot, op);
  }
  absl::Status Dropout(const Op& op) { return Transposed(op, op); }
  absl::Status Scale(const Op& op) { return Transposed(op, op); }
  absl::Status Rope(const Op& op) {  // the rotation back
    Op back = op;
    back.code.attr.rope.inverse = op.code.attr.rope.inverse == 0 ? 1 : 0;
    return Transposed(op, std::move(back));
  }

  // The gradient keeps the type it has, unless who needs it asks for another.
  absl::Status Cast(const Op& op) { return SetGradient(op.in(0), GradientOf(op.out(0)), op); }

  // Rows chosen or averaged: each gets its part back.
  absl::Status Rows(const Op& op, shoal_op_kind kind) {
    const Tensor x = program_.TensorOf(op.in(0));
    const int32_t dy = GradientOf(op.out(0));
    const Tensor dx = NewGradient(x, x.dtype);
    Op backward(kind, op.label + ".dx");
    backward.code.inputs[0] = dy;
    backward.code.inputs[1] = op.in(1);
    backward.code.outputs[0] = dx.slot;
    program_.ops.push_back(std::move(backward));
    return SetGradient(x.slot, dx.slot, op);
  }

  absl::Status Embedding(const Op& op) {
    const int32_t dx = GradientOf(op.out(0), program_.stat());
    Op backward(SHOAL_OP_EMBEDDING_BACKWARD, op.label + ".dw");
    backward.code.inputs[0] = dx;
    backward.code.inputs[1] = op.in(0);
    backward.code.inputs[2] = op.in(2);
    backward.code.attr.embedding = op.code.attr.embedding;
    auto& embedding = backward.code.attr.embedding;
    backward.code.outputs[0] = ParameterGradient(op.in(1), embedding.write);
    if (op.in(3) != SHOAL_NO_SLOT) {
      backward.code.outputs[1] = ParameterGradient(op.in(3), embedding.write_positions);
    }
    if (op.in(5) != SHOAL_NO_SLOT) {
      backward.code.inputs[3] = op.in(4);
      backward.code.outputs[2] = ParameterGradient(op.in(5), embedding.write_segments);
    }
    program_.ops.push_back(std::move(backward));
    return absl::OkStatus();
  }

  int32_t GradientOf(int32_t slot) const {
    const int32_t gradient = gradients_[static_cast<size_t>(slot)];
    SHOAL_CHECK(gradient != SHOAL_NO_SLOT, "nothing flows back into ",
                program_.slots[static_cast<size_t>(slot)].name);
    return gradient;
  }

  // The same in a type that an operation insists on.
  int32_t GradientOf(int32_t slot, Dtype dtype) {
    const int32_t gradient = GradientOf(slot);
    if (program_.slots[static_cast<size_t>(gradient)].dtype == dtype) return gradient;
    const Tensor cast = NewGradient(program_.TensorOf(slot), dtype);
    Op op(SHOAL_OP_CAST, program_.slots[static_cast<size_t>(cast.slot)].name);
    op.code.inputs[0] = gradient;
    op.code.outputs[0] = cast.slot;
    program_.ops.push_back(std::move(op));
    return cast.slot;
  }

  // Where a tensor is used twice, its gradient is the sum of both.
  absl::Status SetGradient(int32_t slot, int32_t gradient, const Op& op) {
    int32_t& known = gradients_[static_cast<size_t>(slot)];
    if (known == SHOAL_NO_SLOT) {
      known = gradient;
      return absl::OkStatus();
    }
    const Tensor sum = NewGradient(program_.TensorOf(slot), program_.stat());
    Op add(SHOAL_OP_ADD, op.label + ".dsum");
    add.code.inputs[0] = gradients_[static_cast<size_t>(slot)];
    add.code.inputs[1] = gradient;
    add.code.outputs[0] = sum.slot;
    program_.ops.push_back(std::move(add));
    gradients_[static_cast<size_t>(slot)] = sum.slot;
    return absl::OkStatus();
  }

  Tensor NewGradient(const Tensor& tensor, Dtype dtype) {
    std::string name = StrCat("d(", program_.slots[static_cast<size_t>(tensor.slot)].name, ")");
    const Tensor gradient = program_.NewTensor(std::move(name), dtype, tensor.shape);
    gradients_.resize(program_.slots.size(), SHOAL_NO_SLOT);
    return gradient;
  }

  // The gradient slot of the parameter in `slot`; `write` becomes how this writer must write it.
  int32_t ParameterGradient(int32_t slot, int32_t& write) {
    const int32_t index = program_.slots[static_cast<size_t>(slot)].parameter;
    SHOAL_CHECK(index >= 0, program_.slots[static_cast<size_t>(slot)].name, " is no parameter");
    const Parameter& parameter = layout_.parameters()[static_cast<size_t>(index)];
    write = written_[static_cast<size_t>(index)] ? SHOAL_WRITE_ADD : SHOAL_WRITE_BY_SCALAR;
    written_[static_cast<size_t>(index)] = true;
    Slot gradient;
    gradient.name = StrCat("d(", parameter.name, ")");
    gradient.dtype = program_.stat();
    gradient.shape = parameter.shape;
    gradient.region = Region::kGradient;
    gradient.offset_bytes = parameter.offset * SizeOf(gradient.dtype);
    gradient.parameter = index;
    const Tensor tensor = program_.AddSlot(std::move(gradient));
    gradients_.resize(program_.slots.size(), SHOAL_NO_SLOT);
    return tensor.slot;
  }

  Program& program_;
  const ParameterLayout& layout_;
  std::vector<int32_t> gradients_;  // of each slot: the slot of its gradient
  std::vector<bool> written_;       // of each parameter
};

}  // namespace

absl::Status AppendBackward(Program& program, const ParameterLayout& layout) {
  return Differentiator(program, layout).Run();
}

}  // namespace shoal::engine
