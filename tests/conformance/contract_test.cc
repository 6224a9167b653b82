// The five calls themselves, for every backend of the build, the mock included: what is refused,
// with which code and words, and what survives.
#include <cstring>
#include <utility>

#include "gmock/gmock.h"
#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

using ::testing::HasSubstr;

constexpr int32_t kInvalidArgument = 3, kResourceExhausted = 8, kUnimplemented = 12,
                  kUnavailable = 14;

#if defined(__SANITIZE_ADDRESS__)
constexpr const char* kOwnSanitizer = "address";
#elif defined(__SANITIZE_THREAD__)
constexpr const char* kOwnSanitizer = "thread";
#else
constexpr const char* kOwnSanitizer = "";
#endif

class ContractTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const shoal_status status = device_.Open(GetParam(), 2);
    if (status.code == kUnavailable) GTEST_SKIP() << status.message;
    ASSERT_EQ(status.code, 0) << status.message;
  }

  const shoal_backend& table() const { return *device_.table(); }

  // 10 rows of a capacity of 12, 16 wide, to 8 wide.
  static OneOp SmallLinear() {
    Draw draw(1, 10, 12);
    OneOp op(SHOAL_OP_LINEAR, kF32, 10);
    op.In(0, draw.Rows(kF32, 16)).In(1, draw.Fixed(kF32, {8, 16})).In(2, draw.Fixed(kF32, {8}));
    op.Out(0, draw.RowGarbage(kF32, 8));
    return op;
  }

  // Plans `op` after `change` was made to the program. Returns plan()'s answer; frees what was
  // planned.
  template <class Change>
  shoal_status PlanChanged(const OneOp& op, Change&& change) {
    shoal_buffer* buffer = nullptr;
    EXPECT_EQ(device_.Allocate(op.BufferSize(), &buffer).code, 0);
    OneOp::Program program;
    op.Build(buffer, &program);
    change(program);
    shoal_plan* plan = nullptr;
    const shoal_status status = device_.Plan(&program.program, &plan);
    EXPECT_EQ(status.code != 0, plan == nullptr) << "a failed plan() must leave *plan alone";
    if (plan != nullptr) device_.Plan(nullptr, &plan);
    device_.Free(buffer);
    return status;
  }

  // Expects plan() to refuse with INVALID_ARGUMENT and a message that holds `words`.
  template <class Change>
  void ExpectRefused(const OneOp& op, const char* words, Change&& change) {
    const shoal_status status = PlanChanged(op, change);
    EXPECT_EQ(status.code, kInvalidArgument) << status.message;
    EXPECT_THAT(status.message, HasSubstr(words));
  }

  Device device_;
};

TEST_P(ContractTest, TableIsComplete) {
  EXPECT_GE(table().struct_size, sizeof(shoal_backend));
  EXPECT_EQ(table().abi_major, static_cast<uint32_t>(SHOAL_ABI_MAJOR));
  EXPECT_EQ(table().name, GetParam());
  EXPECT_STRNE(table().version, "");
  EXPECT_STREQ(table().sanitizer, kOwnSanitizer);
  EXPECT_NE(table().probe, nullptr);
  EXPECT_NE(table().open, nullptr);
  EXPECT_NE(table().buffers, nullptr);
  EXPECT_NE(table().plan, nullptr);
  EXPECT_NE(table().run, nullptr);
}

TEST_P(ContractTest, ProbeDescribesTheDevice) {
  EXPECT_STRNE(device_.capabilities().device_name, "");
  EXPECT_STRNE(device_.capabilities().isa, "");
  EXPECT_GE(device_.capabilities().device_count, 1);
  EXPECT_GE(device_.capabilities().numerics_version, 1);
  shoal_capabilities small{};
  small.struct_size = 8;
  shoal_status status{};
  EXPECT_EQ(table().probe(&small, &status), kInvalidArgument);
  EXPECT_EQ(status.code, kInvalidArgument);
  EXPECT_THAT(status.message, HasSubstr("struct_size"));
}

