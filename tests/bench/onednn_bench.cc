// How fast a backend trains a guppy-shaped decoder, driven through the ABI alone: 6 layers, width
// 384, 6 heads, feed-forward 768 with ReLU, 4,096 tokens, 8.7 million parameters.
//
//   onednn_bench [--dtype f32|bf16] [--threads 2] [--dropout 0.1] [--steps 20] [--padded]
//   [--profile]
//                [--backend onednn]
//
// The default data are 32 conversations a step of 12 to 42 tokens (mean 27), packed; --padded: 32 x
// 128 tokens. Only real tokens are counted. Not a test: nothing here passes or fails.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "plugins/support/program.h"

namespace {

constexpr int64_t kLayers = 6, kWidth = 384, kHeads = 6, kInner = 768, kVocab = 4096,
                  kPositions = 128;
constexpr int64_t kSequences = 32, kCapacity = kSequences * kPositions;
constexpr int kBatches = 8;  // different ones, over and over: as in an epoch, row counts recur

struct Options {
  std::string backend = "onednn";
  int32_t act = SHOAL_DTYPE_BF16;
  int threads = 2, steps = 20;
  float dropout = 0.1f;
  bool padded = false, profile = false;
};

[[noreturn]] void Stop(const char* what, const shoal_status& status) {
  std::fprintf(stderr, "%s: %s\n", what, status.message);
  std::exit(1);
}

// Records programs over buffers of its own: tensors are laid out one after another.
class Recorder {
 public:
  enum Buffer { kParameters, kGradients, kFirst, kSecond, kCopies, kActivations, kBuffers };

  explicit Recorder(int32_t act) : act_(act) {}

  int32_t Slot(Buffer buffer, int32_t dtype, std::vector<int64_t> dims,
               int32_t extent = SHOAL_EXTENT_FIXED) {
    shoal_slot slot{};
    slot.dtype = dtype;
    slot.extent = extent;
    slot.rank = static_cast<int32_t>(dims.size());
    slot.buffer = buffer;
    int64_t bytes = shoal::plugins::ElementSize(dtype);
    for (size_t i = 0; i < dims.size(); ++i) bytes *= slot.dims[i] = dims[i];
    slot.offset_bytes = sizes[buffer];
    sizes[buffer] += (bytes + 63) / 64 * 64;
    slots.push_back(slot);
    return static_cast<int32_t>(slots.size()) - 1;
  }
  int32_t Rows(int64_t width) {
    return Slot(kActivations, act_, {kCapacity, width}, SHOAL_EXTENT_ROWS);
  }
  int32_t RealRows(int64_t width) {
    return Slot(kActivations, SHOAL_DTYPE_F32, {kCapacity, width}, SHOAL_EXTENT_ROWS);
  }
  int32_t Column(int32_t dtype) {
    return Slot(kActivations, dtype, {kCapacity}, SHOAL_EXTENT_ROWS);
  }

  // A parameter: its master, its gradient and the copy that products read.
  struct Parameter {
    int32_t master, gradient, copy;
  };
  Parameter NewParameter(std::vector<int64_t> dims) {
    Parameter p{};
    p.master = Slot(kParameters, SHOAL_DTYPE_F32, dims);
    p.gradient = Slot(kGradients, SHOAL_DTYPE_F32, dims);
    p.copy = act_ == SHOAL_DTYPE_BF16 ? Slot(kCopies, act_, dims) : p.master;
    // Copies are half as large; keeping both flat ranges parallel needs sizes that are whole lines
    // in each.
    return p;
  }

  shoal_op& Op(int32_t kind, const char* label, std::vector<int32_t> inputs,
               std::vector<int32_t> outputs) {
    shoal_op op{};
    op.kind = kind;
    op.label = label;
    std::fill_n(op.inputs, SHOAL_MAX_INPUTS, SHOAL_NO_SLOT);
    std::fill_n(op.outputs, SHOAL_MAX_OUTPUTS, SHOAL_NO_SLOT);
    std::copy(inputs.begin(), inputs.end(), op.inputs);
    std::copy(outputs.begin(), outputs.end(), op.outputs);
    ops.push_back(op);
    return ops.back();
  }

