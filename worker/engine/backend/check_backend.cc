#include "worker/engine/backend/check_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "core/base/strings.h"
#include "worker/engine/backend/loader.h"
#include "worker/engine/program/program.h"

namespace shoal::engine {
namespace {

int32_t Fail(shoal_status* status, absl::StatusCode code, std::string_view message) {
  status->code = static_cast<int32_t>(code);
  const size_t length = std::min(message.size(), sizeof(status->message) - 1);
  std::memcpy(status->message, message.data(), length);
  status->message[length] = '\0';
  return status->code;
}

// One of the two backends: its table and its device.
struct Side {
  const shoal_backend* table = nullptr;
  shoal_device* device = nullptr;

  int32_t Buffers(shoal_buffer_request request, shoal_status* status) const {
    request.struct_size = sizeof(request);
    return table->buffers(device, &request, status);
  }
};

enum { kTested = 0, kReference = 1 };

struct CheckBuffer {
  shoal_buffer* handles[2] = {};
};

struct CheckDevice {
  Side sides[2];
};

// One operation, planned alone on both sides.
struct CheckedOp {
  shoal_op op;
  std::string label;
  shoal_plan* plans[2] = {};
};

struct CheckPlan {
  CheckDevice* device = nullptr;
  std::string name;
  int32_t act = 0;
  std::vector<shoal_slot> slots;
  std::vector<CheckBuffer*> buffers;
  std::vector<CheckedOp> ops;
  std::vector<std::byte> staging[2];  // reused by every comparison

  ~CheckPlan() {
    shoal_status ignored{};
    for (CheckedOp& op : ops) {
      for (int side : {kTested, kReference}) {
        if (op.plans[side] == nullptr) continue;
        device->sides[side].table->plan(device->sides[side].device, nullptr, &op.plans[side],
                                        &ignored);
      }
    }
  }
};

int64_t FullBytes(const shoal_slot& slot) {
  int64_t bytes = SizeOf(static_cast<Dtype>(slot.dtype));
  for (int32_t i = 0; i < slot.rank; ++i) bytes *= slot.dims[i];
  return bytes;
}

// Elements that this run uses.
int64_t UsedElements(const shoal_slot& slot, const shoal_scalars& scalars) {
  int64_t first = slot.dims[0];
  if (slot.extent == SHOAL_EXTENT_ROWS) first = scalars.rows;
  if (slot.extent == SHOAL_EXTENT_SEQUENCES_PLUS_1) first = scalars.sequences + 1;
  if (slot.extent == SHOAL_EXTENT_SELECTED) first = scalars.selected;
  int64_t elements = first;
  for (int32_t i = 1; i < slot.rank; ++i) elements *= slot.dims[i];
  return elements;
}

double ElementAt(const std::byte* data, int32_t dtype, int64_t i) {
  switch (static_cast<Dtype>(dtype)) {
    case Dtype::kF32: {
      float value;
      std::memcpy(&value, data + i * 4, 4);
      return static_cast<double>(value);
    }
    case Dtype::kBf16: {
      uint16_t bits;
      std::memcpy(&bits, data + i * 2, 2);
      const uint32_t wide = static_cast<uint32_t>(bits) << 16;
      float value;
      std::memcpy(&value, &wide, 4);
      return static_cast<double>(value);
    }
    case Dtype::kF64: {
      double value;
      std::memcpy(&value, data + i * 8, 8);
      return value;
    }
    case Dtype::kI32: {
      int32_t value;
      std::memcpy(&value, data + i * 4, 4);
      return value;
    }
  }
  return 0;
}

// What an element may differ by, as a share of itself and of the largest one.
double Tolerance(int32_t act) {
  if (act == SHOAL_DTYPE_BF16) return 2e-2;
  return act == SHOAL_DTYPE_F64 ? 1e-10 : 2e-4;
}

// Empty when the two agree.
std::string FirstDifference(const std::byte* tested, const std::byte* reference, int32_t dtype,
                            int64_t elements, double tolerance) {
  double largest = 0;
  for (int64_t i = 0; i < elements; ++i) {
    const double value = std::fabs(ElementAt(reference, dtype, i));
    if (std::isfinite(value)) largest = std::max(largest, value);
  }
  for (int64_t i = 0; i < elements; ++i) {
    const double got = ElementAt(tested, dtype, i), want = ElementAt(reference, dtype, i);
    if (std::isnan(got) && std::isnan(want)) continue;
    const double allowed = tolerance * (std::fabs(want) + largest);
    if (got == want || std::fabs(got - want) <= allowed) continue;
    return absl::StrFormat("element %d is %.9g, the reference says %.9g (allowed difference %.3g)",
                           i, got, want, allowed);
  }
  return "";
}

class OpChecker {
 public:
  OpChecker(CheckPlan& plan, const shoal_scalars& scalars, shoal_status* status)
      : plan_(plan), scalars_(scalars), status_(status) {
    scalars_.op_nanoseconds = nullptr;
  }

