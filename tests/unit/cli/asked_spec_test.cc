#include "cli/output/asked_spec.h"

#include "core/spec/spec.h"
#include "gtest/gtest.h"

namespace shoal::cli {
namespace {

TEST(AskedSpec, HoldsWhatIsNotDefaultAndNamesTheData) {
  v1::RunSpec spec;
  spec.set_name("mine");
  spec.mutable_data()->set_dataset("guppy");
  spec.mutable_train()->mutable_optimizer()->set_lr(0.5);
  spec.add_tags("depth");
  spec::FillDefaults(spec);
  EXPECT_EQ(AskedSpec(spec),
            "name: mine\n"
            "tags: [depth]\n"
            "data:\n"
            "  dataset: guppy\n"
            "train:\n"
            "  optimizer:\n"
            "    lr: 0.5\n");
}

TEST(AskedSpec, OfDefaultsIsEmpty) {
  v1::RunSpec spec;
  spec::FillDefaults(spec);
  EXPECT_EQ(AskedSpec(spec), "");
  EXPECT_EQ(AskedSpec(v1::RunSpec()), "");
}

}  // namespace
}  // namespace shoal::cli
