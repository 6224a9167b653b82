#include "worker/engine/program/tensor.h"

#include "core/base/check.h"
#include "core/base/strings.h"

namespace shoal::engine {

int64_t SizeOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
    case Dtype::kI32:
      return 4;
    case Dtype::kBf16:
      return 2;
    case Dtype::kF64:
      return 8;
  }
  SHOAL_CHECK(false, "dtype ", static_cast<int>(dtype));
  return 0;
}

std::string_view DtypeName(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF32:
      return "f32";
    case Dtype::kBf16:
      return "bf16";
    case Dtype::kF64:
      return "f64";
    case Dtype::kI32:
      return "i32";
  }
  return "?";
}

int64_t Shape::elements() const {
  int64_t product = 1;
  for (int32_t i = 0; i < rank; ++i) product *= dims[static_cast<size_t>(i)];
  return product;
}

int64_t Shape::width() const { return rank == 1 ? 1 : elements() / dims[0]; }

std::string Shape::ToString() const {
  std::string text = "[";
  switch (extent) {
    case Extent::kFixed:
      break;
    case Extent::kRows:
      text += "rows<=";
      break;
    case Extent::kSequencesPlus1:
      text += "sequences+1<=";
      break;
    case Extent::kSelected:
      text += "selected<=";
      break;
  }
  for (int32_t i = 0; i < rank; ++i) {
    StrAppend(text, i > 0 ? ", " : "", dims[static_cast<size_t>(i)]);
  }
  return text + "]";
}

}  // namespace shoal::engine