  int32_t Check(int32_t index, CheckedOp& op) {
    for (int32_t slot : op.op.inputs) {
      if (int32_t code = CopyToReference(slot)) return code;
    }
    for (int32_t slot : op.op.outputs) {  // some are read too, or only partly written
      if (int32_t code = CopyToReference(slot)) return code;
    }
    for (int side : {kTested, kReference}) {
      const Side& s = plan_.device->sides[side];
      if (int32_t code = s.table->run(s.device, op.plans[side], &scalars_, status_)) return code;
    }
    for (int i = 0; i < SHOAL_MAX_OUTPUTS; ++i) {
      if (int32_t code = Compare(index, op, i)) return code;
    }
    return 0;
  }

 private:
  int32_t Transfer(int32_t slot, int side, int32_t action) {
    const shoal_slot& s = plan_.slots[static_cast<size_t>(slot)];
    std::vector<std::byte>& staging = plan_.staging[side];
    if (static_cast<int64_t>(staging.size()) < FullBytes(s)) {
      staging.resize(static_cast<size_t>(FullBytes(s)));
    }
    shoal_buffer_request request{};
    request.action = action;
    request.buffer = plan_.buffers[static_cast<size_t>(s.buffer)]->handles[side];
    request.offset_bytes = s.offset_bytes;
    request.size_bytes = FullBytes(s);
    request.host_data = staging.data();
    return plan_.device->sides[side].Buffers(request, status_);
  }

  int32_t CopyToReference(int32_t slot) {
    if (slot == SHOAL_NO_SLOT) return 0;
    if (int32_t code = Transfer(slot, kTested, SHOAL_BUFFER_READ)) return code;
    std::swap(plan_.staging[kTested], plan_.staging[kReference]);
    const int32_t code = Transfer(slot, kReference, SHOAL_BUFFER_WRITE);
    std::swap(plan_.staging[kTested], plan_.staging[kReference]);
    return code;
  }

  int32_t Compare(int32_t index, const CheckedOp& op, int output) {
    const int32_t slot = op.op.outputs[output];
    if (slot == SHOAL_NO_SLOT) return 0;
    for (int side : {kTested, kReference}) {
      if (int32_t code = Transfer(slot, side, SHOAL_BUFFER_READ)) return code;
    }
    const shoal_slot& s = plan_.slots[static_cast<size_t>(slot)];
    const std::string difference =
        FirstDifference(plan_.staging[kTested].data(), plan_.staging[kReference].data(), s.dtype,
                        UsedElements(s, scalars_), Tolerance(plan_.act));
    if (difference.empty()) return 0;
    return Fail(status_, absl::StatusCode::kInternal,
                StrCat("check: program ", plan_.name, ", operation ", index, " ",
                       OpName(op.op.kind), " (", op.label, "), output ", output, ": ", difference));
  }

