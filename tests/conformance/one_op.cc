#include "tests/conformance/one_op.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "plugins/support/bfloat16.h"
#include "plugins/support/program.h"

namespace shoal::conformance {
namespace {

constexpr std::byte kGuard{0xA5};
constexpr int64_t kAlignment = 64;
constexpr int64_t kIndexGarbage = -7777;

double GarbageValue(int32_t dtype) {
  return dtype == kI32 ? static_cast<double>(kIndexGarbage)
                       : std::numeric_limits<double>::quiet_NaN();
}

template <class T>
void Put(T value, int64_t i, std::byte* to) {
  std::memcpy(to + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}
template <class T>
T Get(const std::byte* from, int64_t i) {
  T value;
  std::memcpy(&value, from + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

void Encode(const Tensor& tensor, std::byte* to) {
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double value = tensor.values[static_cast<size_t>(i)];
    switch (tensor.dtype) {
      case kF32:
        Put(static_cast<float>(value), i, to);
        break;
      case kBf16:
        Put(plugins::ToBfloat16(static_cast<float>(value)), i, to);
        break;
      case kF64:
        Put(value, i, to);
        break;
      default:
        Put(static_cast<int32_t>(value), i, to);
    }
  }
}

std::vector<double> Decode(int32_t dtype, const std::byte* from, int64_t count) {
  std::vector<double> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    double& value = values[static_cast<size_t>(i)];
    switch (dtype) {
      case kF32:
        value = Get<float>(from, i);
        break;
      case kBf16:
        value = plugins::ToFloat(Get<plugins::Bfloat16>(from, i));
        break;
      case kF64:
        value = Get<double>(from, i);
        break;
      default:
        value = Get<int32_t>(from, i);
    }
  }
  return values;
}

}  // namespace

int64_t Tensor::size() const {
  int64_t size = 1;
  for (const int64_t dim : dims) size *= dim;
  return size;
}

Tensor Garbage(int32_t dtype, std::vector<int64_t> dims, int32_t extent) {
  return Constant(dtype, std::move(dims), GarbageValue(dtype), extent);
}

Tensor Constant(int32_t dtype, std::vector<int64_t> dims, double value, int32_t extent) {
  Tensor tensor{dtype, std::move(dims), extent, {}};
  tensor.values.assign(static_cast<size_t>(tensor.size()), value);
  return tensor;
}

Tensor FromValues(int32_t dtype, std::vector<int64_t> dims, std::vector<double> values,
                  int32_t extent) {
  return {dtype, std::move(dims), extent, std::move(values)};
}

Tensor Draw::Rows(int32_t dtype, int64_t width, double deviation) {
  Tensor tensor = RowGarbage(dtype, width);
  std::normal_distribution<double> normal(0, deviation);
  const int64_t used = rows_ * (width == 0 ? 1 : width);
  for (int64_t i = 0; i < used; ++i) tensor.values[static_cast<size_t>(i)] = normal(generator_);
  return tensor;
}

Tensor Draw::Fixed(int32_t dtype, std::vector<int64_t> dims, double deviation) {
  Tensor tensor = Garbage(dtype, std::move(dims));
  std::normal_distribution<double> normal(0, deviation);
  for (double& value : tensor.values) value = normal(generator_);
  return tensor;
}

Tensor Draw::Indices(int64_t low, int64_t high) {
  Tensor tensor = RowGarbage(kI32, 0);
  std::uniform_int_distribution<int64_t> uniform(low, high - 1);
  for (int64_t i = 0; i < rows_; ++i) {
    tensor.values[static_cast<size_t>(i)] = static_cast<double>(uniform(generator_));
  }
  return tensor;
}

Tensor Draw::RowGarbage(int32_t dtype, int64_t width) const {
  std::vector<int64_t> dims{capacity_};
  if (width > 0) dims.push_back(width);
  return Garbage(dtype, std::move(dims), kRows);
}

OneOp::OneOp(int32_t kind, int32_t act_dtype, int64_t rows) : act_dtype_(act_dtype) {
  op_.kind = kind;
  op_.label = "tested.operation";
  for (int32_t& slot : op_.inputs) slot = SHOAL_NO_SLOT;
  for (int32_t& slot : op_.outputs) slot = SHOAL_NO_SLOT;
  scalars_.struct_size = sizeof(scalars_);
  scalars_.training = 1;
  scalars_.rows = rows;
  scalars_.longest = rows;
  scalars_.seed = 0x123456789abcdef0u;
  scalars_.step = 3;
  scalars_.lr = 0.01f;
  scalars_.loss_scale = 0.125f;
}

int32_t OneOp::AddSlot(Tensor tensor, bool written) {
  const int64_t bytes = tensor.size() * plugins::ElementSize(tensor.dtype);
  slots_.push_back({std::move(tensor), size_, written, SHOAL_NO_SLOT});
  // At least one whole unit of guard bytes after every slot.
  size_ += (bytes + kAlignment - 1) / kAlignment * kAlignment + kAlignment;
  return static_cast<int32_t>(slots_.size()) - 1;
}

OneOp& OneOp::In(int place, Tensor tensor) {
  op_.inputs[place] = AddSlot(std::move(tensor), false);
  return *this;
}

OneOp& OneOp::Out(int place, Tensor tensor) {
  op_.outputs[place] = AddSlot(std::move(tensor), true);
  return *this;
}

OneOp& OneOp::RemoveInput(int place) {
  op_.inputs[place] = SHOAL_NO_SLOT;
  return *this;
}

OneOp& OneOp::OutOverIn(int place, int input) {
  const int32_t original = op_.inputs[input];
  Slot slot = slots_[original];
  slot.shares = original;
  slot.written = true;
  slots_[original].written = true;
  slots_.push_back(std::move(slot));
  op_.outputs[place] = static_cast<int32_t>(slots_.size()) - 1;
  return *this;
}

int64_t OneOp::UsedSize(const Tensor& tensor) const {
  shoal_slot slot{};
  slot.extent = tensor.extent;
  slot.dims[0] = tensor.dims[0];
  return plugins::UsedExtent(slot, scalars_) * (tensor.size() / tensor.dims[0]);
}

void OneOp::Build(shoal_buffer* buffer, Program* out) const {
  out->slots.clear();
  for (const Slot& slot : slots_) {
    shoal_slot& made = out->slots.emplace_back();
    made = {};
    made.dtype = slot.tensor.dtype;
    made.extent = slot.tensor.extent;
    made.rank = static_cast<int32_t>(slot.tensor.dims.size());
    for (size_t d = 0; d < slot.tensor.dims.size(); ++d) made.dims[d] = slot.tensor.dims[d];
    made.offset_bytes = slot.offset;
  }
  out->op = op_;
  out->buffer = buffer;
  out->program = {};
  out->program.struct_size = sizeof(out->program);
  out->program.name = "conformance";
  out->program.act_dtype = act_dtype_;
  out->program.slot_count = static_cast<int32_t>(out->slots.size());
  out->program.op_count = 1;
  out->program.buffer_count = 1;
  out->program.slots = out->slots.data();
  out->program.ops = &out->op;
  out->program.buffers = &out->buffer;
}

std::vector<std::byte> OneOp::InitialImage() const {
  std::vector<std::byte> image(static_cast<size_t>(size_), kGuard);
  for (const Slot& slot : slots_) {
    if (slot.shares == SHOAL_NO_SLOT) Encode(slot.tensor, image.data() + slot.offset);
  }
  return image;
}

void OneOp::CheckDamage(const std::vector<std::byte>& before, Result* result) const {
  std::vector<bool> writable(before.size(), false);
  for (const Slot& slot : slots_) {
    if (!slot.written) continue;
    const int64_t bytes = slot.tensor.size() * plugins::ElementSize(slot.tensor.dtype);
    for (int64_t i = 0; i < bytes; ++i) writable[static_cast<size_t>(slot.offset + i)] = true;
  }
  for (size_t i = 0; i < before.size(); ++i) {
    if (writable[i] || result->image[i] == before[i]) continue;
    result->damage = "byte " + std::to_string(i) + " of " + std::to_string(before.size()) +
                     " was written, which belongs to no output";
    return;
  }
}

Result OneOp::Run(const Device& device) const {
  Result result;
  shoal_buffer* buffer = nullptr;
  result.status = device.Allocate(size_, &buffer);
  if (result.status.code != 0) return result;
  const std::vector<std::byte> before = InitialImage();
  result.image = before;
  Program program;
  Build(buffer, &program);
  shoal_plan* plan = nullptr;
  result.status = device.Write(buffer, 0, before.data(), size_);
  if (result.status.code == 0) result.status = device.Plan(&program.program, &plan);
  if (result.status.code == 0) result.status = device.Run(plan, scalars_);
  if (result.status.code == 0) {
    result.status = device.Read(buffer, 0, result.image.data(), size_);
    CheckDamage(before, &result);
    for (int place = 0; place < SHOAL_MAX_OUTPUTS; ++place) {
      if (!HasOutput(place)) continue;
      const Slot& slot = slots_[op_.outputs[place]];
      result.outputs[place] =
          Decode(slot.tensor.dtype, result.image.data() + slot.offset, UsedSize(slot.tensor));
    }
  }
  if (plan != nullptr) device.Plan(nullptr, &plan);
  device.Free(buffer);
  return result;
}

}  // namespace shoal::conformance