TEST_P(ContractTest, OpenRefusesBadArguments) {
  shoal_open_args good{};
  good.struct_size = sizeof(good);
  good.threads = 1;
  shoal_open_args small = good, no_threads = good, no_device = good, negative = good;
  small.struct_size = 4;
  no_threads.threads = 0;
  no_device.device_index = device_.capabilities().device_count;
  negative.device_index = -1;
  for (const shoal_open_args* args : {&small, &no_threads, &no_device, &negative}) {
    shoal_device* opened = nullptr;
    shoal_status status{};
    EXPECT_EQ(table().open(args, &opened, &status), kInvalidArgument);
    EXPECT_EQ(opened, nullptr);
    EXPECT_STRNE(status.message, "");
  }
}

TEST_P(ContractTest, UnknownOptionsAreRefused) {
  Device other;
  const shoal_status status = other.Open(GetParam(), 1, "no-such-option=1");
  EXPECT_EQ(status.code, kInvalidArgument);
  EXPECT_THAT(status.message, HasSubstr("no-such-option"));
}

TEST_P(ContractTest, ClosingFreesPlansAndBuffersAndClearsTheHandle) {
  shoal_open_args args{};
  args.struct_size = sizeof(args);
  args.threads = 1;
  shoal_device* opened = nullptr;
  shoal_status status{};
  ASSERT_EQ(table().open(&args, &opened, &status), 0) << status.message;
  const OneOp op = SmallLinear();
  shoal_buffer_request request{};
  request.struct_size = sizeof(request);
  request.action = SHOAL_BUFFER_ALLOCATE;
  request.size_bytes = op.BufferSize();
  ASSERT_EQ(table().buffers(opened, &request, &status), 0) << status.message;
  OneOp::Program program;
  op.Build(request.buffer, &program);
  shoal_plan* plan = nullptr;
  ASSERT_EQ(table().plan(opened, &program.program, &plan, &status), 0) << status.message;
  EXPECT_EQ(table().open(nullptr, &opened, &status), 0) << status.message;
  EXPECT_EQ(opened, nullptr);
  EXPECT_EQ(SmallLinear().Run(device_).status.code, 0) << "the other device goes on";
}

TEST_P(ContractTest, BuffersAreZeroAlignedAndKeepWhatIsWritten) {
  shoal_buffer_request request{};
  request.action = SHOAL_BUFFER_ALLOCATE;
  request.size_bytes = 1000;
  ASSERT_EQ(device_.Request(&request).code, 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(request.host_address) % 64, 0u);
  std::vector<uint8_t> bytes(1000, 7), zeros(1000, 0), middle(100);
  EXPECT_EQ(device_.Read(request.buffer, 0, bytes.data(), 1000).code, 0);
  EXPECT_EQ(bytes, zeros);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 31);
  EXPECT_EQ(device_.Write(request.buffer, 0, bytes.data(), 1000).code, 0);
  EXPECT_EQ(device_.Read(request.buffer, 333, middle.data(), 100).code, 0);
  EXPECT_EQ(0, std::memcmp(middle.data(), bytes.data() + 333, 100));
  if (request.host_address != nullptr) {
    EXPECT_EQ(0, std::memcmp(request.host_address, bytes.data(), 1000));
  }
  EXPECT_EQ(device_.Write(request.buffer, 1000, nullptr, 0).code, 0) << "an empty range at the end";
  EXPECT_EQ(device_.Free(request.buffer).code, 0);
}

TEST_P(ContractTest, BufferRangesAreChecked) {
  shoal_buffer* buffer = nullptr;
  ASSERT_EQ(device_.Allocate(256, &buffer).code, 0);
  std::vector<uint8_t> bytes(512);
  const std::pair<int64_t, int64_t> ranges[] = {{0, 257}, {256, 1},       {-1, 4},
                                                {0, -1},  {INT64_MAX, 2}, {2, INT64_MAX}};
  for (const auto& [offset, size] : ranges) {
    EXPECT_EQ(device_.Write(buffer, offset, bytes.data(), size).code, kInvalidArgument);
    EXPECT_EQ(device_.Read(buffer, offset, bytes.data(), size).code, kInvalidArgument);
  }
  EXPECT_EQ(device_.Free(buffer).code, 0);
}