  std::vector<shoal_slot> slots;
  std::vector<shoal_op> ops;
  int64_t sizes[kBuffers] = {};

 private:
  const int32_t act_;
};

struct Block {
  Recorder::Parameter gamma1, beta1, qkv, qkv_bias, proj, proj_bias, gamma2, beta2, up, up_bias,
      down, down_bias;
  int32_t x, norm1, mean1, rstd1, packed, mixed, lse, branch1, sum, norm2, mean2, rstd2, inner,
      branch2;
};

// The training program of the model; input slots are public.
class Model {
 public:
  Model(const Options& options, Recorder* recorder) : options_(options), r_(*recorder) {
    tokens = r_.Column(SHOAL_DTYPE_I32);
    positions = r_.Column(SHOAL_DTYPE_I32);
    targets = r_.Column(SHOAL_DTYPE_I32);
    losses = r_.Column(SHOAL_DTYPE_F32);
    offsets = r_.Slot(Recorder::kActivations, SHOAL_DTYPE_I32, {kSequences + 1},
                      SHOAL_EXTENT_SEQUENCES_PLUS_1);
    Forward();
    Backward();
  }
  int32_t tokens, positions, targets, losses, offsets;

 private:
  void Forward() {
    table_ = r_.NewParameter({kVocab, kWidth});
    places_ = r_.NewParameter({kPositions, kWidth});
    blocks_.resize(kLayers);
    int32_t x = r_.RealRows(kWidth), branch = SHOAL_NO_SLOT;
    embedded_ = x;
    auto& embedding = r_.Op(SHOAL_OP_EMBEDDING, "embedding",
                            {tokens, table_.master, positions, places_.master}, {x});
    embedding.attr.embedding = {0, 0, options_.dropout, 1, 0};
    for (Block& b : blocks_) ForwardBlock(b, &x, &branch);
    gamma_ = r_.NewParameter({kWidth});
    beta_ = r_.NewParameter({kWidth});
    sum_ = r_.RealRows(kWidth);
    last_ = r_.Rows(kWidth);
    mean_ = r_.Column(SHOAL_DTYPE_F32);
    rstd_ = r_.Column(SHOAL_DTYPE_F32);
    Norm(x, gamma_, beta_, branch, last_, sum_, mean_, rstd_);
  }

  void Norm(int32_t x, Recorder::Parameter gamma, Recorder::Parameter beta, int32_t branch,
            int32_t y, int32_t sum, int32_t mean, int32_t rstd) {
    auto& op = r_.Op(SHOAL_OP_NORM, "norm", {x, gamma.master, beta.master, branch},
                     {y, branch == SHOAL_NO_SLOT ? SHOAL_NO_SLOT : sum, mean, rstd});
    op.attr.norm = {0, 0, 1e-5f, options_.dropout, Stream(gamma)};
  }

  void Linear(int32_t x, Recorder::Parameter w, Recorder::Parameter bias, int32_t y,
              int32_t activation = 0) {
    r_.Op(SHOAL_OP_LINEAR, "linear", {x, w.copy, bias.master}, {y}).attr.linear.activation =
        activation;
  }

