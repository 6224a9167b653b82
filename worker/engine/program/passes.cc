#include "worker/engine/program/passes.h"

#include <algorithm>
#include <vector>

namespace shoal::engine {
namespace {

constexpr int kNone = -1;

// Who makes and who reads each slot. Operations are removed by turning them INVALID; Compact drops
// them at the end of a pass.
class Rewriter {
 public:
  explicit Rewriter(Program& program) : program_(program) {}

  std::vector<Op>& ops() { return program_.ops; }
  int size() const { return static_cast<int>(program_.ops.size()); }
  Op& op(int i) { return program_.ops[static_cast<size_t>(i)]; }

  int Producer(int32_t slot) {
    for (int i = 0; i < size(); ++i) {
      for (int32_t output : op(i).code.outputs) {
        if (slot != SHOAL_NO_SLOT && output == slot && !Removed(i)) return i;
      }
    }
    return kNone;
  }

  std::vector<int> Readers(int32_t slot) {
    std::vector<int> readers;
    for (int i = 0; i < size(); ++i) {
      if (Removed(i) || slot == SHOAL_NO_SLOT) continue;
      const auto& inputs = op(i).code.inputs;
      if (std::find(std::begin(inputs), std::end(inputs), slot) != std::end(inputs)) {
        readers.push_back(i);
      }
    }
    return readers;
  }

  // The only reader of `slot` when it is of that kind, else none.
  int OnlyReader(int32_t slot, shoal_op_kind kind) {
    const std::vector<int> readers = Readers(slot);
    return readers.size() == 1 && op(readers[0]).kind() == kind ? readers[0] : kNone;
  }

  bool IsInArena(int32_t slot) const {
    return program_.slots[static_cast<size_t>(slot)].region == Region::kArena;
  }

  bool IsAct(int32_t slot) const {
    return program_.slots[static_cast<size_t>(slot)].dtype == program_.act;
  }

  void Remove(int i) { op(i).code.kind = SHOAL_OP_INVALID; }
  bool Removed(int i) { return op(i).code.kind == SHOAL_OP_INVALID; }
  void Compact() {
    std::erase_if(program_.ops, [](const Op& o) { return o.code.kind == SHOAL_OP_INVALID; });
  }

