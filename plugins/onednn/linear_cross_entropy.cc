// LINEAR_CROSS_ENTROPY: the head, the loss and both gradients, by blocks of rows. Per block: the
// logits by one product into f32 scratch, softmax and gradient over them in place (in the products'
// input type), then dh and a share of dw by two more products. [N, V] never exists; the scratch is
// block_rows * V * 4 bytes.
#include "plugins/onednn/cleared_rows.h"
#include "plugins/onednn/cross_entropy.h"
#include "plugins/onednn/device.h"
#include "plugins/onednn/gemm.h"
#include "plugins/onednn/operation.h"
#include "plugins/support/status.h"

#include <algorithm>
#include <cstring>

namespace shoal::onednn {
namespace {

using plugins::kOk;

class LinearCrossEntropy final : public Operation {
 public:
  explicit LinearCrossEntropy(const Site& site) : site_(site) {
    const Tensor &h = site.in[0], &w = site.in[1];
    width_ = h.width();
    vocab_ = w.capacity();
    const auto& attr = site.op.attr.linear;
    real_vocab_ = attr.real_vocab > 0 ? attr.real_vocab : vocab_;
    block_rows_ = std::min(RoundUp(attr.block_rows > 0 ? attr.block_rows : ChooseBlock(vocab_)),
                           RoundUp(h.capacity()));
    logits_bytes_ = block_rows_ * vocab_ * static_cast<int64_t>(sizeof(float));
    // Each thread's column sums on cache lines of its own.
    if (site.out[3]) sums_stride_ = RoundUp(vocab_);
    sums_bytes_ = sums_stride_ * site.device.team.threads() * static_cast<int64_t>(sizeof(float));
    site.device.workspace.Reserve(logits_bytes_ + sums_bytes_ + ClearedRows::Space(h));
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &h = site_.in[0], &targets = site_.in[2];
    const int64_t rows = h.rows(scalars);
    if (int32_t code =
            CheckIndices(site_, "targets", targets.As<int32_t>(), rows, -1, real_vocab_, status)) {
      return code;
    }
    bool add = Accumulates(site_.op.attr.linear.write, scalars);
    if (site_.out[3]) std::memset(sums(), 0, static_cast<size_t>(sums_bytes_));
    const bool add_bias = add;
    if (rows == 0 && !add) Clear(site_.out[2]);
    const ClearedRows cleared(h, rows, RoundRows(rows, h.capacity()),
                              site_.device.workspace.Get<std::byte>(logits_bytes_ + sums_bytes_));
    for (int64_t first = 0; first < rows; first += block_rows_, add = true) {
      if (int32_t code = RunBlock(scalars, first, std::min(block_rows_, rows - first), add, status))
        return code;
    }
    if (site_.out[3]) CollectBias(add_bias);
    return kOk;
  }

 private:
  float* sums() const { return site_.device.workspace.Get<float>(logits_bytes_); }

  // db (+)= the threads' column sums, in order.
  void CollectBias(bool add) const {
    float* const db = site_.out[3].As<float>();
    for (int64_t v = 0; v < vocab_; ++v) {
      float total = 0;
      for (int t = 0; t < site_.device.team.threads(); ++t) total += sums()[t * sums_stride_ + v];
      db[v] = add ? db[v] + total : total;
    }
  }

  static void Clear(const Tensor& gradient) {
    if (!gradient) return;
    std::memset(gradient.data, 0, static_cast<size_t>(gradient.capacity() * gradient.row_bytes()));
  }

  static int64_t RoundUp(int64_t rows) { return (rows + 15) / 16 * 16; }

  // Each block reads and writes all of dw and reads w twice, so blocks are large; but their logits
  // should stay in the last-level cache (16 MiB of f32), which only a large vocabulary cannot have.
  static int64_t ChooseBlock(int64_t vocab) {
    constexpr int64_t kLogits = 4 << 20, kLeast = 512, kMost = 1024;
    return std::clamp(kLogits / vocab, kLeast, kMost);
  }

  int32_t RunBlock(const shoal_scalars& scalars, int64_t first, int64_t rows, bool add,
                   shoal_status* status) {
    const Tensor &h = site_.in[0], &w = site_.in[1], &bias = site_.in[3], &dh = site_.out[1],
                 &dw = site_.out[2], &db = site_.out[3];
    const int64_t rounded = RoundRows(rows, h.capacity() - first);
    float* const scratch = site_.device.workspace.Get<float>();
    const void* const block = h.As<std::byte>() + first * h.row_bytes();
    GemmShape logits;
    logits.m = rounded, logits.n = vocab_, logits.k = width_;
    logits.transpose_b = true;
    logits.input_type = h.slot.dtype;
    logits.bias = bias.data != nullptr;
    if (int32_t code =
            site_.device.gemm.Run(logits, block, w.data, bias.As<float>(), scratch, status)) {
      return code;
    }

    // The gradient of a bf16 program is bf16: it takes the first half of each f32 row that it
    // replaces.
    const bool bf16 = h.is_bf16(), backward = dh || dw || db;
    const int64_t stride = bf16 ? 2 * vocab_ : vocab_;
    CrossEntropyRows(site_.device.team,
                     {{scratch, false},
                      {backward ? scratch : nullptr, bf16},
                      vocab_,
                      stride,
                      site_.in[2].As<int32_t>() + first,
                      site_.out[0].As<float>() + first,
                      vocab_,
                      real_vocab_,
                      scalars.loss_scale,
                      scalars.training != 0 ? site_.op.attr.linear.label_smoothing : 0.0f,
                      db ? sums() : nullptr,
                      sums_stride_},
                     rows);
    if (!backward) return kOk;
    std::memset(scratch + rows * vocab_, 0,
                static_cast<size_t>((rounded - rows) * vocab_) * sizeof(float));
    return RunGradients(scratch, stride, block, first, rounded, add, status);
  }

  int32_t RunGradients(const float* dlogits, int64_t stride, const void* block, int64_t first,
                       int64_t rounded, bool add, shoal_status* status) {
    const Tensor &h = site_.in[0], &w = site_.in[1], &dh = site_.out[1], &dw = site_.out[2];
    GemmShape shape;
    shape.input_type = h.slot.dtype;
    shape.lda = stride;
    shape.n = width_;
    if (dh) {
      shape.m = rounded;
      shape.k = vocab_;
      shape.output_type = dh.slot.dtype;
      void* const to = dh.As<std::byte>() + first * dh.row_bytes();
      if (int32_t code = site_.device.gemm.Run(shape, dlogits, w.data, nullptr, to, status))
        return code;
    }
    if (!dw) return kOk;
    shape.m = vocab_;
    shape.k = rounded;
    shape.transpose_a = true;
    shape.accumulate = add;
    shape.output_type = SHOAL_DTYPE_F32;
    return site_.device.gemm.Run(shape, dlogits, block, nullptr, dw.data, status);
  }

  const Site site_;
  int64_t width_, vocab_, real_vocab_, block_rows_, logits_bytes_;
  int64_t sums_stride_ = 0, sums_bytes_;
};

}  // namespace

std::unique_ptr<Operation> MakeLinearCrossEntropy(const Site& site) {
  return std::make_unique<LinearCrossEntropy>(site);
}

}  // namespace shoal::onednn
