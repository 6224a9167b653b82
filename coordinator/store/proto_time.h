// absl::Time <-> the proto's Timestamp. Infinite times stand for "not set".
#pragma once

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace shoal::store {

inline void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return timestamp->Clear();
  const int64_t micros = absl::ToUnixMicros(time);
  const int64_t seconds = micros >= 0 ? micros / 1000000 : -((-micros + 999999) / 1000000);
  timestamp->set_seconds(seconds);
  timestamp->set_nanos(static_cast<int32_t>((micros - seconds * 1000000) * 1000));
}

inline absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

}  // namespace shoal::store