  void ForwardBlock(Block& b, int32_t* x, int32_t* branch) {
    b.gamma1 = r_.NewParameter({kWidth}), b.beta1 = r_.NewParameter({kWidth});
    b.qkv = r_.NewParameter({3 * kWidth, kWidth}), b.qkv_bias = r_.NewParameter({3 * kWidth});
    b.proj = r_.NewParameter({kWidth, kWidth}), b.proj_bias = r_.NewParameter({kWidth});
    b.gamma2 = r_.NewParameter({kWidth}), b.beta2 = r_.NewParameter({kWidth});
    b.up = r_.NewParameter({kInner, kWidth}), b.up_bias = r_.NewParameter({kInner});
    b.down = r_.NewParameter({kWidth, kInner}), b.down_bias = r_.NewParameter({kWidth});
    b.norm1 = r_.Rows(kWidth), b.mean1 = r_.Column(SHOAL_DTYPE_F32),
    b.rstd1 = r_.Column(SHOAL_DTYPE_F32);
    b.x = *branch == SHOAL_NO_SLOT ? *x : r_.RealRows(kWidth);
    Norm(*x, b.gamma1, b.beta1, *branch, b.norm1, b.x, b.mean1, b.rstd1);
    b.packed = r_.Rows(3 * kWidth), b.mixed = r_.Rows(kWidth), b.branch1 = r_.Rows(kWidth);
    Linear(b.norm1, b.qkv, b.qkv_bias, b.packed);
    b.lse = r_.RealRows(kHeads);
    r_.Op(SHOAL_OP_ATTENTION, "attention", {b.packed, offsets}, {b.mixed, b.lse});
    Attend(&b);
    Linear(b.mixed, b.proj, b.proj_bias, b.branch1);
    b.sum = r_.RealRows(kWidth), b.norm2 = r_.Rows(kWidth);
    b.mean2 = r_.Column(SHOAL_DTYPE_F32), b.rstd2 = r_.Column(SHOAL_DTYPE_F32);
    Norm(b.x, b.gamma2, b.beta2, b.branch1, b.norm2, b.sum, b.mean2, b.rstd2);
    b.inner = r_.Rows(kInner), b.branch2 = r_.Rows(kWidth);
    Linear(b.norm2, b.up, b.up_bias, b.inner, SHOAL_ACTIVATION_RELU);
    Linear(b.inner, b.down, b.down_bias, b.branch2);
    *x = b.sum;
    *branch = b.branch2;
  }

  void Attend(Block* b) {
    auto& attr = r_.ops.back().attr.attention;
    attr.heads = attr.kv_heads = kHeads;
    attr.head_dim = kWidth / kHeads;
    attr.scale = 0.125f;
    attr.dropout = options_.dropout;
    attr.stream = static_cast<uint32_t>(1000 + (b - blocks_.data()));
  }

  void Backward() {
    dlast_ = r_.Rows(kWidth), dsum_ = r_.RealRows(kWidth), dbranch_ = r_.Rows(kWidth);
    dinner_ = r_.Rows(kInner), dnorm_ = r_.Rows(kWidth), dpacked_ = r_.Rows(3 * kWidth),
    dmixed_ = r_.Rows(kWidth);
    r_.Op(SHOAL_OP_LINEAR_CROSS_ENTROPY, "head", {last_, table_.copy, targets},
          {losses, dlast_, table_.gradient});
    NormBackward(dlast_, sum_, gamma_, beta_, mean_, rstd_, SHOAL_NO_SLOT, true);
    for (int64_t l = kLayers - 1; l >= 0; --l) BackwardBlock(blocks_[l], l > 0);
    auto& op = r_.Op(SHOAL_OP_EMBEDDING_BACKWARD, "embedding", {dsum_, tokens, positions},
                     {table_.gradient, places_.gradient});
    op.attr.embedding = {SHOAL_WRITE_ADD, SHOAL_WRITE_OVERWRITE, options_.dropout, 1, 0};
  }

  void NormBackward(int32_t dy, int32_t sum, Recorder::Parameter gamma, Recorder::Parameter beta,
                    int32_t mean, int32_t rstd, int32_t skip, bool branch) {
    auto& op = r_.Op(SHOAL_OP_NORM_BACKWARD, "norm", {dy, sum, gamma.master, mean, rstd, skip},
                     {dsum_, gamma.gradient, beta.gradient, branch ? dbranch_ : SHOAL_NO_SLOT});
    op.attr.norm = {0, 0, 1e-5f, options_.dropout, Stream(gamma)};
  }