TEST_P(ContractTest, BufferRequestsThatMakeNoSenseAreRefused) {
  shoal_buffer* buffer = nullptr;
  EXPECT_EQ(device_.Allocate(0, &buffer).code, kInvalidArgument);
  EXPECT_EQ(device_.Allocate(-5, &buffer).code, kInvalidArgument);
  EXPECT_EQ(device_.Allocate(int64_t{1} << 60, &buffer).code, kResourceExhausted);
  EXPECT_EQ(device_.Free(nullptr).code, kInvalidArgument);
  shoal_buffer_request request{};
  request.action = 99;
  EXPECT_EQ(device_.Request(&request).code, kInvalidArgument);
  shoal_status status{};
  request.action = SHOAL_BUFFER_ALLOCATE;
  request.size_bytes = 64;
  request.struct_size = 8;
  EXPECT_EQ(table().buffers(device_.handle(), &request, &status), kInvalidArgument);
  ASSERT_EQ(device_.Allocate(64, &buffer).code, 0);
  EXPECT_EQ(device_.Free(buffer).code, 0);
  EXPECT_EQ(device_.Free(buffer).code, kInvalidArgument) << "freed twice";
}

TEST_P(ContractTest, UnknownOperationIsUnimplementedAndNamed) {
  const shoal_status status = PlanChanged(SmallLinear(), [](auto& p) {
    p.op.kind = 987;
    p.op.label = "blocks.2.strange";
  });
  EXPECT_EQ(status.code, kUnimplemented);
  EXPECT_THAT(status.message, HasSubstr("987"));
  EXPECT_THAT(status.message, HasSubstr("blocks.2.strange"));
}

TEST_P(ContractTest, BrokenSlotsAreRefused) {
  const OneOp op = SmallLinear();
  ExpectRefused(op, "slot 1", [](auto& p) { p.slots[1].buffer = 1; });
  ExpectRefused(op, "slot 1", [](auto& p) { p.slots[1].buffer = -1; });
  ExpectRefused(op, "slot 1", [](auto& p) { p.slots[1].offset_bytes += 4; });
  ExpectRefused(op, "slot 1", [](auto& p) { p.slots[1].offset_bytes = -64; });
  ExpectRefused(op, "slot 3",
                [&](auto& p) { p.slots[3].offset_bytes = op.BufferSize() / 64 * 64; });
  ExpectRefused(op, "slot 0", [](auto& p) { p.slots[0].dims[0] = int64_t{1} << 40; });
  ExpectRefused(op, "slot 0",
                [](auto& p) { p.slots[0].dims[0] = p.slots[0].dims[1] = int64_t{1} << 40; });
  ExpectRefused(op, "slot 0", [](auto& p) { p.slots[0].dims[1] = 0; });
  ExpectRefused(op, "slot 2", [](auto& p) { p.slots[2].rank = 0; });
  ExpectRefused(op, "slot 2", [](auto& p) { p.slots[2].rank = SHOAL_MAX_RANK + 1; });
  ExpectRefused(op, "slot 2", [](auto& p) { p.slots[2].dtype = 77; });
  ExpectRefused(op, "slot 2", [](auto& p) { p.slots[2].extent = 9; });
}

