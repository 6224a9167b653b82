// A flat array whose element type is known when it runs.
#pragma once

namespace shoal::onednn {

struct Array {
  void* data;  // of f32, or of bf16
  bool bf16;
};

}  // namespace shoal::onednn