  void LinearBackward(int32_t dy, int32_t x, Recorder::Parameter w, Recorder::Parameter bias,
                      int32_t dx, int32_t saved = SHOAL_NO_SLOT) {
    r_.Op(SHOAL_OP_LINEAR_BACKWARD_WEIGHTS, "weights", {dy, x}, {w.gradient, bias.gradient});
    auto& op = r_.Op(SHOAL_OP_LINEAR_BACKWARD_DATA, "data", {dy, w.copy, saved}, {dx});
    op.attr.linear.activation =
        saved == SHOAL_NO_SLOT ? SHOAL_ACTIVATION_NONE : SHOAL_ACTIVATION_RELU;
  }

  void BackwardBlock(Block& b, bool has_branch) {
    LinearBackward(dbranch_, b.inner, b.down, b.down_bias, dinner_, b.inner);
    LinearBackward(dinner_, b.norm2, b.up, b.up_bias, dnorm_);
    NormBackward(dnorm_, b.sum, b.gamma2, b.beta2, b.mean2, b.rstd2, dsum_, true);
    LinearBackward(dbranch_, b.mixed, b.proj, b.proj_bias, dmixed_);
    r_.Op(SHOAL_OP_ATTENTION_BACKWARD, "attention", {dmixed_, b.packed, b.mixed, b.lse, offsets},
          {dpacked_});
    Attend(&b);
    LinearBackward(dpacked_, b.norm1, b.qkv, b.qkv_bias, dnorm_);
    NormBackward(dnorm_, b.x, b.gamma1, b.beta1, b.mean1, b.rstd1, dsum_, has_branch);
  }

  // A norm and its backward draw the same mask.
  static uint32_t Stream(Recorder::Parameter gamma) {
    return static_cast<uint32_t>(100 + gamma.master);
  }

