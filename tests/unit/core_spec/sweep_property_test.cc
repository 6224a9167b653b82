// Random sweeps: what holds for all of them.
#include <rapidcheck.h>

#include <set>

#include "core/spec/search_space.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

// A sweep over some of these axes; none of their combinations is an invalid run.
v1::SweepSpec AnySweep() {
  v1::SweepSpec sweep;
  sweep.mutable_base()->set_name("t");
  sweep.mutable_base()->mutable_data()->set_persona("p");
  sweep.mutable_base()->set_seed(*rc::gen::inRange<uint64_t>(0, 1000));
  auto& space = *sweep.mutable_space();
  if (*rc::gen::arbitrary<bool>()) {
    const int max = *rc::gen::inRange(2, 5);
    space["model.n_layers"].set_min(1);
    space["model.n_layers"].set_max(max);
  }
  if (*rc::gen::arbitrary<bool>()) {
    space["train.optimizer.lr"].set_min(1e-5);
    space["train.optimizer.lr"].set_max(0.1);
    space["train.optimizer.lr"].set_scale("log");
    space["train.optimizer.lr"].set_count(*rc::gen::inRange(2, 4));
  }
  for (const char* value : {"relu", "gelu_erf", "gelu_tanh"}) {
    if (*rc::gen::arbitrary<bool>()) space["model.activation"].add_values(value);
  }
  if (!space.contains("model.activation") || space["model.activation"].values_size() == 0) {
    space.erase("model.activation");
  } else if (*rc::gen::arbitrary<bool>()) {
    space["model.d_ff"].add_values("128");
    space["model.d_ff"].add_values("256");
    (*space["model.d_ff"].mutable_when())["model.activation"] = "relu";
  }
  space["train.batch.size"].set_min(8);
  space["train.batch.size"].set_max(64);
  space["train.batch.size"].set_step(8);
  sweep.set_repeats(*rc::gen::inRange(1, 4));
  if (*rc::gen::arbitrary<bool>()) {
    sweep.set_strategy("random");
    sweep.set_seed(*rc::gen::inRange<uint64_t>(0, 100));
    sweep.set_trials(*rc::gen::inRange(1, 9));  // there are at least 8 settings
  }
  return sweep;
}

std::vector<Trial> Expand(const v1::SweepSpec& sweep) {
  absl::StatusOr<std::vector<Trial>> trials = ExpandSweep(sweep);
  RC_ASSERT(trials.ok());
  return *std::move(trials);
}

TEST(SweepProperty, ExpansionIsDeterministicAndNothingComesTwice) {
  EXPECT_TRUE(rc::check([] {
    const v1::SweepSpec sweep = AnySweep();
    const std::vector<Trial> trials = Expand(sweep);
    v1::SweepSpec copy;  // by way of bytes: maps may be in another order
    RC_ASSERT(copy.ParseFromString(sweep.SerializeAsString()));
    const std::vector<Trial> again = Expand(copy);
    RC_ASSERT(trials.size() == again.size());
    std::set<std::string> names, keys, differing;
    for (size_t i = 0; i < trials.size(); ++i) {
      RC_ASSERT(trials[i].index == static_cast<int32_t>(i));
      RC_ASSERT(trials[i].name == again[i].name);
      RC_ASSERT(trials[i].spec.SerializeAsString() == again[i].spec.SerializeAsString());
      RC_ASSERT(trials[i].differing == again[i].differing);
      RC_ASSERT(names.insert(trials[i].name).second);
      RC_ASSERT(keys.insert(TrialKey(trials[i])).second);
      std::string text;
      for (const std::string& line : trials[i].differing) text += line + "\n";
      RC_ASSERT(differing.insert(text).second);
    }
  }));
}

TEST(SweepProperty, ALongerRandomSweepBeginsWithTheShorterOne) {
  EXPECT_TRUE(rc::check([] {
    v1::SweepSpec sweep = AnySweep();
    sweep.set_strategy("random");
    sweep.set_trials(*rc::gen::inRange(1, 8));
    const std::vector<Trial> trials = Expand(sweep);
    sweep.set_trials(8);
    const std::vector<Trial> more = Expand(sweep);
    RC_ASSERT(more.size() == static_cast<size_t>(8 * sweep.repeats()));
    for (size_t i = 0; i < trials.size(); ++i) {
      RC_ASSERT(trials[i].name == more[i].name);
      RC_ASSERT(TrialKey(trials[i]) == TrialKey(more[i]));
    }
  }));
}

TEST(SweepProperty, MoreRepeatsAndValuesKeepWhatWasThere) {
  EXPECT_TRUE(rc::check([] {
    v1::SweepSpec sweep = AnySweep();
    sweep.clear_strategy();
    sweep.clear_trials();
    std::set<std::string> keys;
    const std::vector<Trial> fewer = Expand(sweep);
    sweep.set_repeats(sweep.repeats() + 1);
    (*sweep.mutable_space())["train.batch.size"].set_max(72);
    const std::vector<Trial> more = Expand(sweep);
    for (const Trial& trial : more) keys.insert(TrialKey(trial));
    for (const Trial& trial : fewer) RC_ASSERT(keys.count(TrialKey(trial)) == 1u);
  }));
}

TEST(SweepProperty, ConditionsHoldInEveryTrial) {
  EXPECT_TRUE(rc::check([] {
    const v1::SweepSpec sweep = AnySweep();
    const bool conditional = sweep.space().contains("model.d_ff");
    for (const Trial& trial : Expand(sweep)) {
      const bool relu = trial.spec.model().activation() == "relu";
      RC_ASSERT((trial.spec.model().d_ff() != 0) == (conditional && relu));
      RC_ASSERT(trial.spec.train().batch().size() % 8 == 0);
      RC_ASSERT(trial.spec.train().optimizer().lr() >= 1e-5);
      RC_ASSERT(trial.spec.train().optimizer().lr() <= 0.1);
    }
  }));
}

}  // namespace
}  // namespace shoal::spec
