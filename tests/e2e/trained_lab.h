// One lab with one trained model, shared by the tests of a binary that only look and talk.
#pragma once

#include <memory>

#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"

namespace shoal::e2e {

class TrainedLab : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    lab_ = std::make_unique<LabDriver>();
    run_ = lab_->Launch({"--follow"});
  }
  static void TearDownTestSuite() { lab_.reset(); }

  static LabDriver& lab() { return *lab_; }
  static const v1::Run& run() { return run_; }  // as `launch --follow` told it at the end

 private:
  static inline std::unique_ptr<LabDriver> lab_;
  static inline v1::Run run_;
};

}  // namespace shoal::e2e
