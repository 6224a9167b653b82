// What the three attention operations share outside of their vector code: head layout, masks, the
// division of packed sequences among threads, and the scratch memory of one thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "plugins/abi/shoal_backend.h"
#include "plugins/onednn/dropout.h"

namespace shoal::onednn {

// Queries are taken this many rows at a time: their scores against 128 keys stay in the first-level
// cache, against 1024 in the second.
inline constexpr int64_t kQueryBlock = 48;

// Scratch arrays have rows padded with zeros to whole vectors of any instruction set.
inline int64_t PadColumns(int64_t columns) { return (columns + 15) / 16 * 16; }

// Which keys query i (counted from the sequence's first row) sees: [First(i), Last(i)).
struct Mask {
  int32_t kind;
  int64_t window;
  int64_t length;  // keys of the sequence

  int64_t First(int64_t i) const {
    return kind == SHOAL_MASK_SLIDING ? std::max(int64_t{0}, i + 1 - window) : 0;
  }
  int64_t Last(int64_t i) const { return kind == SHOAL_MASK_FULL ? length : i + 1; }
};

// Where the heads of one row lie.
struct Heads {
  explicit Heads(const shoal_op& op)
      : query(op.attr.attention.heads),
        shared(op.attr.attention.kv_heads),
        width(op.attr.attention.head_dim) {}

  int64_t query, shared, width;  // H, G, C
  int64_t row() const { return (query + 2 * shared) * width; }
  int64_t group() const { return query / shared; }  // query heads per key head
  int64_t key_offset(int64_t g) const { return (query + g) * width; }
  int64_t value_offset(int64_t g) const { return (query + shared + g) * width; }
};

// Sequences [.., ..) x units (heads) in one order, cut into shares of about equal work, by thread.
class Shares {
 public:
  Shares(const int32_t* offsets, int64_t sequences, int64_t units, int threads)
      : offsets_(offsets), sequences_(sequences), units_(units), threads_(threads) {
    for (int64_t s = 0; s < sequences; ++s) total_ += units * Cost(s);
  }

  // Worth waking the team for.
  bool large() const { return total_ > 4096; }

  // task(sequence, unit) for each of this thread's.
  template <class Task>
  void Each(int thread, Task&& task) const {
    const int64_t from = total_ * thread / threads_, to = total_ * (thread + 1) / threads_;
    int64_t done = 0;
    for (int64_t s = 0; s < sequences_ && done < to; ++s) {
      const int64_t cost = Cost(s);
      if (done + cost * units_ <= from) {
        done += cost * units_;
        continue;
      }
      for (int64_t unit = 0; unit < units_; ++unit, done += cost) {
        if (done >= from && done < to) task(s, unit);
      }
    }
  }

 private:
  int64_t Cost(int64_t s) const {
    const int64_t length = offsets_[s + 1] - offsets_[s];
    return length * (length + 32);  // products, and work per row
  }

  const int32_t* const offsets_;
  const int64_t sequences_, units_, threads_;
  int64_t total_ = 0;
};

inline int64_t LongestSequence(const int32_t* offsets, int64_t sequences) {
  int64_t longest = 0;
  for (int64_t s = 0; s < sequences; ++s)
    longest = std::max<int64_t>(longest, offsets[s + 1] - offsets[s]);
  return longest;
}

// One head of one sequence, forward. Strides in elements.
struct AttentionHead {
  const void *query, *key, *value;  // [queries, C] and [keys, C]
  int64_t query_row, key_row;
  void* out;
  int64_t out_row;
  float* lse;  // or null
  int64_t lse_row;
  bool bf16;
  int64_t queries, keys, first_query;  // query r is row first_query + r of the sequence
  int64_t width;
  float scale;
  Mask mask;
  DropoutKey dropout;
  uint64_t first_element,
      row_elements;  // dropout index of query 0 and key 0, and from a query to the next
};

// Where one thread's scratch arrays lie, in floats from its beginning.
struct ForwardScratch {
  ForwardScratch(int64_t keys, int64_t width) {
    const int64_t columns = PadColumns(keys), padded = PadColumns(width);
    const auto take = [this](int64_t count) {
      return total += PadColumns(count), total - PadColumns(count);
    };
    rows = take(keys * padded);
    transposed = take(width * columns);
    query = take(kQueryBlock * padded);
    scores = take(kQueryBlock * columns);
    out = take(kQueryBlock * padded);
    factors = take(kQueryBlock * (columns + 8) + 256);
    counters = take(kQueryBlock * (columns + 8) / 2 + 256);
  }
  int64_t rows, transposed, query, scores, out, factors, counters, total = 0;
};

// Computes one head on the calling thread; `scratch` has room for ForwardScratch(keys, width).total
// floats.
void RunAttentionHead(const AttentionHead& head, float* scratch);

// Memory is reserved for sequences of this length when planning (or for all rows, if fewer); a
// longer sequence makes it grow once.
inline constexpr int64_t kPlannedLength = 2048;

}  // namespace shoal::onednn
