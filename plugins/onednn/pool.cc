// SCATTER_ROWS, MEAN_POOL and its backward: a row for each sequence, or for each selected row.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/pool.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/device.h"
#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

// to[row_to, :] = scale * from[row_from, :]
void ScaleRow(float scale, Array from, int64_t row_from, Array to, int64_t row_to, int64_t width) {
  const V factor = Broadcast(scale);
  WithType(from, row_from * width, [&](auto* x) {
    WithType(to, row_to * width, [&](auto* y) {
      ForLanes(width, [&](int64_t i, auto lanes) {
        Store(hn::Mul(Load(x + i, lanes), factor), y + i, lanes);
      });
    });
  });
}

// to[s, :] = mean of from[begin .. end, :], added up in order.
void MeanRow(Array from, int64_t begin, int64_t end, Array to, int64_t s, int64_t width) {
  const V share = Broadcast(1.0f / static_cast<float>(HWY_MAX(int64_t{1}, end - begin)));
  WithType(from, 0, [&](auto* x) {
    WithType(to, s * width, [&](auto* y) {
      ForLanes(width, [&](int64_t i, auto lanes) {
        V sum = hn::Zero(kF);
        for (int64_t n = begin; n < end; ++n) sum = hn::Add(sum, Load(x + n * width + i, lanes));
        Store(hn::Mul(sum, share), y + i, lanes);
      });
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(ScaleRow);
HWY_EXPORT(MeanRow);

class ScatterRows final : public Operation {
 public:
  explicit ScatterRows(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &dy = site_.in[0], &dx = site_.out[0];
    const int32_t* const rows = site_.in[1].As<int32_t>();
    const int64_t selected = dy.rows(scalars), all = dx.rows(scalars), width = dx.width();
    if (int32_t code = CheckIndices(site_, "row numbers", rows, selected, 0, all, status))
      return code;
    const Team& team = site_.device.team;
    team.Split(all, width / 2, 1, [&](int64_t begin, int64_t end, int) {
      std::memset(dx.As<std::byte>() + begin * dx.row_bytes(), 0,
                  static_cast<size_t>((end - begin) * dx.row_bytes()));
    });
    team.Split(selected, width, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r)
        HWY_DYNAMIC_DISPATCH(ScaleRow)(1.0f, dy.array(), r, dx.array(), rows[r], width);
    });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

class MeanPool final : public Operation {
 public:
  explicit MeanPool(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const bool forward = site_.op.kind == SHOAL_OP_MEAN_POOL;
    const Tensor &from = site_.in[0], &to = site_.out[0];
    const int32_t* const offsets = site_.in[1].As<int32_t>();
    const int64_t sequences = site_.in[1].rows(scalars) - 1, width = from.width();
    const int64_t rows = (forward ? from : to).rows(scalars);
    if (int32_t code = CheckOffsets(site_, offsets, sequences, rows, status)) return code;
    const int64_t cost = rows / (sequences > 0 ? sequences : 1) * width;
    site_.device.team.Split(sequences, cost, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t s = begin; s < end; ++s) {
        const int64_t first = offsets[s], last = offsets[s + 1];
        if (forward) {
          HWY_DYNAMIC_DISPATCH(MeanRow)(from.array(), first, last, to.array(), s, width);
          continue;
        }
        const float share = 1.0f / static_cast<float>(last - first);
        for (int64_t n = first; n < last; ++n)
          HWY_DYNAMIC_DISPATCH(ScaleRow)(share, from.array(), s, to.array(), n, width);
      }
    });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

}  // namespace

std::unique_ptr<Operation> MakePool(const Site& site) {
  if (site.op.kind == SHOAL_OP_SCATTER_ROWS) return std::make_unique<ScatterRows>(site);
  return std::make_unique<MeanPool>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
