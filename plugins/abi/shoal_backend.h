/* The contract between the training engine and a compute backend.
 *
 * A backend is one shared object that exports one symbol, shoal_backend_get(). It executes
 * *recorded programs*: the engine runs the model's textbook code once on symbolic tensors, which
 * leaves a linear list of operations over numbered slots; the backend turns that list into a plan
 * once and then runs the plan every step. The whole contract is five calls: probe, open, buffers,
 * plan, run.
 *
 * Rules (the long form, with the history of versions, is in ABI.md):
 *   - plain C11, no C++ type, exception, allocation or thread of the host crosses this line;
 *   - every struct that may grow begins with struct_size; fields are only ever appended;
 *   - a device is used by one host thread at a time; a backend may use threads of its own inside
 *     a call;
 *   - absent hardware is the state UNAVAILABLE from probe(), not a failure;
 *   - a backend refuses what it cannot do in plan(), before step 0, naming the operation.
 *
 * Shape letters: N rows (tokens of a packed batch), S sequences in it, D model width, K and M the
 * inner and outer width of a linear layer, H heads, G key/value heads, C width of one head, V
 * vocabulary, P positions, R selected rows. All tensors are dense and row-major.
 */
#ifndef SHOAL_PLUGINS_ABI_SHOAL_BACKEND_H_
#define SHOAL_PLUGINS_ABI_SHOAL_BACKEND_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHOAL_ABI_MAJOR 1 /* something was removed, reordered or re-meant */
#define SHOAL_ABI_MINOR 1 /* something was appended */

#define SHOAL_MAX_RANK 4
#define SHOAL_MAX_INPUTS 8
#define SHOAL_MAX_OUTPUTS 6
#define SHOAL_MAX_BUFFERS 8
#define SHOAL_NO_SLOT (-1)

/* Result of every call: the return value is `code` again. Codes are those of absl::StatusCode
 * (0 OK, 3 INVALID_ARGUMENT, 8 RESOURCE_EXHAUSTED, 12 UNIMPLEMENTED, 13 INTERNAL, 14 UNAVAILABLE
 * ...). The caller owns the memory; a callee writes a terminated sentence: what failed, with which
 * value. */
typedef struct shoal_status {
  int32_t code;
  char message[508];
} shoal_status;

typedef enum shoal_dtype {
  SHOAL_DTYPE_F32 = 1,
  SHOAL_DTYPE_BF16 = 2,
  SHOAL_DTYPE_F64 = 3, /* only the reference backend: finite differences */
  SHOAL_DTYPE_I32 = 4
} shoal_dtype;

/* ---- probe ----------------------------------------------------------------------------------- */

typedef struct shoal_capabilities {
  uint32_t struct_size;
  char device_name[128]; /* "AMD EPYC 9B45", "NVIDIA H200" */
  char isa[64];          /* what steers numerics: "avx512_bf16", "avx2", "sm_90" */
  int32_t device_count;
  int32_t supports_bf16;    /* 1: a bf16 program runs at bf16 speed */
  int64_t memory_bytes;     /* of one device; 0: the host's memory */
  int32_t numerics_version; /* raised by hand whenever results may change bits */
} shoal_capabilities;

/* ---- open ------------------------------------------------------------------------------------ */

typedef struct shoal_device shoal_device; /* opaque; one host thread at a time */

typedef struct shoal_open_args {
  uint32_t struct_size;
  int32_t device_index; /* 0-based among probe()'s device_count */
  int32_t threads;      /* threads a CPU backend may use, >= 1; results depend on it */
  const char* options;  /* backend's own text, e.g. the mock's fault script; may be null or empty */
} shoal_open_args;

/* ---- buffers --------------------------------------------------------------------------------- */

typedef struct shoal_buffer shoal_buffer; /* opaque device memory, zero-filled when allocated */

