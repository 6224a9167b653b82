#include "plugins/onednn/gemm.h"

#include <dnnl.h>

#include <array>
#include <cstdio>
#include <unordered_map>

#include "plugins/onednn/workspace.h"
#include "plugins/support/status.h"

namespace shoal::onednn {
namespace {

using plugins::Fail;
using plugins::kInternal;
using plugins::kOk;

// A primitive takes about 40 KiB and 0.2 ms to make. These hold all shapes of batches within two
// standard deviations of the mean; the few others are made anew.
constexpr size_t kMostPrimitives = 384;

struct ShapeHash {
  size_t operator()(const GemmShape& s) const {
    uint64_t hash = 0;
    const auto mix = [&hash](int64_t value) {
      hash = (hash ^ static_cast<uint64_t>(value)) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 29;
    };
    for (int64_t value : {s.m, s.n, s.k, s.lda, s.ldb, s.ldc}) mix(value);
    mix(s.transpose_a | s.transpose_b << 1 | s.accumulate << 2 | s.bias << 3 | s.input_type << 4 |
        s.output_type << 8 | s.activation << 12);
    return hash;
  }
};

// A C handle of oneDNN, destroyed with its owner.
template <class Handle, dnnl_status_t (*kDestroy)(Handle)>
class Owned {
 public:
  Owned() = default;
  Owned(Owned&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Owned& operator=(Owned&&) = delete;
  ~Owned() {
    if (handle_ != nullptr) kDestroy(handle_);
  }
  Handle get() const { return handle_; }
  Handle* out() { return &handle_; }

 private:
  Handle handle_ = nullptr;
};
using Engine = Owned<dnnl_engine_t, dnnl_engine_destroy>;
using Stream = Owned<dnnl_stream_t, dnnl_stream_destroy>;
using Memory = Owned<dnnl_memory_t, dnnl_memory_destroy>;
using Primitive = Owned<dnnl_primitive_t, dnnl_primitive_destroy>;
using PrimitiveDesc = Owned<dnnl_primitive_desc_t, dnnl_primitive_desc_destroy>;
using Attributes = Owned<dnnl_primitive_attr_t, dnnl_primitive_attr_destroy>;
using PostOps = Owned<dnnl_post_ops_t, dnnl_post_ops_destroy>;

// One compiled product with its operands' handles; the addresses are set before each run.
struct Product {
  enum { kA, kB, kBias, kC, kScratch, kCount };
  Primitive primitive;
  std::array<Memory, kCount> memory;
  size_t scratch_bytes = 0;
  uint64_t last_used = 0;
};

dnnl_data_type_t DataType(int32_t dtype) {
  return dtype == SHOAL_DTYPE_BF16 ? dnnl_bf16 : dnnl_f32;
}

// Describes the [rows, columns] matrix that is stored with row stride `stride` (0: dense),
// transposed or not.
dnnl_status_t Describe(dnnl_memory_desc_t* desc, int64_t rows, int64_t columns, bool transposed,
                       int64_t stride, int32_t dtype) {
  const dnnl_dims_t dims = {rows, columns};
  if (stride == 0) stride = transposed ? rows : columns;
  const dnnl_dims_t strides = {transposed ? 1 : stride, transposed ? stride : 1};
  return dnnl_memory_desc_init_by_strides(desc, 2, dims, DataType(dtype), strides);
}

struct Eltwise {
  dnnl_alg_kind_t kind;
  float alpha;
};

Eltwise EltwiseOf(int32_t activation) {
  switch (activation) {
    case SHOAL_ACTIVATION_RELU:
      return {dnnl_eltwise_relu, 0.0f};
    case SHOAL_ACTIVATION_GELU_TANH:
      return {dnnl_eltwise_gelu_tanh, 0.0f};
    case SHOAL_ACTIVATION_SILU:
      return {dnnl_eltwise_swish, 1.0f};  // x sigmoid(alpha x)
    case SHOAL_ACTIVATION_TANH:
      return {dnnl_eltwise_tanh, 0.0f};
    default:
      return {dnnl_eltwise_gelu_erf, 0.0f};
  }
}

dnnl_status_t MakeAttributes(const GemmShape& shape, Attributes* attributes) {
  dnnl_status_t result = dnnl_primitive_attr_create(attributes->out());
  if (result != dnnl_success) return result;
  result = dnnl_primitive_attr_set_scratchpad_mode(attributes->get(), dnnl_scratchpad_mode_user);
  if (result != dnnl_success) return result;
  PostOps post_ops;
  result = dnnl_post_ops_create(post_ops.out());
  if (result == dnnl_success && shape.accumulate)
    result = dnnl_post_ops_append_sum(post_ops.get(), 1.0f);
  if (result == dnnl_success && shape.activation != SHOAL_ACTIVATION_NONE) {
    const Eltwise eltwise = EltwiseOf(shape.activation);
    result = dnnl_post_ops_append_eltwise(post_ops.get(), 1.0f, eltwise.kind, eltwise.alpha, 0.0f);
  }
  if (result != dnnl_success) return result;
  return dnnl_primitive_attr_set_post_ops(attributes->get(), post_ops.get());
}

dnnl_status_t MakeProduct(dnnl_engine_t engine, const GemmShape& shape, Product* product) {
  dnnl_memory_desc_t descs[Product::kCount] = {};
  dnnl_status_t result = Describe(&descs[Product::kA], shape.m, shape.k, shape.transpose_a,
                                  shape.lda, shape.input_type);
  if (result != dnnl_success) return result;
  result = Describe(&descs[Product::kB], shape.k, shape.n, shape.transpose_b, shape.ldb,
                    shape.input_type);
  if (result != dnnl_success) return result;
  result = Describe(&descs[Product::kBias], 1, shape.n, false, 0, SHOAL_DTYPE_F32);
  if (result != dnnl_success) return result;
  result = Describe(&descs[Product::kC], shape.m, shape.n, false, shape.ldc, shape.output_type);
  if (result != dnnl_success) return result;

  Attributes attributes;
  result = MakeAttributes(shape, &attributes);
  if (result != dnnl_success) return result;
  dnnl_matmul_desc_t matmul;
  result =
      dnnl_matmul_desc_init(&matmul, &descs[Product::kA], &descs[Product::kB],
                            shape.bias ? &descs[Product::kBias] : nullptr, &descs[Product::kC]);
  if (result != dnnl_success) return result;
  PrimitiveDesc desc;
  result = dnnl_primitive_desc_create(desc.out(), &matmul, attributes.get(), engine, nullptr);
  if (result != dnnl_success) return result;
  result = dnnl_primitive_create(product->primitive.out(), desc.get());
  if (result != dnnl_success) return result;

  const dnnl_memory_desc_t* scratch =
      dnnl_primitive_desc_query_md(desc.get(), dnnl_query_scratchpad_md, 0);
  descs[Product::kScratch] = *scratch;
  product->scratch_bytes = dnnl_memory_desc_get_size(scratch);
  for (int i = 0; i < Product::kCount; ++i) {
    result = dnnl_memory_create(product->memory[i].out(), &descs[i], engine, DNNL_MEMORY_NONE);
    if (result != dnnl_success) return result;
  }
  return dnnl_success;
}

int32_t Refused(const GemmShape& s, const char* what, dnnl_status_t result, shoal_status* status) {
  return Fail(status, kInternal,
              "oneDNN failed to %s a product of %lld x %lld x %lld (%s): its status is %d", what,
              static_cast<long long>(s.m), static_cast<long long>(s.n), static_cast<long long>(s.k),
              s.input_type == SHOAL_DTYPE_BF16 ? "bf16" : "f32", static_cast<int>(result));
}

}  // namespace

struct Gemm::State {
  Engine engine;
  Stream stream;
  std::unordered_map<GemmShape, Product, ShapeHash> products;
  uint64_t uses = 0;
  Workspace scratch;  // grows when a product that needs more is created

