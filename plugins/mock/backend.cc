// The mock backend: the five calls of the ABI without numerics, with faults on demand (script.h).
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "plugins/abi/shoal_backend.h"
#include "plugins/mock/pretence.h"
#include "plugins/mock/script.h"
#include "plugins/support/check_program.h"
#include "plugins/support/host_memory.h"
#include "plugins/support/program.h"
#include "plugins/support/status.h"

struct shoal_plan {
  explicit shoal_plan(const shoal_program& source) : program(source) {
    for (const shoal_op& op : program.ops) {
      updates |= op.kind == SHOAL_OP_ADAMW || op.kind == SHOAL_OP_MUON;
      trains |=
          op.kind == SHOAL_OP_LINEAR_BACKWARD_WEIGHTS || op.kind == SHOAL_OP_EMBEDDING_BACKWARD;
    }
    trains |= updates;
  }

  shoal::plugins::Program program;
  bool updates = false;  // ends an optimizer step
  bool trains = false;   // has gradients or an optimizer
};

struct shoal_device {
  explicit shoal_device(shoal::mock::Script script) : faults(std::move(script)) {}

  shoal::mock::Faults faults;
  shoal::plugins::HostMemory memory;
  std::vector<std::unique_ptr<shoal_plan>> plans;

  auto Find(const shoal_plan* plan) {
    return std::find_if(plans.begin(), plans.end(),
                        [plan](const auto& owned) { return owned.get() == plan; });
  }
};

namespace shoal::mock {
namespace {

using plugins::CheckStruct;
using plugins::Fail;
using plugins::Guard;
using plugins::kInvalidArgument;
using plugins::kOk;

int32_t Probe(shoal_capabilities* out, shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (int32_t code =
            CheckStruct(out, "capabilities", plugins::kMinimumSize<shoal_capabilities>, status))
      return code;
    std::snprintf(out->device_name, sizeof(out->device_name), "mock device");
    std::snprintf(out->isa, sizeof(out->isa), "none");
    out->device_count = 1;
    out->supports_bf16 = 1;
    out->memory_bytes = 0;
    out->numerics_version = 1;
    return kOk;
  });
}

int32_t OpenWith(const char* options, shoal_device** device, shoal_status* status) {
  Script script;
  if (int32_t code = ParseScript(options == nullptr ? "" : options, &script, status)) return code;
  auto opened = std::make_unique<shoal_device>(script);
  if (script.unavailable && opened->faults.Strikes()) {
    return Fail(status, plugins::kUnavailable, "scripted: no device is here");
  }
  if (script.oom_at_open && opened->faults.Strikes()) {
    return Fail(status, plugins::kResourceExhausted, "scripted: out of memory while opening");
  }
  *device = opened.release();
  return kOk;
}

int32_t Open(const shoal_open_args* args, shoal_device** device, shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr) return Fail(status, kInvalidArgument, "device is null");
    if (args == nullptr) {
      delete *device;
      *device = nullptr;
      return kOk;
    }
    if (int32_t code =
            CheckStruct(args, "open args", plugins::kMinimumSize<shoal_open_args>, status))
      return code;
    if (args->device_index != 0) {
      return Fail(status, kInvalidArgument, "there is no device %d, only device 0",
                  args->device_index);
    }
    if (args->threads < 1)
      return Fail(status, kInvalidArgument, "threads is %d, expected >= 1", args->threads);
    return OpenWith(args->options, device, status);
  });
}

int32_t Buffers(shoal_device* device, shoal_buffer_request* request, shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr) return Fail(status, kInvalidArgument, "device is null");
    return device->memory.Handle(request, status);
  });
}

int32_t MakePlan(shoal_device& device, const shoal_program& program, shoal_plan** plan,
                 shoal_status* status) {
  const auto size = [&](const shoal_buffer* buffer) {
    return device.memory.Owns(buffer) ? buffer->size : int64_t{-1};
  };
  if (int32_t code = plugins::CheckProgram(&program, "mock", size, status)) return code;
  for (int32_t i = 0; i < program.op_count; ++i) {
    const shoal_op& op = program.ops[i];
    if (op.kind != device.faults.script().refuse) continue;
    return Fail(status, plugins::kUnimplemented, "scripted: operation %d (%s \"%s\") is refused", i,
                plugins::OpName(op.kind), op.label == nullptr ? "" : op.label);
  }
  device.plans.push_back(std::make_unique<shoal_plan>(program));
  *plan = device.plans.back().get();
  return kOk;
}

int32_t Plan(shoal_device* device, const shoal_program* program, shoal_plan** plan,
             shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr || plan == nullptr)
      return Fail(status, kInvalidArgument, "device or plan is null");
    if (program != nullptr) return MakePlan(*device, *program, plan, status);
    const auto place = device->Find(*plan);
    if (place == device->plans.end())
      return Fail(status, kInvalidArgument, "the plan is not of this device");
    device->plans.erase(place);
    *plan = nullptr;
    return kOk;
  });
}

// What the script has for this step. Some of it does not return.
int32_t StrikeAt(Faults& faults, uint64_t step, shoal_status* status) {
  const Script& script = faults.script();
  const auto due = [&](const std::optional<uint64_t>& at) {
    return at == step && faults.Strikes();
  };
  const auto number = static_cast<unsigned long long>(step);
  if (due(script.crash)) std::abort();
  if (due(script.segv)) std::raise(SIGSEGV);
  while (due(script.hang)) std::this_thread::sleep_for(std::chrono::hours(1));
  if (due(script.error))
    return Fail(status, plugins::kInternal, "scripted: error at step %llu", number);
  if (due(script.oom)) {
    return Fail(status, plugins::kResourceExhausted, "scripted: out of memory at step %llu",
                number);
  }
  return kOk;
}

int32_t Run(shoal_device* device, shoal_plan* plan, const shoal_scalars* scalars,
            shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr || device->Find(plan) == device->plans.end()) {
      return Fail(status, kInvalidArgument, "the plan is not of this device");
    }
    const auto start = std::chrono::steady_clock::now();
    if (int32_t code = plugins::CheckScalars(plan->program, scalars, status)) return code;
    for (const shoal_buffer* buffer : plan->program.buffers) {
      if (!device->memory.Owns(buffer)) {
        return Fail(status, plugins::kFailedPrecondition, "a buffer of program \"%s\" was freed",
                    plan->program.name.c_str());
      }
    }
    const Script& script = device->faults.script();
    if (plan->trains) {
      if (int32_t code = StrikeAt(device->faults, scalars->step, status)) return code;
    }
    if (plan->updates) std::this_thread::sleep_for(std::chrono::milliseconds(script.step_ms));
    const bool nan =
        script.nan.has_value() && scalars->step >= *script.nan && device->faults.Strikes();
    Pretend(plan->program, *scalars, nan);
    if (scalars->op_nanoseconds != nullptr && !plan->program.ops.empty()) {
      scalars->op_nanoseconds[0] += static_cast<uint64_t>(
          std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count());
    }
    return kOk;
  });
}

constexpr shoal_backend kBackend = {
    .struct_size = sizeof(shoal_backend),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "mock",
    .version = "1",
    .sanitizer = plugins::kSanitizer,
    .probe = &Probe,
    .open = &Open,
    .buffers = &Buffers,
    .plan = &Plan,
    .run = &Run,
};

}  // namespace
}  // namespace shoal::mock

const shoal_backend* shoal_backend_get(void) { return &shoal::mock::kBackend; }