typedef enum shoal_buffer_action {
  /* in: size_bytes. out: buffer, host_address (null if not host-visible) */
  SHOAL_BUFFER_ALLOCATE = 1,
  /* in: buffer */
  SHOAL_BUFFER_FREE = 2,
  /* host -> buffer: [offset_bytes, +size_bytes) from host_data */
  SHOAL_BUFFER_WRITE = 3,
  /* buffer -> host: the same range into host_data; waits for running work */
  SHOAL_BUFFER_READ = 4
} shoal_buffer_action;

typedef struct shoal_buffer_request {
  uint32_t struct_size;
  int32_t action;
  shoal_buffer* buffer;
  int64_t offset_bytes;
  int64_t size_bytes;
  void* host_data;
  void* host_address; /* 64-byte aligned where not null; stays valid until FREE */
} shoal_buffer_request;

/* ---- plan: slots and operations -------------------------------------------------------------- */

/* How much of a slot's first dimension is used varies from run to run; dims[0] is its capacity. */
typedef enum shoal_extent {
  SHOAL_EXTENT_FIXED = 0,
  SHOAL_EXTENT_ROWS = 1,             /* first dimension: scalars.rows */
  SHOAL_EXTENT_SEQUENCES_PLUS_1 = 2, /* first dimension: scalars.sequences + 1 (offsets) */
  SHOAL_EXTENT_SELECTED = 3          /* first dimension: scalars.selected */
} shoal_extent;

/* A tensor's place. Slots may overlap on purpose: flat views over all parameters, in-place
 * operations, and activations whose lifetimes do not meet. offset_bytes is a multiple of 64. */
typedef struct shoal_slot {
  int32_t dtype;  /* shoal_dtype */
  int32_t extent; /* shoal_extent */
  int32_t rank;   /* 1..SHOAL_MAX_RANK */
  int32_t buffer; /* index into shoal_program.buffers */
  int64_t dims[SHOAL_MAX_RANK];
  int64_t offset_bytes;
} shoal_slot;

typedef enum shoal_activation {
  SHOAL_ACTIVATION_NONE = 0,
  SHOAL_ACTIVATION_RELU = 1,
  SHOAL_ACTIVATION_GELU_TANH = 2,
  SHOAL_ACTIVATION_GELU_ERF = 3,
  SHOAL_ACTIVATION_SILU = 4, /* x * sigmoid(x) */
  SHOAL_ACTIVATION_TANH = 5
} shoal_activation;

typedef enum shoal_mask {
  SHOAL_MASK_CAUSAL = 0,
  SHOAL_MASK_FULL = 1,
  SHOAL_MASK_SLIDING = 2 /* causal, and at most `window` keys back, the own one included */
} shoal_mask;

/* How an operation writes a gradient: OVERWRITE, ADD to what is there, or, for the first writer of
 * a gradient in a micro-batch, BY_SCALAR: overwrite when scalars.accumulate is 0, add when it is 1.
 */
typedef enum shoal_write {
  SHOAL_WRITE_OVERWRITE = 0,
  SHOAL_WRITE_ADD = 1,
  SHOAL_WRITE_BY_SCALAR = 2
} shoal_write;

/* Element types. "act" below is the activation type of the program: F32, BF16 or (reference) F64.
 * The residual stream, statistics, losses, gradients of parameters, master weights and optimizer
 * state are F32 (F64 in an F64 program). A weight read by a matrix product has the act type.
 * Arithmetic inside an operation accumulates in F32 or better.
 *
 * Dropout, wherever it appears: element e (its index in the row-major tensor; for attention see
 * there) is kept when the uniform u32 of Philox4x32-10 with key = (seed low, seed high) and counter
 * = (e / 4 low, e / 4 high, stream, step low) at word e % 4 is >= floor(p * 2^32); kept elements
 * are scaled by 1 / (1 - p). seed and step come from scalars, stream from the operation. p == 0: no
 * dropout. When scalars.training is 0, dropout is off in every operation. */