  const Options& options_;
  Recorder& r_;
  std::vector<Block> blocks_;
  Recorder::Parameter table_, places_, gamma_, beta_;
  int32_t embedded_, sum_, last_, mean_, rstd_, dlast_, dsum_, dbranch_, dinner_, dnorm_, dpacked_,
      dmixed_;
};

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options), train_(options.act), model_(options, &train_), update_(options.act) {
    Load();
    Check(backend_->open(&open_, &device_, &status_), "open");
    for (int b = 0; b < Recorder::kBuffers; ++b) {
      const int64_t size = b == Recorder::kFirst || b == Recorder::kSecond
                               ? train_.sizes[Recorder::kParameters]
                           : b == Recorder::kCopies ? train_.sizes[Recorder::kParameters] / 2
                                                    : train_.sizes[b] + (1 << 12);
      shoal_buffer_request request{
          sizeof(request), SHOAL_BUFFER_ALLOCATE, nullptr, 0, std::max<int64_t>(size, 64), nullptr,
          nullptr};
      Check(backend_->buffers(device_, &request, &status_), "allocate");
      buffers_[b] = request.buffer;
      memory_[b] = static_cast<std::byte*>(request.host_address);
    }
    RecordUpdate();
    train_plan_ = Plan(train_, "train");
    update_plan_ = Plan(update_, "update");
    Initialize();
  }

  void Run() {
    std::vector<uint64_t> train_ns(train_.ops.size()), update_ns(update_.ops.size());
    for (int step = 0; step < 2 * kBatches; ++step) Step(step, nullptr, nullptr);
    tokens_ = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (int step = 0; step < options_.steps; ++step) {
      Step(2 * kBatches + step, options_.profile ? train_ns.data() : nullptr,
           options_.profile ? update_ns.data() : nullptr);
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%s %s %d threads, %s: %.0f tokens/s, %.2f ms a step of %lld tokens, loss %.4f\n",
                options_.backend.c_str(), options_.act == SHOAL_DTYPE_BF16 ? "bf16" : "f32",
                options_.threads, options_.padded ? "32 x 128" : "32 conversations",
                static_cast<double>(tokens_) / seconds, 1e3 * seconds / options_.steps,
                static_cast<long long>(tokens_ / options_.steps), loss_);
    if (options_.profile) {
      std::map<std::string, double> kinds;
      Collect(train_, train_ns, &kinds);
      Collect(update_, update_ns, &kinds);
      for (const auto& [kind, ns] : kinds) {
        std::printf("  %-26s %8.3f ms  %5.1f %%\n", kind.c_str(), ns / 1e6 / options_.steps,
                    ns / seconds / 1e7);
      }
    }
  }

 private:
  void Check(int32_t code, const char* what) {
    if (code != 0) Stop(what, status_);
  }

  void Load() {
    const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
    const std::string path = (folder / "lib/shoal/backends" / (options_.backend + ".so")).string();
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      std::fprintf(stderr, "%s\n", dlerror());
      std::exit(1);
    }
    backend_ = reinterpret_cast<const shoal_backend* (*)()>(dlsym(library, "shoal_backend_get"))();
    open_ = {sizeof(open_), 0, options_.threads, nullptr};
  }

  // All parameters as one flat range; the copies' range is parallel, element by element.
  void RecordUpdate() {
    const int64_t count = train_.sizes[Recorder::kParameters] / 4;
    const int32_t g = update_.Slot(Recorder::kGradients, SHOAL_DTYPE_F32, {count});
    const int32_t p = update_.Slot(Recorder::kParameters, SHOAL_DTYPE_F32, {count});
    const int32_t m = update_.Slot(Recorder::kFirst, SHOAL_DTYPE_F32, {count});
    const int32_t v = update_.Slot(Recorder::kSecond, SHOAL_DTYPE_F32, {count});
    update_.sizes[Recorder::kActivations] = train_.sizes[Recorder::kActivations];
    const int32_t norm = update_.Slot(Recorder::kActivations, SHOAL_DTYPE_F32, {1});
    std::vector<int32_t> outputs = {p, m, v};
    if (options_.act == SHOAL_DTYPE_BF16)
      outputs.push_back(update_.Slot(Recorder::kCopies, SHOAL_DTYPE_BF16, {count}));
    update_.Op(SHOAL_OP_GLOBAL_NORM, "norm", {g}, {norm});
    update_.Op(SHOAL_OP_ADAMW, "adamw", {g, norm}, outputs).attr.adamw = {0.9f, 0.95f, 1e-8f,
                                                                          0.1f, 1.0f,  1.0f};
  }

  shoal_plan* Plan(const Recorder& recorder, const char* name) {
    shoal_program program{};
    program.struct_size = sizeof(program);
    program.name = name;
    program.act_dtype = options_.act;
    program.slot_count = static_cast<int32_t>(recorder.slots.size());
    program.op_count = static_cast<int32_t>(recorder.ops.size());
    program.buffer_count = Recorder::kBuffers;
    program.slots = recorder.slots.data();
    program.ops = recorder.ops.data();
    program.buffers = buffers_;
    shoal_plan* plan = nullptr;
    Check(backend_->plan(device_, &program, &plan, &status_), name);
    return plan;
  }

  template <class T>
  T* Data(int32_t slot) {
    const shoal_slot& s = train_.slots[slot];
    return reinterpret_cast<T*>(memory_[s.buffer] + s.offset_bytes);
  }

  void Initialize() {
    std::normal_distribution<float> normal(0.0f, 0.02f);
    for (const shoal_slot& s : train_.slots) {
      if (s.buffer != Recorder::kParameters) continue;
      float* const p = reinterpret_cast<float*>(memory_[s.buffer] + s.offset_bytes);
      for (int64_t i = 0; i < shoal::plugins::Capacity(s); ++i)
        p[i] = s.rank == 2 ? normal(random_) : 0.0f;
    }
    for (const shoal_op& op : train_.ops) {
      if (op.kind == SHOAL_OP_NORM) std::fill_n(Data<float>(op.inputs[1]), kWidth, 1.0f);
    }
    shoal_scalars scalars{};  // a step of size 0 makes the copies
    scalars.struct_size = sizeof(scalars);
    Check(backend_->run(device_, update_plan_, &scalars, &status_), "update");
  }

  void Step(int step, uint64_t* train_ns, uint64_t* update_ns) {
    shoal_scalars scalars{};
    scalars.struct_size = sizeof(scalars);
    scalars.training = 1;
    scalars.sequences = kSequences;
    scalars.seed = 42;
    scalars.step = static_cast<uint64_t>(step);
    scalars.lr = 3e-4f;
    int32_t* const offsets = Data<int32_t>(model_.offsets);
    std::mt19937 random(static_cast<unsigned>(step % kBatches));
    std::uniform_int_distribution<int> length(12, 42), token(1, kVocab - 1);
    for (int s = 0; s < kSequences; ++s) {
      const int64_t rows = options_.padded ? kPositions : length(random);
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t n = scalars.rows + i;
        Data<int32_t>(model_.tokens)[n] = token(random);
        Data<int32_t>(model_.targets)[n] = Data<int32_t>(model_.tokens)[n] / 2;
        Data<int32_t>(model_.positions)[n] = static_cast<int32_t>(i);
      }
      scalars.rows += rows;
      offsets[s + 1] = static_cast<int32_t>(scalars.rows);
    }
    scalars.loss_scale = 1.0f / static_cast<float>(scalars.rows);
    scalars.op_nanoseconds = train_ns;
    Check(backend_->run(device_, train_plan_, &scalars, &status_), "train");
    scalars.op_nanoseconds = update_ns;
    Check(backend_->run(device_, update_plan_, &scalars, &status_), "update");
    double total = 0;
    for (int64_t n = 0; n < scalars.rows; ++n) total += double{Data<float>(model_.losses)[n]};
    loss_ = total / static_cast<double>(scalars.rows);
    tokens_ += scalars.rows;
  }

  static void Collect(const Recorder& recorder, const std::vector<uint64_t>& ns,
                      std::map<std::string, double>* kinds) {
    for (size_t i = 0; i < ns.size(); ++i) {
      (*kinds)[shoal::plugins::OpName(recorder.ops[i].kind)] += static_cast<double>(ns[i]);
    }
  }

  const Options options_;
  Recorder train_;
  Model model_;
  Recorder update_;
  const shoal_backend* backend_ = nullptr;
  shoal_open_args open_{};
  shoal_device* device_ = nullptr;
  shoal_buffer* buffers_[Recorder::kBuffers] = {};
  std::byte* memory_[Recorder::kBuffers] = {};
  shoal_plan *train_plan_ = nullptr, *update_plan_ = nullptr;
  shoal_status status_{};
  std::mt19937 random_{7};
  int64_t tokens_ = 0;
  double loss_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto value = [&]() -> const char* { return i + 1 < argc ? argv[++i] : ""; };
    if (flag == "--padded") {
      options.padded = true;
    } else if (flag == "--profile") {
      options.profile = true;
    } else if (flag == "--dtype") {
      options.act = std::strcmp(value(), "f32") == 0 ? SHOAL_DTYPE_F32 : SHOAL_DTYPE_BF16;
    } else if (flag == "--threads") {
      options.threads = std::atoi(value());
    } else if (flag == "--steps") {
      options.steps = std::max(1, std::atoi(value()));
    } else if (flag == "--dropout") {
      options.dropout = static_cast<float>(std::atof(value()));
    } else if (flag == "--backend") {
      options.backend = value();
    } else {
      std::fprintf(stderr, "unknown flag %s; see the head of onednn_bench.cc\n", argv[i]);
      return 2;
    }
  }
  Bench(options).Run();
  return 0;
}
