#include "worker/engine/generate/sampler.h"

#include <cmath>
#include <limits>
#include <map>

#include "tests/support/status_matchers.h"
#include "worker/engine/generate/stop_strings.h"

namespace shoal::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Logits whose softmax is these probabilities.
std::vector<float> LogitsOf(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

class SamplerTest : public testing::Test {
 protected:
  SamplerTest() { params_.set_temperature(1); }

  std::vector<int32_t> Tokens() {
    Sampler sampler(params_, static_cast<int32_t>(logits_.size()));
    std::vector<int32_t> tokens;
    probabilities_.clear();
    for (const TokenProbability& kept : sampler.Distribution(logits_, context_)) {
      tokens.push_back(kept.token);
      probabilities_.push_back(static_cast<double>(kept.probability));
    }
    return tokens;
  }
  void ExpectProbabilities(const std::vector<double>& expected) {
    ASSERT_EQ(probabilities_.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(probabilities_[i], expected[i], 1e-6);
  }

  v1::SamplingParams params_;
  std::vector<float> logits_ = LogitsOf({0.1, 0.4, 0.05, 0.3, 0.15});
  std::vector<int32_t> context_;
  std::vector<double> probabilities_;
};

TEST_F(SamplerTest, KeepsEverythingByDefault) {
  EXPECT_THAT(Tokens(), ElementsAre(1, 3, 4, 0, 2));
  ExpectProbabilities({0.4, 0.3, 0.15, 0.1, 0.05});
}

TEST_F(SamplerTest, GreedyTakesTheFirstOfTheLikeliest) {
  params_.set_temperature(0);
  EXPECT_THAT(Tokens(), ElementsAre(1));
  logits_ = {1, 3, 3};
  EXPECT_THAT(Tokens(), ElementsAre(1));
}

TEST_F(SamplerTest, TopK) {
  params_.set_top_k(2);
  EXPECT_THAT(Tokens(), ElementsAre(1, 3));
  ExpectProbabilities({4.0 / 7, 3.0 / 7});
  params_.set_top_k(99);
  EXPECT_EQ(Tokens().size(), 5u);
  logits_ = {2, 2, 2, 2};
  params_.set_top_k(2);
  EXPECT_THAT(Tokens(), ElementsAre(0, 1));
}

TEST_F(SamplerTest, TopPIsTheSmallestSetThatReachesP) {
  params_.set_top_p(0.69);
  EXPECT_THAT(Tokens(), ElementsAre(1, 3));
  params_.set_top_p(0.72);
  EXPECT_THAT(Tokens(), ElementsAre(1, 3, 4));
  ExpectProbabilities({0.4 / 0.85, 0.3 / 0.85, 0.15 / 0.85});
  params_.set_top_p(0.01);
  EXPECT_THAT(Tokens(), ElementsAre(1));
  params_.set_top_p(1);
  EXPECT_EQ(Tokens().size(), 5u);
}

TEST_F(SamplerTest, MinPIsRelativeToTheLikeliest) {
  params_.set_min_p(0.3);  // 0.12
  EXPECT_THAT(Tokens(), ElementsAre(1, 3, 4));
  params_.set_min_p(1);
  EXPECT_THAT(Tokens(), ElementsAre(1));
}

TEST_F(SamplerTest, TemperatureSharpensAndFlattens) {
  params_.set_temperature(0.5);  // squares
  Tokens();
  const double sum = 0.16 + 0.09 + 0.0225 + 0.01 + 0.0025;
  ExpectProbabilities({0.16 / sum, 0.09 / sum, 0.0225 / sum, 0.01 / sum, 0.0025 / sum});
}

TEST_F(SamplerTest, TopPAfterTopKCountsWhatTopKKept) {
  params_.set_top_k(2);    // 4/7, 3/7
  params_.set_top_p(0.5);  // 4/7 is enough
  EXPECT_THAT(Tokens(), ElementsAre(1));
}

TEST_F(SamplerTest, RepetitionPenaltyCountsATokenOnce) {
  params_.set_temperature(0);
  params_.set_repetition_penalty(2);
  logits_ = {3, 2, -1};
  context_ = {0, 0, 0};
  EXPECT_THAT(Tokens(), ElementsAre(1));  // 1.5 against 2
  logits_ = {-1, -1.5, -9};
  EXPECT_THAT(Tokens(), ElementsAre(1));  // -2 against -1.5
  context_ = {0, 1, 7, -1};               // unknown tokens are nobody's business
  EXPECT_THAT(Tokens(), ElementsAre(0));
}

TEST_F(SamplerTest, DrawsAreAFunctionOfSeedAndPosition) {
  params_.set_seed(9);
  Sampler one(params_, 5), two(params_, 5);
  for (int64_t position : {7, 3, 7, 100}) {
    EXPECT_EQ(one.Sample(logits_, {}, position), two.Sample(logits_, {}, position));
  }
  std::map<int32_t, int> count;
  constexpr int kDraws = 20000;
  for (int64_t position = 0; position < kDraws; ++position)
    ++count[one.Sample(logits_, {}, position)];
  EXPECT_NEAR(count[1], 0.4 * kDraws, 350);  // five standard deviations
  EXPECT_NEAR(count[2], 0.05 * kDraws, 160);
}

TEST_F(SamplerTest, ValidatesEachParameter) {
  EXPECT_OK(ValidateSampling(params_));
  auto expect_refused = [&](auto set, const char* field) {
    v1::SamplingParams params = params_;
    set(params);
    EXPECT_THAT(ValidateSampling(params),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(field)));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_refused([](auto& p) { p.set_max_tokens(-1); }, "max_tokens");
  expect_refused([](auto& p) { p.set_temperature(-0.1); }, "temperature");
  expect_refused([&](auto& p) { p.set_temperature(nan); }, "temperature");
  expect_refused([](auto& p) { p.set_top_k(-5); }, "top_k");
  expect_refused([](auto& p) { p.set_top_p(1.5); }, "top_p");
  expect_refused([&](auto& p) { p.set_min_p(nan); }, "min_p");
  expect_refused([](auto& p) { p.set_repetition_penalty(-1); }, "repetition_penalty");
  expect_refused(
      [](auto& p) {
        for (int i = 0; i < 17; ++i) p.add_stop("x");
      },
      "stop");
}

TEST(StopStringsTest, HoldsBackWhatMayBecomeAStop) {
  StopStrings stops({"END", "", "\n\n"});
  EXPECT_EQ(stops.Push("a"), "a");
  EXPECT_EQ(stops.Push("bE"), "b");
  EXPECT_EQ(stops.Push("N"), "");
  EXPECT_EQ(stops.Push("ough\n"), "ENough");
  EXPECT_EQ(stops.Push("x"), "\nx");
  EXPECT_FALSE(stops.found());
  EXPECT_EQ(stops.Push("yEEND and more"), "yE");
  EXPECT_TRUE(stops.found());
  EXPECT_EQ(stops.Finish(), "");
}

TEST(StopStringsTest, TheEarliestStopWinsAndTheRestIsShownAtTheEnd) {
  StopStrings two({"cd", "b"});
  EXPECT_EQ(two.Push("abcd"), "a");
  StopStrings unfinished({"END"});
  EXPECT_EQ(unfinished.Push("xEN"), "x");
  EXPECT_EQ(unfinished.Finish(), "EN");
}

}  // namespace
}  // namespace shoal::engine
