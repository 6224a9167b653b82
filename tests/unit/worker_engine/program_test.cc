// Recording, passes and the arena.
#include "worker/engine/program/program.h"

#include <map>

#include "tests/unit/worker_engine/engine_fixture.h"
#include "worker/engine/program/backward.h"
#include "worker/engine/program/passes.h"
#include "worker/engine/program/planner.h"
#include "worker/engine/train/train_programs.h"

namespace shoal::engine {
namespace {

using testing::HasSubstr;

class ProgramTest : public EngineTest {
 protected:
  ProgramTest() : model_(TinyModel(), 259), layout_(model_.Parameters()) {}

  Program Accumulate(bool fuse, Dtype act = Dtype::kBf16) {
    absl::StatusOr<Program> program = RecordAccumulate(
        {model_, layout_, io_, act, {.rows = 64, .sequences = 8}, fuse}, TinyTrain(1));
    EXPECT_OK(program);
    return *std::move(program);
  }
  static std::map<std::string, int> Kinds(const Program& program) {
    std::map<std::string, int> count;
    for (const Op& op : program.ops) ++count[std::string(OpName(op.code.kind))];
    return count;
  }

  Transformer model_;
  ParameterLayout layout_;
  IoLayout io_;
};

TEST_F(ProgramTest, FusionLeavesTheShortList) {
  const std::map<std::string, int> expected = {{"EMBEDDING", 1},
                                               {"EMBEDDING_BACKWARD", 1},
                                               {"NORM", 5},
                                               {"NORM_BACKWARD", 5},
                                               {"LINEAR", 8},
                                               {"LINEAR_BACKWARD_DATA", 8},
                                               {"ATTENTION", 2},
                                               {"LINEAR_BACKWARD_WEIGHTS", 8},
                                               {"ATTENTION_BACKWARD", 2},
                                               {"SUM", 1},
                                               {"LINEAR_CROSS_ENTROPY", 1}};
  EXPECT_EQ(Kinds(Accumulate(true)), expected);
  EXPECT_GT(Accumulate(false).ops.size(), Accumulate(true).ops.size() + 8);
  EXPECT_LT(Accumulate(true).arena_bytes, Accumulate(false).arena_bytes);  // no logits
}

TEST_F(ProgramTest, EvaluationKeepsNothingForABackward) {
  const Program program =
      RecordEvaluate({model_, layout_, io_, Dtype::kF32, {.rows = 64, .sequences = 8}});
  for (const Op& op : program.ops) {
    if (op.kind() == SHOAL_OP_NORM) {
      EXPECT_EQ(op.out(3), SHOAL_NO_SLOT);
    }
    if (op.kind() == SHOAL_OP_LINEAR) {
      EXPECT_EQ(op.out(1), SHOAL_NO_SLOT);
    }
    EXPECT_NE(op.kind(), SHOAL_OP_NORM_BACKWARD);
  }
  EXPECT_LT(program.arena_bytes * 2, Accumulate(true, Dtype::kF32).arena_bytes);
}

TEST_F(ProgramTest, FirstWriterOfAGradientOverwritesAndLaterOnesAdd) {
  const Program program = Accumulate(true);
  std::map<int32_t, int> writers;
  for (const Op& op : program.ops) {
    if (op.kind() == SHOAL_OP_LINEAR_CROSS_ENTROPY) {
      EXPECT_EQ(op.code.attr.linear.write, SHOAL_WRITE_BY_SCALAR);
    }
    if (op.kind() == SHOAL_OP_EMBEDDING_BACKWARD) {  // the tied table
      EXPECT_EQ(op.code.attr.embedding.write, SHOAL_WRITE_ADD);
      EXPECT_EQ(op.code.attr.embedding.write_positions, SHOAL_WRITE_BY_SCALAR);
    }
    for (int32_t slot : op.code.outputs) {
      if (slot == SHOAL_NO_SLOT) continue;
      const Slot& s = program.slots[static_cast<size_t>(slot)];
      if (s.region == Region::kGradient) ++writers[s.parameter];
    }
  }
  EXPECT_EQ(writers.size(), layout_.parameters().size());
  EXPECT_EQ(writers[0], 2);
}

// Whatever is alive at the same time has bytes of its own, but for what the ABI lets alias.
TEST_F(ProgramTest, LiveTensorsDoNotOverlapInTheArena) {
  for (bool fuse : {true, false}) {
    const Program program = Accumulate(fuse);
    std::map<int32_t, std::pair<int, int>> lives;
    for (size_t i = 0; i < program.ops.size(); ++i) {
      auto touch = [&](int32_t slot) {
        if (slot == SHOAL_NO_SLOT ||
            program.slots[static_cast<size_t>(slot)].region != Region::kArena) {
          return;
        }
        lives.try_emplace(slot, static_cast<int>(i), 0).first->second.second = static_cast<int>(i);
      };
      for (int32_t slot : program.ops[i].code.inputs) touch(slot);
      for (int32_t slot : program.ops[i].code.outputs) touch(slot);
    }
    int shared = 0;
    for (const auto& [a, life] : lives) {
      const Slot& x = program.slots[static_cast<size_t>(a)];
      EXPECT_EQ(x.offset_bytes % 64, 0);
      EXPECT_LE(x.offset_bytes + x.size_bytes(), program.arena_bytes);
      for (const auto& [b, other] : lives) {
        const Slot& y = program.slots[static_cast<size_t>(b)];
        const bool meet = life.first <= other.second && other.first <= life.second;
        const bool overlap = x.offset_bytes < y.offset_bytes + y.size_bytes() &&
                             y.offset_bytes < x.offset_bytes + x.size_bytes();
        if (a == b || !meet || !overlap) continue;
        ++shared;
        EXPECT_EQ(x.offset_bytes, y.offset_bytes) << x.name << " and " << y.name;
        EXPECT_TRUE(life.second == other.first || other.second == life.first)
            << x.name << " and " << y.name;
      }
    }
    EXPECT_GT(shared, 0);  // gradients of the residual stream are updated in place
  }
}

TEST_F(ProgramTest, ListingIsReadable) {
  const std::string text = Accumulate(true).Listing();
  EXPECT_THAT(text, HasSubstr("LINEAR blocks.0.attn.qkv: blocks.0.norm1 bf16[rows<=64, 16], "
                              "blocks.0.attn.qkv.weight bf16[48, 16], blocks.0.attn.qkv.bias "
                              "f32[48] -> blocks.0.attn.qkv bf16[rows<=64, 48]"));
}

TEST_F(ProgramTest, BackwardNamesWhatItCannotDifferentiate) {
  Recorder r("odd", Dtype::kF32, {.rows = 4}, layout_, io_);
  const Tensor qkv = r.Io("x", Dtype::kF32, Shape::Rows(Extent::kRows, 4, 6));
  const Tensor offsets = r.Io("o", Dtype::kI32, Shape::Column(Extent::kSequencesPlus1, 2));
  const AttentionForm form = {.heads = 1, .kv_heads = 1, .head_dim = 2};
  r.AttentionProbabilities(qkv, offsets, form, 4);
  EXPECT_THAT(AppendBackward(r.program(), layout_),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("ATTENTION_PROBABILITIES")));
  Recorder none("none", Dtype::kF32, {.rows = 4}, layout_, io_);
  EXPECT_THAT(AppendBackward(none.program(), layout_),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("tok_emb")));
}

}  // namespace
}  // namespace shoal::engine