  int32_t Find(const GemmShape& shape, Product** found, shoal_status* status);
  void EvictOldest();
};

Gemm::Gemm() : state_(std::make_unique<State>()) {}
Gemm::~Gemm() = default;

void Gemm::State::EvictOldest() {
  auto oldest = products.begin();
  for (auto it = products.begin(); it != products.end(); ++it) {
    if (it->second.last_used < oldest->second.last_used) oldest = it;
  }
  products.erase(oldest);
}

int32_t Gemm::State::Find(const GemmShape& shape, Product** found, shoal_status* status) {
  auto it = products.find(shape);
  if (it == products.end()) {
    if (engine.get() == nullptr) {
      dnnl_set_primitive_cache_capacity(0);  // it would keep what is evicted here
      dnnl_status_t result = dnnl_engine_create(engine.out(), dnnl_cpu, 0);
      if (result == dnnl_success) {
        result = dnnl_stream_create(stream.out(), engine.get(), dnnl_stream_default_flags);
      }
      if (result != dnnl_success) return Refused(shape, "start for", result, status);
    }
    Product product;
    const dnnl_status_t result = MakeProduct(engine.get(), shape, &product);
    if (result != dnnl_success) return Refused(shape, "prepare", result, status);
    scratch.Reserve(static_cast<int64_t>(product.scratch_bytes));
    if (products.size() >= kMostPrimitives) EvictOldest();
    it = products.emplace(shape, std::move(product)).first;
  }
  it->second.last_used = ++uses;
  *found = &it->second;
  return kOk;
}

int32_t Gemm::Prepare(const GemmShape& shape, shoal_status* status) {
  Product* product = nullptr;
  return state_->Find(shape, &product, status);
}

int32_t Gemm::Run(const GemmShape& shape, const void* a, const void* b, const float* bias, void* c,
                  shoal_status* status) {
  Product* product = nullptr;
  if (int32_t code = state_->Find(shape, &product, status)) return code;
  const auto set = [product](int operand, const void* data) {
    dnnl_memory_set_data_handle(product->memory[operand].get(), const_cast<void*>(data));
    return product->memory[operand].get();
  };
  const dnnl_exec_arg_t arguments[] = {
      {DNNL_ARG_SRC, set(Product::kA, a)},
      {DNNL_ARG_WEIGHTS, set(Product::kB, b)},
      {DNNL_ARG_DST, set(Product::kC, c)},
      {DNNL_ARG_SCRATCHPAD, set(Product::kScratch, state_->scratch.Get<void>())},
      {DNNL_ARG_BIAS, set(Product::kBias, bias)}};
  const dnnl_status_t result = dnnl_primitive_execute(
      product->primitive.get(), state_->stream.get(), shape.bias ? 5 : 4, arguments);
  return result == dnnl_success ? kOk : Refused(shape, "run", result, status);
}

const char* OnednnVersion() {
  static const std::array<char, 32> text = [] {
    std::array<char, 32> result{};
    const dnnl_version_t* version = dnnl_version();
    std::snprintf(result.data(), result.size(), "%d.%d.%d", version->major, version->minor,
                  version->patch);
    return result;
  }();
  return text.data();
}

const char* EffectiveIsa() {
  const auto isa = static_cast<unsigned>(dnnl_get_effective_cpu_isa());
  const auto has = [isa](dnnl_cpu_isa_t wanted) {
    return (isa & wanted) == static_cast<unsigned>(wanted);
  };
  if (has(dnnl_cpu_isa_avx512_core_amx)) return "avx512_amx";
  if (has(dnnl_cpu_isa_avx512_core_bf16)) return "avx512_bf16";
  if (has(dnnl_cpu_isa_avx512_core)) return "avx512";
  return has(dnnl_cpu_isa_avx2) ? "avx2" : "";
}

bool HasBf16() {
  const auto isa = static_cast<unsigned>(dnnl_get_effective_cpu_isa());
  return (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}

bool HasNativeBf16() {
  const auto isa = static_cast<unsigned>(dnnl_get_effective_cpu_isa());
  return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

}  // namespace shoal::onednn
