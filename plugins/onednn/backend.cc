// The five calls of the ABI. What an operation does is behind operation.h.
#include "plugins/abi/shoal_backend.h"

#include <cpuid.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "plugins/onednn/device.h"
#include "plugins/onednn/gemm.h"
#include "plugins/support/check_program.h"
#include "plugins/support/status.h"

namespace shoal::onednn {
namespace {

using plugins::CheckStruct;
using plugins::Fail;
using plugins::Guard;
using plugins::kInvalidArgument;
using plugins::kOk;
using plugins::kUnavailable;
using plugins::kUnimplemented;

constexpr int32_t kNumericsVersion =
    2;  // raise when any result may change bits; the goldens notice
constexpr int32_t kMostThreads = 1024;

// The processor's marketing name, without its padding.
void ReadCpuName(char (&name)[128]) {
  unsigned words[12] = {};
  std::snprintf(name, sizeof(name), "x86-64 CPU");
  if (__get_cpuid_max(0x80000000u, nullptr) < 0x80000004u) return;
  for (unsigned leaf = 0; leaf < 3; ++leaf) {
    unsigned* const part = words + 4 * leaf;
    __get_cpuid(0x80000002u + leaf, part, part + 1, part + 2, part + 3);
  }
  char text[49] = {};
  std::memcpy(text, words, sizeof(words));
  const char* begin = text;
  while (*begin == ' ') ++begin;
  size_t length = std::strlen(begin);
  while (length > 0 && begin[length - 1] == ' ') --length;
  if (length > 0) std::snprintf(name, sizeof(name), "%.*s", static_cast<int>(length), begin);
}

int32_t CheckHardware(shoal_status* status) {
  if (EffectiveIsa()[0] != '\0') return kOk;
  return Fail(
      status, kUnavailable,
      "backend onednn needs a CPU with AVX2; this one lacks it, or ONEDNN_MAX_CPU_ISA hides it");
}

int32_t Probe(shoal_capabilities* out, shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (int32_t code =
            CheckStruct(out, "capabilities", plugins::kMinimumSize<shoal_capabilities>, status)) {
      return code;
    }
    out->device_count = 0;
    if (int32_t code = CheckHardware(status)) return code;
    ReadCpuName(out->device_name);
    std::snprintf(out->isa, sizeof(out->isa), "%s", EffectiveIsa());
    out->device_count = 1;
    out->memory_bytes = 0;
    out->supports_bf16 = HasNativeBf16() ? 1 : 0;
    out->numerics_version = kNumericsVersion;
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
    *device = nullptr;
    if (int32_t code =
            CheckStruct(args, "open arguments", plugins::kMinimumSize<shoal_open_args>, status)) {
      return code;
    }
    if (args->device_index != 0) {
      return Fail(status, kInvalidArgument,
                  "device_index is %d, but backend onednn has one device, 0", args->device_index);
    }
    if (args->threads < 1 || args->threads > kMostThreads) {
      return Fail(status, kInvalidArgument, "threads is %d, expected 1 to %d", args->threads,
                  kMostThreads);
    }
    if (args->options != nullptr && args->options[0] != '\0') {
      return Fail(status, kInvalidArgument,
                  "backend onednn has no options, but was given \"%.100s\"", args->options);
    }
    if (int32_t code = CheckHardware(status)) return code;
    *device = std::make_unique<shoal_device>(args->threads).release();
    return kOk;
  });
}

int32_t Buffers(shoal_device* device, shoal_buffer_request* request, shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr) return Fail(status, kInvalidArgument, "device is null");
    return device->memory.Handle(request, status);
  });
}

int32_t FreePlan(shoal_device* device, shoal_plan** plan, shoal_status* status) {
  auto& plans = device->plans;
  const auto it = std::find_if(plans.begin(), plans.end(),
                               [&](const auto& owned) { return owned.get() == *plan; });
  if (it == plans.end())
    return Fail(status, kInvalidArgument, "the plan does not belong to this device, or was freed");
  plans.erase(it);
  *plan = nullptr;
  return kOk;
}

int32_t Plan(shoal_device* device, const shoal_program* program, shoal_plan** plan,
             shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr || plan == nullptr)
      return Fail(status, kInvalidArgument, "device or plan is null");
    if (program == nullptr) return FreePlan(device, plan, status);
    *plan = nullptr;
    const auto buffer_size = [device](const shoal_buffer* buffer) -> int64_t {
      return device->memory.Owns(buffer) ? buffer->size : -1;
    };
    if (int32_t code = plugins::CheckProgram(program, "onednn", buffer_size, status)) return code;
    if (program->act_dtype == SHOAL_DTYPE_F64) {
      return Fail(status, kUnimplemented, "backend onednn has no f64 programs; use reference");
    }
    device->team.Adopt();
    auto fresh = std::make_unique<shoal_plan>(*program);
    for (int32_t i = 0; i < program->op_count; ++i) {
      auto operation = MakeOperation(*device, fresh->program, i, status);
      if (operation == nullptr) return status == nullptr ? kUnimplemented : status->code;
      fresh->operations.push_back(std::move(operation));
    }
    device->plans.push_back(std::move(fresh));
    *plan = device->plans.back().get();
    return kOk;
  });
}

int32_t RunPlan(shoal_plan& plan, const shoal_scalars& scalars, shoal_status* status) {
  if (scalars.op_nanoseconds == nullptr) {
    for (const auto& operation : plan.operations) {
      if (int32_t code = operation->Run(scalars, status)) return code;
    }
    return kOk;
  }
  auto before = std::chrono::steady_clock::now();
  for (size_t i = 0; i < plan.operations.size(); ++i) {
    if (int32_t code = plan.operations[i]->Run(scalars, status)) return code;
    const auto after = std::chrono::steady_clock::now();
    scalars.op_nanoseconds[i] += static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(after - before).count());
    before = after;
  }
  return kOk;
}

int32_t Run(shoal_device* device, shoal_plan* plan, const shoal_scalars* scalars,
            shoal_status* status) {
  return Guard(status, [&]() -> int32_t {
    if (device == nullptr || plan == nullptr)
      return Fail(status, kInvalidArgument, "device or plan is null");
    if (int32_t code = plugins::CheckScalars(plan->program, scalars, status)) return code;
    device->team.Adopt();
    return RunPlan(*plan, *scalars, status);
  });
}

}  // namespace
}  // namespace shoal::onednn

extern "C" SHOAL_BACKEND_EXPORT const shoal_backend* shoal_backend_get(void) {
  static const shoal_backend backend = {
      sizeof(shoal_backend),
      SHOAL_ABI_MAJOR,
      SHOAL_ABI_MINOR,
      "onednn",
      shoal::onednn::OnednnVersion(),
      shoal::plugins::kSanitizer,
      shoal::onednn::Probe,
      shoal::onednn::Open,
      shoal::onednn::Buffers,
      shoal::onednn::Plan,
      shoal::onednn::Run,
  };
  return &backend;
}
