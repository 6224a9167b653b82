#include "core/spec/field_help.h"

#include <set>

#include "core/spec/fields.h"
#include "core/spec/spec.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

TEST(FieldHelp, DescribesAField) {
  ASSERT_OK_AND_ASSIGN(const FieldHelp lr, DescribeField("train.optimizer.lr"));
  EXPECT_EQ(FormatFieldHelp(lr),
            "train.optimizer.lr  number, default 1e-3, > 0 and <= 10\n  peak learning rate\n");
  EXPECT_TRUE(lr.identity);
  ASSERT_OK_AND_ASSIGN(const FieldHelp loss_on, DescribeField("train.loss_on"));
  EXPECT_EQ(loss_on.range, "one of: all, response");
  ASSERT_OK_AND_ASSIGN(const FieldHelp steps, DescribeField("train.steps"));
  EXPECT_EQ(FormatFieldHelp(steps),
            "train.steps  integer, default 1000 steps, >= 1 and <= 100000000\n  optimizer steps\n");
  ASSERT_OK_AND_ASSIGN(const FieldHelp name, DescribeField("name"));
  EXPECT_EQ(name.type, "text");
  EXPECT_EQ(name.range, "<= 64 bytes");
  EXPECT_FALSE(name.identity);
  ASSERT_OK_AND_ASSIGN(const FieldHelp model, DescribeField("model"));
  EXPECT_EQ(model.type, "group");
  EXPECT_THAT(DescribeField("train.optimiser"),
              StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("'optimizer'")));
}

TEST(FieldHelp, EveryFieldIsDescribedAndItsDefaultIsLegal) {
  const auto fields = ListFields();
  EXPECT_GT(fields.size(), 50u);
  std::set<std::string> paths;
  for (const FieldHelp& field : fields) {
    EXPECT_TRUE(paths.insert(field.path).second) << field.path;
    EXPECT_FALSE(field.help.empty()) << field.path;
    if (field.type.starts_with("list")) continue;
    v1::RunSpec spec;
    // What a person reads as the default can be set as it stands.
    EXPECT_OK(ApplySet(spec, field.path + "=" + field.default_value));
  }
  EXPECT_TRUE(paths.contains("model.dropout.attention"));
}

TEST(FieldHelp, Nearest) {
  const std::vector<std::string> names = {"n_layers", "d_model", "bias"};
  EXPECT_EQ(Nearest("n_layer", names), "n_layers");
  EXPECT_EQ(Nearest("d_modle", names), "d_model");
  EXPECT_EQ(Nearest("layers", names), "n_layers");
  EXPECT_EQ(Nearest("completely", names), std::nullopt);
  EXPECT_EQ(Nearest("", names), std::nullopt);
}

}  // namespace
}  // namespace shoal::spec