TEST_P(ContractTest, BrokenOperandsAreRefused) {
  const OneOp op = SmallLinear();
  ExpectRefused(op, "input 1 (w)", [](auto& p) { p.op.inputs[1] = 4; });
  ExpectRefused(op, "input 1 (w)", [](auto& p) { p.op.inputs[1] = -2; });
  ExpectRefused(op, "input 1 (w", [](auto& p) { p.op.inputs[1] = SHOAL_NO_SLOT; });
  ExpectRefused(op, "input 3", [](auto& p) { p.op.inputs[3] = 0; });
  ExpectRefused(op, "output 2", [](auto& p) { p.op.outputs[2] = 3; });
  ExpectRefused(op, "slot 1", [](auto& p) { p.slots[1].dtype = kI32; });
  ExpectRefused(op, "slot 1", [](auto& p) { p.slots[1].dtype = kBf16; });
  ExpectRefused(op, "slot 2", [](auto& p) { p.slots[2].rank = 2, p.slots[2].dims[1] = 1; });
  ExpectRefused(op, "slot 1", [](auto& p) { p.slots[1].dims[1] = 15; });
  ExpectRefused(op, "slot 2", [](auto& p) { p.slots[2].dims[0] = 7; });
  ExpectRefused(op, "slot 3", [](auto& p) { p.slots[3].extent = kFixed; });
  ExpectRefused(op, "tested.operation", [](auto& p) { p.slots[3].dims[0] = 11; });
}

TEST_P(ContractTest, BrokenAttributesAreRefused) {
  ExpectRefused(SmallLinear(), "activation", [](auto& p) { p.op.attr.linear.activation = 9; });
  Draw draw(2, 4, 4);
  OneOp norm(SHOAL_OP_NORM, kF32, 4);
  norm.In(0, draw.Rows(kF32, 8)).In(1, draw.Fixed(kF32, {8})).Out(0, draw.RowGarbage(kF32, 8));
  EXPECT_EQ(PlanChanged(norm, [](auto&) {}).code, 0);
  ExpectRefused(norm, "kind", [](auto& p) { p.op.attr.norm.kind = 2; });
  ExpectRefused(norm, "dropout", [](auto& p) { p.op.attr.norm.dropout = 1.0f; });
  ExpectRefused(norm, "dropout", [](auto& p) { p.op.attr.norm.dropout = -0.1f; });
  OneOp attention(SHOAL_OP_ATTENTION, kF32, 4);
  attention.In(0, draw.Rows(kF32, 32)).In(1, FromValues(kI32, {2}, {0, 4}, kOffsets));
  attention.Out(0, draw.RowGarbage(kF32, 16));
  auto& attr = attention.attr().attention;
  attr.heads = 2, attr.kv_heads = 1, attr.head_dim = 8, attr.scale = 1;
  EXPECT_EQ(PlanChanged(attention, [](auto&) {}).code, 0);
  ExpectRefused(attention, "heads", [](auto& p) { p.op.attr.attention.heads = 0; });
  ExpectRefused(attention, "the heads", [](auto& p) { p.op.attr.attention.heads = 3; });
  ExpectRefused(attention, "kv_heads", [](auto& p) { p.op.attr.attention.kv_heads = 3; });
  ExpectRefused(attention, "mask", [](auto& p) { p.op.attr.attention.mask = 3; });
  ExpectRefused(attention, "window",
                [](auto& p) { p.op.attr.attention.mask = SHOAL_MASK_SLIDING; });
}

