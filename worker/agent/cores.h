// Which cores an attempt gets: its own, whole physical cores first, and none that another worker on
// this machine has.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace shoal::agent {

// Cores that are held until this object goes. Movable. Each is an flock on a file, so that workers
// see each other's.
class CoreSet {
 public:
  CoreSet() = default;
  CoreSet(CoreSet&& other) noexcept { *this = std::move(other); }
  CoreSet& operator=(CoreSet&& other) noexcept;
  ~CoreSet();

  const std::vector<int>& cores() const { return cores_; }
  // Binds the process to the cores; nothing when there are none.
  absl::Status Bind(pid_t pid) const;

 private:
  friend class Cores;
  std::vector<int> cores_;
  std::vector<int> locks_;
};

// The cores this process may run on. Immutable, thread-safe.
class Cores {
 public:
  // `folder` holds a file per core and is shared by the machine's workers of one user; made when
  // absent.
  static Cores OfThisProcess(const std::string& folder);
  // $XDG_RUNTIME_DIR/shoal-cores, or a folder of this user in /tmp.
  static std::string DefaultFolder();

  Cores(std::string folder, std::vector<int> order)
      : folder_(std::move(folder)), order_(std::move(order)) {}

  // `count` cores that nobody has. An empty set when there are not so many: the attempt then runs
  // where the kernel likes, which is better than crowding one core.
  CoreSet Take(int count) const;

 private:
  std::string folder_;
  std::vector<int> order_;  // one thread of every physical core before the second of any
};

}  // namespace shoal::agent
