// ADD, SCALE, DROPOUT, ACTIVATION and its backward, CAST, FILL, GATHER_ROWS: nothing but reading, a
// word of arithmetic, and writing.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/elementwise.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/activation.h"
#include "plugins/onednn/device.h"
#include "plugins/onednn/dropout.h"
#include "plugins/onednn/philox-inl.h"
#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

// to[i] = a[i] + dropout(b[i]) for i in [begin, end); without a (null) the sum is left out.
void AddRange(const DropoutKey& dropout, Array a, Array b, Array to, int64_t begin, int64_t end) {
  alignas(64) float buffer[kMaskBuffer];
  WithType(a, 0, [&](auto* other) {
    WithType(b, 0, [&](auto* from) {
      WithType(to, 0, [&](auto* out) {
        for (int64_t at = begin; at < end; at += kMaskPiece) {
          const int64_t count = HWY_MIN(kMaskPiece, end - at);
          const float* const factors =
              dropout.active ? DrawRow(dropout, static_cast<uint64_t>(at), count, buffer) : nullptr;
          ForLanes(count, [&](int64_t i, auto lanes) {
            V v = Load(from + at + i, lanes);
            if (factors != nullptr) v = hn::Mul(v, Load(factors + i, lanes));
            if (other != nullptr) v = hn::Add(Load(other + at + i, lanes), v);
            Store(v, out + at + i, lanes);
          });
        }
      });
    });
  });
}

// y[i] = factor x[i] (+ y[i])
void ScaleRange(float factor, Array x, Array y, bool add, int64_t begin, int64_t end) {
  const V scale = Broadcast(factor);
  WithType(x, begin, [&](auto* from) {
    WithType(y, begin, [&](auto* to) {
      ForLanes(end - begin, [&](int64_t i, auto lanes) {
        const V v = hn::Mul(Load(from + i, lanes), scale);
        Store(add ? hn::Add(v, Load(to + i, lanes)) : v, to + i, lanes);
      });
    });
  });
}

void FillRange(float value, Array to, int64_t begin, int64_t end) {
  WithType(to, begin, [&](auto* out) {
    ForLanes(end - begin, [&](int64_t i, auto lanes) { Store(Broadcast(value), out + i, lanes); });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(AddRange);
HWY_EXPORT(FillRange);
HWY_EXPORT(ScaleRange);
constexpr int64_t kBorder = 64;  // ranges begin on cache lines

// ADD, DROPOUT and CAST: the same loop with parts left out.
class Add final : public Operation {
 public:
  explicit Add(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const bool adds = site_.op.kind == SHOAL_OP_ADD;
    const Tensor& from = site_.in[adds ? 1 : 0];
    DropoutKey dropout;
    if (site_.op.kind != SHOAL_OP_CAST) {
      dropout =
          MakeDropoutKey(site_.op.attr.dropout.dropout, site_.op.attr.dropout.stream, scalars);
    }
    site_.device.team.Split(from.elements(scalars), 3, kBorder,
                            [&](int64_t begin, int64_t end, int) {
                              HWY_DYNAMIC_DISPATCH(AddRange)
                              (dropout, adds ? site_.in[0].array() : Array{}, from.array(),
                               site_.out[0].array(), begin, end);
                            });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

class Activation final : public Operation {
 public:
  explicit Activation(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const int32_t activation = site_.op.attr.activation.activation;
    const Array x = site_.in[0].array(), y = site_.out[0].array();
    const int64_t count = site_.in[0].elements(scalars);
    if (site_.op.kind == SHOAL_OP_ACTIVATION) {
      Activate(site_.device.team, activation, x, y, count);
    } else {
      ActivateBackward(site_.device.team, activation, x, site_.in[1].array(), y, count);
    }
    return plugins::kOk;
  }

 private:
  const Site site_;
};

class Fill final : public Operation {
 public:
  explicit Fill(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const Tensor& to = site_.out[0];
    site_.device.team.Split(to.elements(scalars), 1, kBorder, [&](int64_t begin, int64_t end, int) {
      HWY_DYNAMIC_DISPATCH(FillRange)(site_.op.attr.fill.value, to.array(), begin, end);
    });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

class Scale final : public Operation {
 public:
  explicit Scale(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const auto& attr = site_.op.attr.scale;
    const Tensor& x = site_.in[0];
    site_.device.team.Split(x.elements(scalars), 2, kBorder, [&](int64_t begin, int64_t end, int) {
      HWY_DYNAMIC_DISPATCH(ScaleRange)
      (attr.value, x.array(), site_.out[0].array(), attr.write == SHOAL_WRITE_ADD, begin, end);
    });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

class GatherRows final : public Operation {
 public:
  explicit GatherRows(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &x = site_.in[0], &y = site_.out[0];
    const int32_t* const rows = site_.in[1].As<int32_t>();
    const int64_t count = y.rows(scalars), bytes = x.row_bytes();
    if (int32_t code = CheckIndices(site_, "row numbers", rows, count, 0, x.rows(scalars), status))
      return code;
    site_.device.team.Split(count, x.width(), 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r) {
        std::memcpy(y.As<std::byte>() + r * bytes, x.As<std::byte>() + rows[r] * bytes,
                    static_cast<size_t>(bytes));
      }
    });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

}  // namespace

std::unique_ptr<Operation> MakeElementwise(const Site& site) {
  switch (site.op.kind) {
    case SHOAL_OP_ACTIVATION:
    case SHOAL_OP_ACTIVATION_BACKWARD:
      return std::make_unique<Activation>(site);
    case SHOAL_OP_FILL:
      return std::make_unique<Fill>(site);
    case SHOAL_OP_GATHER_ROWS:
      return std::make_unique<GatherRows>(site);
    case SHOAL_OP_SCALE:
      return std::make_unique<Scale>(site);
    default:
      return std::make_unique<Add>(site);
  }
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