typedef enum shoal_op_kind {
  SHOAL_OP_INVALID = 0,

  /* x[N,D] f32 = table[tokens[n],:] + pos_table[positions[n],:] + segment_table[segments[n],:],
   * then dropout(embedding.dropout).
   *   in   0 tokens[N] i32
   *        1 table[V,D] f32 (master)
   *        2 positions[N] i32 | none
   *        3 pos_table[P,D] f32 | none
   *        4 segments[N] i32 | none
   *        5 segment_table[G,D] f32 | none
   *   out  0 x[N,D] f32 */
  SHOAL_OP_EMBEDDING = 1,

  /* Gradient of EMBEDDING. dx passes the forward's dropout (same embedding.dropout and stream)
   * first. Deterministic: rows are added in order of n.
   *   in   0 dx[N,D] f32
   *        1 tokens[N]
   *        2 positions[N] | none
   *        3 segments[N] | none
   *   out  0 dtable[V,D] f32 (embedding.write)
   *        1 dpos_table[P,D] f32 | none (embedding.write_positions)
   *        2 dsegment_table[G,D] f32 | none (embedding.write_segments) */
  SHOAL_OP_EMBEDDING_BACKWARD = 2,

  /* y = act(x w^T + b).
   *   in   0 x[N,K] act
   *        1 w[M,K] act
   *        2 b[M] f32 | none
   *   out  0 y[N,M] act (or f32)
   *        1 pre[N,M] act | none: the value before the activation (GELU's and SILU's backward)
   * linear.activation: any. */
  SHOAL_OP_LINEAR = 3,

  /* dx = (dy w) * act'(saved).
   *   in   0 dy[N,M] act
   *        1 w[M,K] act
   *        2 saved[N,K] act | none
   *   out  0 dx[N,K] act (or f32)
   * linear.activation names the function that produced x; saved is its output for RELU and TANH and
   * its input for GELU and SILU. NONE: no saved. */
  SHOAL_OP_LINEAR_BACKWARD_DATA = 4,

  /* dw = dy^T x, db = column sums of dy.
   *   in   0 dy[N,M] act
   *        1 x[N,K] act
   *   out  0 dw[M,K] f32 (linear.write)
   *        1 db[M] f32 | none (linear.write) */
  SHOAL_OP_LINEAR_BACKWARD_WEIGHTS = 5,

  /* sum = x + dropout(branch); y = norm(sum) * gamma + beta. The residual connection and the norm
   * after it.
   *   in   0 x[N,D] f32
   *        1 gamma[D] f32
   *        2 beta[D] f32 | none
   *        3 branch[N,D] act | none
   *   out  0 y[N,D] act (or f32)
   *        1 sum[N,D] f32 (none when there is no branch)
   *        2 mean[N] f32 | none
   *        3 rstd[N] f32 | none
   * norm.kind 0: LayerNorm, (v - mean) / sqrt(var + eps), var biased.
   *           1: RMSNorm, v / sqrt(mean(v^2) + eps). */
  SHOAL_OP_NORM = 6,

  /* dsum = norm'(dy) + dskip; dbranch = dropout'(dsum); dgamma, dbeta summed over rows in a fixed
   * order.
   *   in   0 dy[N,D] act (or f32)
   *        1 sum[N,D] f32 (NORM's sum, or its x)
   *        2 gamma[D] f32
   *        3 mean[N] | none
   *        4 rstd[N]
   *        5 dskip[N,D] f32 | none (may alias out 0)
   *   out  0 dsum[N,D] f32
   *        1 dgamma[D] f32 (norm.write)
   *        2 dbeta[D] f32 | none (norm.write)
   *        3 dbranch[N,D] act | none */
  SHOAL_OP_NORM_BACKWARD = 7,

  /* Packed variable-length attention: sequence s owns rows offsets[s] .. offsets[s+1]-1.
   *   out[n,h,:] = sum_j dropout(softmax_j(scale * q[n,h,:] . k[j,g,:])) v[j,g,:]
   * with j over the rows the mask allows.
   *   in   0 qkv[N, (H + 2G) C] act: q heads, then k heads, then v heads
   *        1 offsets[S+1] i32
   *   out  0 out[N, H C] act
   *        1 lse[N,H] f32 | none: log of the softmax denominator, for the backward
   * Dropout's element index: (n * H + h) * 2^16 + (j - offsets[s]). */
  SHOAL_OP_ATTENTION = 8,

  /*   in   0 dout[N, H C] act
   *        1 qkv
   *        2 out
   *        3 lse[N,H] f32
   *        4 offsets[S+1] i32
   *   out  0 dqkv[N, (H + 2G) C] act */
  SHOAL_OP_ATTENTION_BACKWARD = 9,

  /* out = a + dropout(b): a residual connection that no norm follows, and the sum of two gradients.
   *   in   0 a[N,D] f32 or act
   *        1 b[N,D] f32 or act
   *   out  0 out[N,D] f32 or act (may alias an input of its type) */
  SHOAL_OP_ADD = 10,

  /* out = dropout(in), also its own backward.
   *   in   0 x[N,D]
   *   out  0 y[N,D] (same or other float type) */
  SHOAL_OP_DROPOUT = 11,

  /* y = act(x) and dx = dy * act'(saved) where they could not be fused; saved as for
   * LINEAR_BACKWARD_DATA.
   *   ACTIVATION           in   0 x
   *                        out  0 y
   *   ACTIVATION_BACKWARD  in   0 dy
   *                             1 saved
   *                        out  0 dx */
  SHOAL_OP_ACTIVATION = 12,
  SHOAL_OP_ACTIVATION_BACKWARD = 13,

  /* loss[n] = -log softmax(logits[n])[target], 0 where target is -1 (not counted).
   * dlogits = (softmax - onehot) * scalars.loss_scale, 0 for rows not counted.
   * With linear.label_smoothing s, while scalars.training is 1, onehot becomes
   * (1 - s) onehot + s / V in both (V: real_vocab).
   *   in   0 logits[N,V] act (or f32)
   *        1 targets[N] i32
   *   out  0 loss[N] f32
   *        1 dlogits[N,V] | none (may alias logits)
   * linear.real_vocab as for LINEAR_CROSS_ENTROPY. */
  SHOAL_OP_CROSS_ENTROPY = 14,

  /* The head and its loss together, by blocks of rows, so that [N,V] never exists.
   *   in   0 h[N,D] act
   *        1 w[V,D] act
   *        2 targets[N] i32
   *        3 b[V] f32 | none
   *   out  0 loss[N] f32
   *        1 dh[N,D] act | none
   *        2 dw[V,D] f32 | none (linear.write)
   *        3 db[V] f32 | none (linear.write)
   * dh and dw are those of the sum of loss times scalars.loss_scale. linear.real_vocab <= V: the
   * columns past it are padding and take no part (their gradients are 0); 0 stands for V.
   * linear.label_smoothing as for CROSS_ENTROPY. */
  SHOAL_OP_LINEAR_CROSS_ENTROPY = 15,

  /* total[0] = sum of x in a fixed order with f64 accumulation.
   *   in   0 x[N] f32
   *   out  0 total[1] f32 */
  SHOAL_OP_SUM = 16,

  /* norm[0] = sqrt(sum of squares) of a flat tensor, fixed order.
   *   in   0 x[n] f32
   *   out  0 norm[1] f32 */
  SHOAL_OP_GLOBAL_NORM = 17,

  /* AdamW (Loshchilov & Hutter 2019) over a flat range, decoupled decay, bias correction with
   * t = scalars.step + 1:
   *   g' = g * min(1, clip / (norm + 1e-6)) when clip > 0, which needs norm
   *   m  = b1 m + (1 - b1) g'
   *   v  = b2 v + (1 - b2) g'^2
   *   p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + lr * decay * p
   * with p on the right as before the step, and lr = scalars.lr * adamw.lr_multiplier, which must
   * be > 0.
   *   in   0 g[n] f32
   *        1 norm[1] f32 | none
   *   out  0 p[n] f32 (read and written)
   *        1 m[n]
   *        2 v[n]
   *        3 copy[n] bf16 | none: p rounded to bf16 */
  SHOAL_OP_ADAMW = 18,

  /* out = in converted.
   *   in   0 x
   *   out  0 y (same element count) */
  SHOAL_OP_CAST = 19,

  /* out = fill.value.
   *   out  0 */
  SHOAL_OP_FILL = 20,

  /* y[r,:] = x[rows[r],:].
   *   in   0 x[N,D]
   *        1 rows[R] i32
   *   out  0 y[R,D] (same type) */
  SHOAL_OP_GATHER_ROWS = 21,

  /* Attention of new rows of ONE sequence against a cache: appends k and v of the N rows at
   * position scalars.cache_length, then attends causally over everything cached (mask SLIDING: over
   * the last `window` rows of it, as in ATTENTION; FULL is refused). No dropout.
   *   in   0 qkv[N, (H + 2G) C] act
   *   out  0 out[N, H C] act
   *        1 k_cache[P, G C] act (read and written)
   *        2 v_cache[P, G C] act (read and written) */
  SHOAL_OP_ATTENTION_CACHED = 22,

  /* ---- since 1.1 ---- */

  /* Rotary position embedding (Su et al. 2021): turns the query and key heads of qkv, copies the
   * value heads. Pair i of a head turns by the angle t = positions[n] * theta^(-2i / C):
   *   (a, b) -> (a cos t - b sin t, a sin t + b cos t)
   * with (a, b) = dimensions (i, i + C/2), or (2i, 2i + 1) when rope.interleaved. rope.inverse
   * turns by -t, which is the gradient. C is even.
   *   in   0 qkv[N, (H + 2G) C] act
   *        1 positions[N] i32
   *   out  0 turned[N, (H + 2G) C] act (may alias in 0) */
  SHOAL_OP_ROPE = 23,

  /* Gated linear unit: y = act(gate) * up. Columns 0..F-1 of the input are gate, F..2F-1 up.
   *   GLU           in   0 gate_up[N,2F] act
   *                 out  0 y[N,F] act
   *   GLU_BACKWARD  in   0 dy[N,F] act
   *                      1 gate_up[N,2F] act
   *                 out  0 dgate_up[N,2F] act (may alias in 1)
   * activation.activation: any but NONE and TANH. */
  SHOAL_OP_GLU = 24,
  SHOAL_OP_GLU_BACKWARD = 25,

  /* Gradient of GATHER_ROWS: dx is 0 but for dx[rows[r],:] = dy[r,:]. The rows differ.
   *   in   0 dy[R,D] f32 or act
   *        1 rows[R] i32
   *   out  0 dx[N,D] f32 or act */
  SHOAL_OP_SCATTER_ROWS = 26,

  /* Mean of each sequence's rows: y[s,:] = mean over n in [offsets[s], offsets[s+1]) of x[n,:]; and
   * its gradient dx[n,:] = dy[s,:] / length(s). An empty sequence has mean 0. Here R is
   * scalars.selected = scalars.sequences.
   *   MEAN_POOL           in   0 x[N,D] f32 or act
   *                            1 offsets[S+1] i32
   *                       out  0 y[R,D] f32 or act
   *   MEAN_POOL_BACKWARD  in   0 dy[R,D] f32 or act
   *                            1 offsets[S+1] i32
   *                       out  0 dx[N,D] f32 or act */
  SHOAL_OP_MEAN_POOL = 27,
  SHOAL_OP_MEAN_POOL_BACKWARD = 28,

  /* y = scale.value * x (+ y, by scale.write: OVERWRITE or ADD).
   *   in   0 x f32 or act, of any shape
   *   out  0 y f32 or act, of the same element count (may alias an in 0 of its type) */
  SHOAL_OP_SCALE = 29,

  /* p[n,:] = softmax.weight * softmax(logits[n,:] * softmax.scale) (+ p, by softmax.write:
   * OVERWRITE or ADD): a teacher's probabilities at temperature 1 / scale, or a share of several
   * teachers'. softmax.real_vocab as for LINEAR_CROSS_ENTROPY: the columns past it take no part, p
   * is 0 there (unchanged by ADD).
   *   in   0 logits[N,V] f32 or act
   *   out  0 p[N,V] f32 (may alias an f32 in 0 when OVERWRITE) */
  SHOAL_OP_SOFTMAX = 30,

  /* Knowledge distillation (Hinton et al. 2015). With q = softmax(logits[n,:] / T), T the
   * distillation.temperature, w the distillation.weight:
   *   loss[n] = (1 - w) CE(logits[n,:], target) + w T^2 sum_v p log(p / q)      (0 log 0 = 0)
   *   dlogits = ((1 - w) (softmax(logits) - onehot) + w T (q - p)) * scalars.loss_scale
   * and 0 in both where the target is -1. distillation.label_smoothing as for CROSS_ENTROPY, in the
   * CE part; distillation.real_vocab as for LINEAR_CROSS_ENTROPY, also in the sum over v.
   *   in   0 logits[N,V] act (or f32)
   *        1 targets[N] i32
   *        2 p[N,V] f32: the teachers' probabilities at T
   *   out  0 loss[N] f32
   *        1 dlogits[N,V] | none (may alias logits) */
  SHOAL_OP_DISTILLATION_LOSS = 31,

  /* Muon (Jordan et al. 2024) on one matrix: momentum made orthogonal by a Newton-Schulz iteration.
   *   g' = g * min(1, clip / (norm + 1e-6)) when clip > 0, which needs norm
   *   m  = beta m + g'
   *   u  = g' + beta m                                              (Nesterov)
   *   X  = u / (|u|_F + 1e-7); where M > K, on the transpose:
   *   `iterations` times  A = X X^T;  X = a X + (b A + c A A) X
   *   p -= lr * sqrt(max(1, M / K)) * X + lr * decay * p
   * with (a, b, c) = (3.4445, -4.7750, 2.0315), lr = scalars.lr * muon.lr_multiplier, and p on the
   * right as before the step.
   *   in   0 g[M,K] f32
   *        1 norm[1] f32 | none
   *   out  0 p[M,K] f32 (read and written)
   *        1 m[M,K] f32 (read and written)
   *        2 copy[M,K] bf16 | none: p rounded to bf16
   * A backend may iterate in bf16 where the program's act type is BF16. */
  SHOAL_OP_MUON = 32,

  /* average = decay' average + (1 - decay') x, decay' = min(decay, (1 + t) / (10 + t)) with
   * t = scalars.step + 1, so that the beginning is forgotten. Over a flat range.
   *   in   0 x[n] f32
   *   out  0 average[n] f32 (read and written)
   *        1 copy[n] bf16 | none: average rounded to bf16 */
  SHOAL_OP_MOVING_AVERAGE = 33,

  /* What ATTENTION's softmax gives, for people to look at: a[n,h,j] = softmax_j(...) with j counted
   * from the sequence's first row; 0 where the mask hides, and past the sequence. No dropout.
   *   in   0 qkv[N, (H + 2G) C] act
   *        1 offsets[S+1] i32
   *   out  0 a[N, H P] f32: P = how many j there is room for; later keys take part in the softmax
   *        and are left out
   * Attributes as for ATTENTION. */
  SHOAL_OP_ATTENTION_PROBABILITIES = 34
} shoal_op_kind;