TEST_P(ContractTest, BrokenAttributesOfVersion11AreRefused) {
  Draw draw(3, 4, 4);
  const Tensor indices = draw.Indices(0, 2), logits = draw.Rows(kF32, 8);
  OneOp rope(SHOAL_OP_ROPE, kF32, 4);
  rope.attr().rope = {2, 1, 8, 0, 0, 10000.0f};
  rope.In(0, draw.Rows(kF32, 32)).In(1, indices).Out(0, draw.RowGarbage(kF32, 32));
  EXPECT_EQ(PlanChanged(rope, [](auto&) {}).code, 0);
  ExpectRefused(rope, "modulo 2", [](auto& p) { p.op.attr.rope.head_dim = 7; });
  ExpectRefused(rope, "theta", [](auto& p) { p.op.attr.rope.theta = 0; });
  ExpectRefused(rope, "the heads", [](auto& p) { p.op.attr.rope.heads = 4; });

  OneOp glu(SHOAL_OP_GLU, kF32, 4);
  glu.attr().activation.activation = SHOAL_ACTIVATION_SILU;
  glu.In(0, logits).Out(0, draw.RowGarbage(kF32, 4));
  EXPECT_EQ(PlanChanged(glu, [](auto&) {}).code, 0);
  ExpectRefused(glu, "activation", [](auto& p) { p.op.attr.activation.activation = 0; });
  ExpectRefused(glu, "activation", [](auto& p) { p.op.attr.activation.activation = 5; });
  ExpectRefused(glu, "twice as wide", [](auto& p) { p.slots[1].dims[1] = 3; });

  OneOp distillation(SHOAL_OP_DISTILLATION_LOSS, kF32, 4);
  distillation.attr().distillation = {2.0f, 0.5f, 0.1f, 8};
  distillation.In(0, logits).In(1, indices).In(2, logits).Out(0, draw.RowGarbage(kF32, 0));
  EXPECT_EQ(PlanChanged(distillation, [](auto&) {}).code, 0);
  auto broken = [&](const char* words, auto change) {
    ExpectRefused(distillation, words, [&](auto& p) { change(p.op.attr.distillation); });
  };
  broken("temperature", [](auto& a) { a.temperature = 0; });
  broken("weight", [](auto& a) { a.weight = 1.5f; });
  broken("label_smoothing", [](auto& a) { a.label_smoothing = 1; });
  broken("real_vocab", [](auto& a) { a.real_vocab = 9; });

  OneOp softmax(SHOAL_OP_SOFTMAX, kF32, 4);
  softmax.attr().softmax = {1.0f, 1.0f, SHOAL_WRITE_OVERWRITE, 0};
  softmax.In(0, logits).Out(0, draw.RowGarbage(kF32, 8));
  EXPECT_EQ(PlanChanged(softmax, [](auto&) {}).code, 0);
  ExpectRefused(softmax, "scale", [](auto& p) { p.op.attr.softmax.scale = 0; });
  ExpectRefused(softmax, "write", [](auto& p) { p.op.attr.softmax.write = SHOAL_WRITE_BY_SCALAR; });
  ExpectRefused(softmax, "real_vocab", [](auto& p) { p.op.attr.softmax.real_vocab = 9; });

  OneOp muon(SHOAL_OP_MUON, kF32);
  muon.attr().muon = {0.95f, 0.1f, 0.0f, 1.0f, 5};
  for (const int place : {0, 1}) muon.Out(place, draw.Fixed(kF32, {4, 6}));
  muon.In(0, draw.Fixed(kF32, {4, 6}));
  EXPECT_EQ(PlanChanged(muon, [](auto&) {}).code, 0);
  ExpectRefused(muon, "clip", [](auto& p) { p.op.attr.muon.clip = 1; });
  ExpectRefused(muon, "iterations", [](auto& p) { p.op.attr.muon.iterations = 0; });
  ExpectRefused(muon, "momentum", [](auto& p) { p.op.attr.muon.momentum = 1; });

  OneOp embedding(SHOAL_OP_EMBEDDING, kF32, 4);
  embedding.In(0, indices).In(1, draw.Fixed(kF32, {2, 8})).In(4, indices);
  embedding.In(5, draw.Fixed(kF32, {2, 8})).Out(0, draw.RowGarbage(kF32, 8));
  EXPECT_EQ(PlanChanged(embedding, [](auto&) {}).code, 0);
  ExpectRefused(embedding, "segment", [](auto& p) { p.op.inputs[5] = SHOAL_NO_SLOT; });
}

