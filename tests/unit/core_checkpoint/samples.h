// A small checkpoint that every test of this folder writes.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"

namespace shoal::checkpoint {

inline Manifest SampleManifest() {
  Manifest manifest;
  manifest.kind = v1::CHECKPOINT_KIND_RESUMABLE;
  manifest.step = 1200;
  manifest.run_id = "run-0dz4kq1m8t3v9c5h2n7w";
  manifest.request_digest = std::string(64, 'a');
  manifest.model.set_n_layers(1);
  manifest.model.set_activation("relu");
  manifest.vocab_size = 3;
  manifest.tokenizer_digest = std::string(64, 'b');
  manifest.numerics.set_backend("onednn");
  manifest.numerics.set_dtype("bf16");
  manifest.numerics.set_threads(1);
  return manifest;
}

// Tensors and the memory they live in.
struct SampleTensors {
  std::vector<float> weight = {0.5f, -1.25f, 3.0f, 1e-30f, -0.0f, 65504.0f};
  std::vector<uint16_t> half = {0x3F80, 0xC000, 0x7F80, 0x0001};  // 1, -2, inf, the smallest
  std::vector<float> m = {1, 2, 3, 4, 5, 6};
  std::vector<float> v = {6, 5, 4, 3, 2, 1};
  float scalar = 2.5f;

  std::vector<TensorSource> Sources() const {
    return {Source("blocks.0.attn.qkv.weight", TensorType::kF32, {3, 2}, std::span(weight)),
            Source("head.weight", TensorType::kBf16, {2, 2}, std::span(half)),
            Source("scale", TensorType::kF32, {}, std::span(&scalar, 1)),
            Source("empty", TensorType::kF32, {0, 7}, std::span<const float>()),
            Source("optimizer/m/blocks.0.attn.qkv.weight", TensorType::kF32, {3, 2}, std::span(m)),
            Source("optimizer/v/blocks.0.attn.qkv.weight", TensorType::kF32, {3, 2}, std::span(v))};
  }

  template <typename T>
  static TensorSource Source(std::string name, TensorType type, std::vector<int64_t> shape,
                             std::span<T> values) {
    return {.name = std::move(name),
            .type = type,
            .shape = std::move(shape),
            .data = std::as_bytes(values),
            .read = nullptr};
  }
};

}  // namespace shoal::checkpoint
