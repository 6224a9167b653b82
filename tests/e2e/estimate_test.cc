// What a dry run says a model will need, against what training it needs.

#include <cmath>
#include <map>
#include <utility>

#include "core/base/strings.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;

double NumberIn(const Struct& object, const std::string& name) {
  const auto field = object.fields().find(name);
  EXPECT_TRUE(field != object.fields().end()) << "no '" << name << "'";
  return field == object.fields().end() ? std::nan("") : field->second.number_value();
}

struct Size {
  std::string name;
  int layers, width, heads;
};

std::vector<std::string> SizedTiny(const Size& size) {
  return Sets({StrCat("name=", size.name), "train.steps=30", "train.log_every=10",
               "train.schedule.warmup_steps=5", "evaluate.every=15", "evaluate.max_examples=100",
               "data.conversations=4000", StrCat("model.n_layers=", size.layers),
               StrCat("model.d_model=", size.width), StrCat("model.n_heads=", size.heads)});
}

double EstimateOf(LabDriver& lab, const Size& size) {
  std::vector<std::string> arguments = {"launch", "tiny", "--dry-run"};
  for (const std::string& setting : SizedTiny(size)) arguments.push_back(setting);
  return NumberIn(lab.Json(arguments), "estimated_memory_bytes");
}

v1::Run Trained(LabDriver& lab, const Size& size) {
  std::vector<std::string> arguments = {"launch", "tiny", "--follow"};
  for (const std::string& setting : SizedTiny(size)) arguments.push_back(setting);
  return Member<v1::Run>(lab.Json(arguments), "run");
}

// The estimate is what placement counts with: too little, and two runs meet in a machine that holds
// one; too much, and slots stay empty.
TEST(Estimate, MemoryIsWithinAQuarterOfThePeak) {
  LabDriver lab;
  for (const Size& size : {Size{"small", 3, 64, 2}, Size{"middle", 4, 128, 4},
                           Size{"large", 6, 192, 6}, Size{"wide", 4, 384, 6}}) {
    const double estimate = EstimateOf(lab, size);
    const v1::Run run = Trained(lab, size);
    const auto peak = static_cast<double>(run.peak_memory_bytes());
    ASSERT_GT(peak, 0) << size.name;
    EXPECT_NEAR(estimate / peak, 1, 0.25)
        << size.name << ": " << estimate / 1048576 << " MiB estimated, " << peak / 1048576;
    RecordProperty(size.name + "_estimated_mib", static_cast<int>(estimate / 1048576));
    RecordProperty(size.name + "_peak_mib", static_cast<int>(peak / 1048576));
  }
}

// Runs of one size have one figure, measured or not.
TEST(Estimate, ASweepHasOneFigureForOneSize) {
  LabDriver lab;
  std::vector<std::string> arguments = {"sweep",      "tiny",   "--dry-run",         "--vary",
                                        "seed=1,2,3", "--vary", "model.n_layers=1,2"};
  for (const std::string& setting : TinySettings()) arguments.push_back(setting);
  const Struct plan = lab.Json(arguments);
  std::map<double, std::pair<double, double>> figures;  // by parameters: memory, seconds
  const auto& runs = plan.fields().at("runs").list_value();
  ASSERT_EQ(runs.values_size(), 6);
  for (const auto& value : runs.values()) {
    const Struct& run = value.struct_value();
    const std::pair found = {NumberIn(run, "estimated_memory_bytes"),
                             NumberIn(run, "estimated_seconds")};
    const auto [first, is_new] = figures.try_emplace(NumberIn(run, "parameters"), found);
    EXPECT_EQ(first->second, found);
  }
  EXPECT_EQ(figures.size(), 2u);
}

}  // namespace
}  // namespace shoal::e2e
