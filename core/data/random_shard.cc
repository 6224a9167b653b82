// Shards of random tokens.
#include "core/base/random.h"
#include "core/data/shard.h"
#include "core/data/shard_writer.h"

namespace shoal::data {

absl::Status WriteRandomShard(int64_t vocab_size, int64_t examples, int32_t length, uint64_t seed,
                              FileSystem& files, const std::string& path) {
  ShardWriter writer(std::vector<uint32_t>(static_cast<size_t>(vocab_size), 1), length, {});
  Random random(seed, PurposeOf(Purpose::kData));
  std::vector<int32_t> ids(static_cast<size_t>(length) + 1);
  const std::vector<uint8_t> flags(ids.size(), 1);
  for (int64_t i = 0; i < examples; ++i) {
    for (int32_t& id : ids)
      id = static_cast<int32_t>(random.Below(static_cast<uint64_t>(vocab_size)));
    writer.Add(ids, flags);
  }
  return files.WriteFileAtomic(path, writer.Finish());
}

}  // namespace shoal::data