  CheckPlan& plan_;
  shoal_scalars scalars_;
  shoal_status* status_;
};

int32_t Probe(shoal_capabilities*, shoal_status* status) {
  return Fail(status, absl::StatusCode::kFailedPrecondition,
              "ask the backend under test, not its check");
}

int32_t Close(shoal_device** device) {
  std::unique_ptr<CheckDevice> owned(reinterpret_cast<CheckDevice*>(*device));
  *device = nullptr;
  shoal_status ignored{};
  for (Side& side : owned->sides) {
    if (side.device != nullptr) side.table->open(nullptr, &side.device, &ignored);
  }
  return 0;
}

int32_t Open(const shoal_open_args* args, shoal_device** device, shoal_status* status) {
  if (args == nullptr) return *device == nullptr ? 0 : Close(device);
  const std::string_view text = args->options;
  const size_t end = text.find('\n');
  auto check = std::make_unique<CheckDevice>();
  const std::string names[2] = {std::string(text.substr(0, end)), "reference"};
  for (int side : {kTested, kReference}) {
    const absl::StatusOr<Backend> backend = LoadBackend(names[side]);
    if (!backend.ok())
      return Fail(status, backend.status().code(), StdView(backend.status().message()));
    check->sides[side].table = backend->table;
  }
  shoal_open_args tested = *args;
  tested.options = args->options + end + 1;
  shoal_open_args reference{};
  reference.struct_size = sizeof(reference);
  reference.threads = 1;
  shoal_device* opened = reinterpret_cast<shoal_device*>(check.release());
  CheckDevice& both = *reinterpret_cast<CheckDevice*>(opened);
  int32_t code = both.sides[kTested].table->open(&tested, &both.sides[kTested].device, status);
  if (code == 0) {
    code = both.sides[kReference].table->open(&reference, &both.sides[kReference].device, status);
  }
  if (code != 0) {
    Close(&opened);
    return code;
  }
  *device = opened;
  return 0;
}

int32_t Buffers(shoal_device* device, shoal_buffer_request* request, shoal_status* status) {
  CheckDevice& check = *reinterpret_cast<CheckDevice*>(device);
  CheckBuffer* buffer = reinterpret_cast<CheckBuffer*>(request->buffer);
  if (request->action == SHOAL_BUFFER_WRITE || request->action == SHOAL_BUFFER_READ) {
    shoal_buffer_request tested = *request;  // the reference's copy is refreshed at every operation
    tested.buffer = buffer->handles[kTested];
    return check.sides[kTested].Buffers(tested, status);
  }
  std::unique_ptr<CheckBuffer> owned(request->action == SHOAL_BUFFER_ALLOCATE ? new CheckBuffer
                                                                              : buffer);
  for (int side : {kTested, kReference}) {
    shoal_buffer_request one = *request;
    one.struct_size = sizeof(one);
    one.buffer = owned->handles[side];
    if (int32_t code = check.sides[side].table->buffers(check.sides[side].device, &one, status)) {
      return code;  // freed with the device
    }
    owned->handles[side] = one.buffer;
    if (side == kTested) request->host_address = one.host_address;
  }
  if (request->action == SHOAL_BUFFER_ALLOCATE) {
    request->buffer = reinterpret_cast<shoal_buffer*>(owned.release());
  }
  return 0;
}

int32_t PlanOp(CheckPlan& plan, const shoal_program& program, CheckedOp& checked, int side,
               shoal_status* status) {
  std::vector<shoal_buffer*> handles;
  for (CheckBuffer* buffer : plan.buffers) handles.push_back(buffer->handles[side]);
  shoal_program one = program;
  one.op_count = 1;
  one.ops = &checked.op;
  one.buffers = handles.data();
  const Side& s = plan.device->sides[side];
  return s.table->plan(s.device, &one, &checked.plans[side], status);
}

int32_t MakeCheckPlan(shoal_device* device, const shoal_program* program, shoal_plan** plan,
                      shoal_status* status) {
  if (program == nullptr) {
    delete reinterpret_cast<CheckPlan*>(*plan);
    *plan = nullptr;
    return 0;
  }
  auto check = std::make_unique<CheckPlan>();
  check->device = reinterpret_cast<CheckDevice*>(device);
  check->name = program->name;
  check->act = program->act_dtype;
  check->slots.assign(program->slots, program->slots + program->slot_count);
  for (int32_t i = 0; i < program->buffer_count; ++i) {
    if (program->buffers[i] == nullptr) {
      return Fail(status, absl::StatusCode::kInvalidArgument,
                  StrCat("buffer ", i, " of program ", program->name, " is null"));
    }
    check->buffers.push_back(reinterpret_cast<CheckBuffer*>(program->buffers[i]));
  }
  for (int32_t i = 0; i < program->op_count; ++i) {
    CheckedOp& checked = check->ops.emplace_back();
    checked.op = program->ops[i];
    checked.label = program->ops[i].label == nullptr ? "" : program->ops[i].label;
    for (int side : {kTested, kReference}) {
      if (int32_t code = PlanOp(*check, *program, checked, side, status)) return code;
    }
    checked.op.label = nullptr;
  }
  *plan = reinterpret_cast<shoal_plan*>(check.release());
  return 0;
}

int32_t Run(shoal_device*, shoal_plan* plan, const shoal_scalars* scalars, shoal_status* status) {
  CheckPlan& check = *reinterpret_cast<CheckPlan*>(plan);
  OpChecker checker(check, *scalars, status);
  for (size_t i = 0; i < check.ops.size(); ++i) {
    if (int32_t code = checker.Check(static_cast<int32_t>(i), check.ops[i])) return code;
  }
  return 0;
}

}  // namespace

const shoal_backend* CheckBackend() {
  static const shoal_backend kTable = {sizeof(shoal_backend),
                                       SHOAL_ABI_MAJOR,
                                       SHOAL_ABI_MINOR,
                                       "check",
                                       "1",
                                       "",
                                       Probe,
                                       Open,
                                       Buffers,
                                       MakeCheckPlan,
                                       Run};
  return &kTable;
}

std::string CheckBackendOptions(std::string_view backend, std::string_view options) {
  return StrCat(backend, "\n", options);
}

}  // namespace shoal::engine