 private:
  Program& program_;
};

// What linear layers can do on their way out; see the contract.
bool IsFusable(int32_t activation) {
  return activation == SHOAL_ACTIVATION_RELU || activation == SHOAL_ACTIVATION_GELU_TANH ||
         activation == SHOAL_ACTIVATION_GELU_ERF;
}

// y = act(linear(x)): the linear writes the activated value, and the one before it when the
// backward of the activation needs it (GELU).
void FuseActivation(Rewriter& rewriter) {
  for (int i = 0; i < rewriter.size(); ++i) {
    Op& activation = rewriter.op(i);
    if (activation.kind() != SHOAL_OP_ACTIVATION ||
        !IsFusable(activation.code.attr.activation.activation)) {
      continue;
    }
    const int32_t pre = activation.in(0);
    const int producer = rewriter.Producer(pre);
    if (producer == kNone || rewriter.op(producer).kind() != SHOAL_OP_LINEAR) continue;
    Op& linear = rewriter.op(producer);
    if (linear.code.attr.linear.activation != SHOAL_ACTIVATION_NONE) continue;
    bool fits = true;
    for (int reader : rewriter.Readers(pre)) {
      fits = fits && (reader == i || rewriter.op(reader).kind() == SHOAL_OP_ACTIVATION_BACKWARD);
    }
    if (!fits) continue;
    linear.code.outputs[0] = activation.out(0);
    linear.code.outputs[1] = rewriter.Readers(pre).size() > 1 ? pre : SHOAL_NO_SLOT;
    linear.code.attr.linear.activation = activation.code.attr.activation.activation;
    linear.label = activation.label;
    rewriter.Remove(i);
  }
  rewriter.Compact();
}

// y = norm(x + dropout(branch)). Nothing between the two may read the sum.
void FuseResidual(Rewriter& rewriter) {
  for (int i = 0; i < rewriter.size(); ++i) {
    Op& add = rewriter.op(i);
    if (add.kind() != SHOAL_OP_ADD) continue;
    const std::vector<int> readers = rewriter.Readers(add.out(0));
    if (readers.empty()) continue;
    Op& norm = rewriter.op(readers[0]);
    if (norm.kind() != SHOAL_OP_NORM || norm.in(0) != add.out(0) || norm.in(3) != SHOAL_NO_SLOT) {
      continue;
    }
    norm.code.inputs[0] = add.in(0);
    norm.code.inputs[3] = add.in(1);
    norm.code.outputs[1] = add.out(0);
    norm.code.attr.norm.dropout = add.code.attr.dropout.dropout;
    norm.code.attr.norm.stream = add.code.attr.dropout.stream;
    rewriter.Remove(i);
  }
  rewriter.Compact();
}

// dx = (dy w) * act'(saved).
void FuseActivationBackward(Rewriter& rewriter) {
  for (int i = 0; i < rewriter.size(); ++i) {
    Op& data = rewriter.op(i);
    if (data.kind() != SHOAL_OP_LINEAR_BACKWARD_DATA || data.in(2) != SHOAL_NO_SLOT) continue;
    const int reader = rewriter.OnlyReader(data.out(0), SHOAL_OP_ACTIVATION_BACKWARD);
    if (reader == kNone || rewriter.op(reader).in(0) != data.out(0)) continue;
    const Op& backward = rewriter.op(reader);
    if (!IsFusable(backward.code.attr.activation.activation)) continue;
    data.code.inputs[2] = backward.in(1);
    data.code.outputs[0] = backward.out(0);
    data.code.attr.linear.activation = backward.code.attr.activation.activation;
    rewriter.Remove(reader);
  }
  rewriter.Compact();
}

// dbranch = dropout'(dsum), beside dsum itself, which the skip still needs.
void FuseResidualBackward(Rewriter& rewriter) {
  for (int i = 0; i < rewriter.size(); ++i) {
    Op& norm = rewriter.op(i);
    if (norm.kind() != SHOAL_OP_NORM_BACKWARD || norm.out(3) != SHOAL_NO_SLOT) continue;
    for (int reader : rewriter.Readers(norm.out(0))) {
      const Op& dropout = rewriter.op(reader);
      // A branch has the act type; an f32 dropout stands in the residual stream itself.
      if (dropout.kind() != SHOAL_OP_DROPOUT || !rewriter.IsAct(dropout.out(0))) continue;
      norm.code.outputs[3] = dropout.out(0);
      norm.code.attr.norm.dropout = dropout.code.attr.dropout.dropout;
      norm.code.attr.norm.stream = dropout.code.attr.dropout.stream;
      rewriter.Remove(reader);
      break;
    }
  }
  rewriter.Compact();
}

// The head's gradients, when they are the only readers of dlogits; kNone when they are not there.
struct HeadGradients {
  bool fits = false;
  int data = kNone, weights = kNone;
};
HeadGradients FindHeadGradients(Rewriter& rewriter, int32_t d_logits) {
  if (d_logits == SHOAL_NO_SLOT) return {.fits = true};
  HeadGradients found;
  for (int reader : rewriter.Readers(d_logits)) {
    const Op& op = rewriter.op(reader);
    if (op.kind() == SHOAL_OP_LINEAR_BACKWARD_DATA && op.in(2) == SHOAL_NO_SLOT) {
      found.data = reader;
    } else if (op.kind() == SHOAL_OP_LINEAR_BACKWARD_WEIGHTS) {
      found.weights = reader;
    } else {
      return {};
    }
  }
  found.fits = found.data != kNone && found.weights != kNone;
  return found;
}

void FuseHead(Rewriter& rewriter) {
  for (int i = 0; i < rewriter.size(); ++i) {
    const Op entropy = rewriter.op(i);
    if (entropy.kind() != SHOAL_OP_CROSS_ENTROPY || !rewriter.IsInArena(entropy.in(0))) continue;
    const int producer = rewriter.Producer(entropy.in(0));
    if (producer == kNone) continue;
    const Op head = rewriter.op(producer);
    if (head.kind() != SHOAL_OP_LINEAR ||
        head.code.attr.linear.activation != SHOAL_ACTIVATION_NONE ||
        rewriter.OnlyReader(entropy.in(0), SHOAL_OP_CROSS_ENTROPY) != i) {
      continue;
    }
    const HeadGradients gradients = FindHeadGradients(rewriter, entropy.out(1));
    if (!gradients.fits) continue;

    Op fused(SHOAL_OP_LINEAR_CROSS_ENTROPY, "head+cross_entropy");
    fused.code.inputs[0] = head.in(0);
    fused.code.inputs[1] = head.in(1);
    fused.code.inputs[2] = entropy.in(1);
    fused.code.inputs[3] = head.in(2);
    fused.code.outputs[0] = entropy.out(0);
    if (gradients.data != kNone) {
      fused.code.outputs[1] = rewriter.op(gradients.data).out(0);
      fused.code.outputs[2] = rewriter.op(gradients.weights).out(0);
      fused.code.outputs[3] = rewriter.op(gradients.weights).out(1);
      fused.code.attr.linear.write = rewriter.op(gradients.weights).code.attr.linear.write;
      rewriter.Remove(gradients.data);
      rewriter.Remove(gradients.weights);
    }
    fused.code.attr.linear.label_smoothing = entropy.code.attr.linear.label_smoothing;
    rewriter.Remove(producer);
    rewriter.op(i) = std::move(fused);
  }
  rewriter.Compact();
}

}  // namespace

void Fuse(Program& program) {
  Rewriter rewriter(program);
  FuseActivation(rewriter);
  FuseResidual(rewriter);
  FuseActivationBackward(rewriter);
  FuseResidualBackward(rewriter);
  FuseHead(rewriter);
  for (Op& op : program.ops) {  // every row of the table is a token
    if (op.kind() != SHOAL_OP_LINEAR_CROSS_ENTROPY) continue;
    op.code.attr.linear.real_vocab = program.slots[static_cast<size_t>(op.in(1))].shape.dims[0];
  }
}

void DropUnreadOutputs(Program& program) {
  Rewriter rewriter(program);
  auto drop = [&](Op& op, int output) {
    if (rewriter.Readers(op.out(output)).empty()) op.code.outputs[output] = SHOAL_NO_SLOT;
  };
  for (Op& op : program.ops) {
    if (op.kind() == SHOAL_OP_NORM) {
      drop(op, 2);
      drop(op, 3);
    } else if (op.kind() == SHOAL_OP_ATTENTION) {
      drop(op, 1);
    }
  }
}

}  // namespace shoal::engine
