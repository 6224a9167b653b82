// The reference backend: plain loops on one thread, the oracle that other backends are compared
// with. It runs f32 and bf16 programs, and f64 programs for finite differences. The five calls of
// the ABI, and nothing else.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "plugins/abi/shoal_backend.h"
#include "plugins/reference/call.h"
#include "plugins/reference/ops.h"
#include "plugins/support/check_program.h"
#include "plugins/support/host_memory.h"
#include "plugins/support/program.h"
#include "plugins/support/status.h"

struct shoal_plan {
  explicit shoal_plan(const shoal_program& source) : program(source) {}

  shoal::plugins::Program program;
  shoal::reference::Workspace workspace;
};

struct shoal_device {
  shoal::plugins::HostMemory memory;
  std::vector<std::unique_ptr<shoal_plan>> plans;

  // The place of a plan of this device, or plans.end().
  auto Find(const shoal_plan* plan) {
    return std::find_if(plans.begin(), plans.end(),
                        [plan](const auto& owned) { return owned.get() == plan; });
  }
};

namespace shoal::reference {
namespace {

using plugins::CheckStruct;
using plugins::Fail;
using plugins::Guard;
using plugins::kFailedPrecondition;
using plugins::kInvalidArgument;
using plugins::kOk;

int32_t Probe(shoal_capabilities* out, shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (int32_t code =
            CheckStruct(out, "capabilities", plugins::kMinimumSize<shoal_capabilities>, status))
      return code;
    std::snprintf(out->device_name, sizeof(out->device_name), "host CPU, plain loops");
    std::snprintf(out->isa, sizeof(out->isa), "portable");
    out->device_count = 1;
    out->supports_bf16 = 0;
    out->memory_bytes = 0;
    out->numerics_version = 1;
    return kOk;
  });
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
    if (args->options != nullptr && args->options[0] != '\0') {
      return Fail(status, kInvalidArgument,
                  "the reference backend takes no options, was given \"%s\"", args->options);
    }
    *device = new shoal_device;
    return kOk;
  });
}

int32_t Buffers(shoal_device* device, shoal_buffer_request* request, shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr) return Fail(status, kInvalidArgument, "device is null");
    return device->memory.Handle(request, status);
  });
}

int32_t Plan(shoal_device* device, const shoal_program* program, shoal_plan** plan,
             shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr || plan == nullptr)
      return Fail(status, kInvalidArgument, "device or plan is null");
    if (program == nullptr) {
      const auto place = device->Find(*plan);
      if (place == device->plans.end())
        return Fail(status, kInvalidArgument, "the plan is not of this device");
      device->plans.erase(place);
      *plan = nullptr;
      return kOk;
    }
    const auto size = [&](const shoal_buffer* buffer) {
      return device->memory.Owns(buffer) ? buffer->size : int64_t{-1};
    };
    if (int32_t code = plugins::CheckProgram(program, "reference", size, status)) return code;
    device->plans.push_back(std::make_unique<shoal_plan>(*program));
    *plan = device->plans.back().get();
    return kOk;
  });
}

template <class Real>
int32_t RunOps(shoal_plan& plan, const shoal_scalars& scalars, shoal_status* status) {
  using Clock = std::chrono::steady_clock;
  for (size_t i = 0; i < plan.program.ops.size(); ++i) {
    const Clock::time_point start = Clock::now();
    const shoal_op& op = plan.program.ops[i];
    plan.workspace.Reset();
    Call<Real> call(plan.program, op, scalars, plan.workspace, status);
    if (int32_t code = FindOperation<Real>(op.kind)(call)) return code;
    if (scalars.op_nanoseconds != nullptr) {
      scalars.op_nanoseconds[i] +=
          static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - start).count());
    }
  }
  return kOk;
}

int32_t Run(shoal_device* device, shoal_plan* plan, const shoal_scalars* scalars,
            shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr || device->Find(plan) == device->plans.end()) {
      return Fail(status, kInvalidArgument, "the plan is not of this device");
    }
    if (int32_t code = plugins::CheckScalars(plan->program, scalars, status)) return code;
    for (const shoal_buffer* buffer : plan->program.buffers) {
      if (!device->memory.Owns(buffer)) {
        return Fail(status, kFailedPrecondition, "a buffer of program \"%s\" was freed",
                    plan->program.name.c_str());
      }
    }
    return plan->program.act_dtype == SHOAL_DTYPE_F64 ? RunOps<double>(*plan, *scalars, status)
                                                      : RunOps<float>(*plan, *scalars, status);
  });
}

constexpr shoal_backend kBackend = {
    .struct_size = sizeof(shoal_backend),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "reference",
    .version = "1",
    .sanitizer = plugins::kSanitizer,
    .probe = &Probe,
    .open = &Open,
    .buffers = &Buffers,
    .plan = &Plan,
    .run = &Run,
};

}  // namespace
}  // namespace shoal::reference

const shoal_backend* shoal_backend_get(void) { return &shoal::reference::kBackend; }