TEST_P(ContractTest, BrokenProgramFrameIsRefused) {
  const OneOp op = SmallLinear();
  ExpectRefused(op, "struct_size", [](auto& p) { p.program.struct_size = 16; });
  ExpectRefused(op, "act_dtype", [](auto& p) { p.program.act_dtype = kI32; });
  ExpectRefused(op, "", [](auto& p) { p.program.op_count = -1; });
  ExpectRefused(op, "", [](auto& p) { p.program.slots = nullptr; });
  ExpectRefused(op, "", [](auto& p) { p.program.buffer_count = SHOAL_MAX_BUFFERS + 1; });
  ExpectRefused(op, "buffer 0", [](auto& p) { p.buffer = nullptr; });
}

// A plan made from a program that is gone afterwards, and what run() refuses of its scalars.
TEST_P(ContractTest, RunChecksScalarsAndNeedsNoProgram) {
  const OneOp op = SmallLinear();
  shoal_buffer* buffer = nullptr;
  ASSERT_EQ(device_.Allocate(op.BufferSize(), &buffer).code, 0);
  shoal_plan* plan = nullptr;
  {
    OneOp::Program program;
    op.Build(buffer, &program);
    std::string label = "a label that is overwritten";
    program.op.label = label.c_str();
    ASSERT_EQ(device_.Plan(&program.program, &plan).code, 0);
    label.assign(label.size(), '#');
    std::memset(program.slots.data(), 0x7f, program.slots.size() * sizeof(shoal_slot));
    std::memset(&program.op, 0x7f, sizeof(program.op));
  }
  shoal_scalars scalars = op.scalars();
  EXPECT_EQ(device_.Run(plan, scalars).code, 0);
  scalars.rows = 12;
  EXPECT_EQ(device_.Run(plan, scalars).code, 0) << "rows may reach the capacity";
  scalars.rows = 13;
  const shoal_status over = device_.Run(plan, scalars);
  EXPECT_EQ(over.code, kInvalidArgument);
  EXPECT_THAT(over.message, HasSubstr("13"));
  EXPECT_THAT(over.message, HasSubstr("12"));
  scalars.rows = -1;
  EXPECT_EQ(device_.Run(plan, scalars).code, kInvalidArgument);
  scalars.rows = 10;
  scalars.struct_size = 24;
  EXPECT_EQ(device_.Run(plan, scalars).code, kInvalidArgument);
  shoal_status status{};
  EXPECT_EQ(table().run(device_.handle(), plan, nullptr, &status), kInvalidArgument);
  EXPECT_EQ(device_.Plan(nullptr, &plan).code, 0);
  EXPECT_EQ(plan, nullptr);
  EXPECT_EQ(device_.Free(buffer).code, 0);
}

TEST_P(ContractTest, RunRefusesMoreThanACacheHolds) {
  Draw draw(3, 4, 4);
  OneOp op(SHOAL_OP_ATTENTION_CACHED, kF32, 4);
  op.In(0, draw.Rows(kF32, 48)).Out(0, draw.RowGarbage(kF32, 16));
  op.Out(1, Constant(kF32, {10, 16}, 0)).Out(2, Constant(kF32, {10, 16}, 0));
  auto& attr = op.attr().attention;
  attr.heads = attr.kv_heads = 2, attr.head_dim = 8, attr.scale = 1;
  op.scalars().cache_length = 6;
  EXPECT_EQ(op.Run(device_).status.code, 0);
  op.scalars().cache_length = 7;
  EXPECT_EQ(op.Run(device_).status.code, kInvalidArgument);
}

TEST_P(ContractTest, TimeIsAddedPerOperation) {
  OneOp op = SmallLinear();
  uint64_t nanoseconds[2] = {1000000000000, 42};
  op.scalars().op_nanoseconds = nanoseconds;
  ASSERT_EQ(op.Run(device_).status.code, 0);
  EXPECT_GT(nanoseconds[0], 1000000000000u);
  EXPECT_EQ(nanoseconds[1], 42u) << "beyond op_count";
}

std::string BackendTestName(const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ContractTest);
INSTANTIATE_TEST_SUITE_P(Abi, ContractTest, ::testing::ValuesIn(BackendNames()), BackendTestName);

}  // namespace
}  // namespace shoal::conformance