typedef struct shoal_op {
  int32_t kind;
  int32_t inputs[SHOAL_MAX_INPUTS]; /* slot numbers, SHOAL_NO_SLOT where absent or unused */
  int32_t outputs[SHOAL_MAX_OUTPUTS];
  union {
    struct {
      int32_t write, write_positions;
      float dropout;
      uint32_t stream;
      int32_t write_segments;
    } embedding;
    struct {
      int32_t activation, write;
      int64_t real_vocab;
      int64_t block_rows;
      float label_smoothing;
    } linear; /* block_rows 0: backend's choice */
    struct {
      int32_t kind, write;
      float eps, dropout;
      uint32_t stream;
    } norm;
    struct {
      int32_t heads, kv_heads, head_dim, mask;
      int64_t window;
      float scale, dropout;
      uint32_t stream;
    } attention;
    struct {
      float dropout;
      uint32_t stream;
    } dropout; /* ADD, DROPOUT */
    struct {
      int32_t activation;
    } activation;
    struct {
      float beta1, beta2, eps, weight_decay, clip;
      float lr_multiplier;
    } adamw;
    struct {
      float value;
    } fill;
    struct {
      int32_t heads, kv_heads, head_dim, interleaved, inverse;
      float theta;
    } rope;
    struct {
      float value;
      int32_t write;
    } scale;
    struct {
      float scale, weight;
      int32_t write;
      int64_t real_vocab;
    } softmax;
    struct {
      float temperature, weight, label_smoothing;
      int64_t real_vocab;
    } distillation;
    struct {
      float momentum, weight_decay, clip, lr_multiplier;
      int32_t iterations;
    } muon;
    struct {
      float decay;
    } moving_average;
    uint8_t reserved[64];
  } attr;
  const char* label; /* "blocks.2.attn.qkv", for messages and profiles; the plan keeps a copy */
} shoal_op;

