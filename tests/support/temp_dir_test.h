// A fixture whose every test has an empty folder of its own, removed afterwards.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/file.h"
#include "gtest/gtest.h"

namespace shoal {

class TempDirTest : public testing::Test {
 protected:
  TempDirTest() {
    absl::StatusOr<TempDir> dir = TempDir::Make("", "shoal-test-");
    if (dir.ok()) dir_.emplace(*std::move(dir));
    EXPECT_TRUE(dir_.has_value());
  }

  const std::string& dir() const { return dir_->path(); }
  std::string Path(std::string_view name) const { return dir_->File(name); }

  RealFileSystem files_;

 private:
  std::optional<TempDir> dir_;
};

}  // namespace shoal