typedef struct shoal_program {
  uint32_t struct_size;
  const char* name; /* "train", "update", "evaluate", "decode" */
  int32_t act_dtype;
  int32_t slot_count, op_count, buffer_count;
  const shoal_slot* slots;
  const shoal_op* ops;
  shoal_buffer* const* buffers;
} shoal_program;

typedef struct shoal_plan shoal_plan; /* opaque; belongs to its device */

/* ---- run ------------------------------------------------------------------------------------- */

/* What differs from one run of a plan to the next, besides the contents of input slots. */
typedef struct shoal_scalars {
  uint32_t struct_size;
  int32_t training;   /* 0: dropout is off */
  int32_t accumulate; /* see SHOAL_WRITE_BY_SCALAR */
  int32_t reserved;
  int64_t rows, sequences, selected;
  int64_t longest;      /* rows of the longest sequence */
  int64_t cache_length; /* rows already cached, ATTENTION_CACHED */
  uint64_t seed, step;
  float lr;
  float loss_scale;         /* 1 / counted tokens of the whole optimizer step */
  uint64_t* op_nanoseconds; /* null, or [op_count]: time spent in each operation is added here */
} shoal_scalars;

/* ---- the table ------------------------------------------------------------------------------- */

typedef struct shoal_backend {
  uint32_t struct_size;
  uint32_t abi_major, abi_minor;
  const char* name;      /* "onednn"; the name a spec asks for */
  const char* version;   /* of the vendor library, for humans */
  const char* sanitizer; /* "", "address", "thread": a host built differently refuses the plugin */

  /* What is here. UNAVAILABLE: the hardware is absent; `message` says what was looked for. */
  int32_t (*probe)(shoal_capabilities* out, shoal_status* status);

  /* Opens a device. args == NULL closes *device, with its plans and buffers, and sets it to NULL.
   */
  int32_t (*open)(const shoal_open_args* args, shoal_device** device, shoal_status* status);

  /* Device memory; see shoal_buffer_action. RESOURCE_EXHAUSTED when there is not enough. */
  int32_t (*buffers)(shoal_device* device, shoal_buffer_request* request, shoal_status* status);

  /* Prepares a program. UNIMPLEMENTED names the first operation it cannot do; INVALID_ARGUMENT a
   * program that breaks the contract above. program == NULL frees *plan. The program need not
   * outlive the call. */
  int32_t (*plan)(shoal_device* device, const shoal_program* program, shoal_plan** plan,
                  shoal_status* status);

  /* Runs every operation in order and returns when outputs can be read. No allocation in steady
   * state. */
  int32_t (*run)(shoal_device* device, shoal_plan* plan, const shoal_scalars* scalars,
                 shoal_status* status);
} shoal_backend;

#if defined(__GNUC__)
#define SHOAL_BACKEND_EXPORT __attribute__((visibility("default")))
#else
#define SHOAL_BACKEND_EXPORT
#endif

/* The one exported symbol. The table lives as long as the process; a backend is never unloaded. */
SHOAL_BACKEND_EXPORT const shoal_backend* shoal_backend_get(void);

#ifdef __cplusplus
}
#endif
#endif /* SHOAL_PLUGINS_ABI_SHOAL_BACKEND_H_ */
