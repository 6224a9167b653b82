#include "core/spec/print.h"

#include <limits>

#include "core/spec/fields.h"
#include "core/spec/spec.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

using google::protobuf::util::MessageDifferencer;

v1::RunSpec Sample() {
  v1::RunSpec spec;
  spec.set_name("left out: a name is not identity");
  spec.set_seed(7);
  spec.mutable_model()->set_n_layers(6);
  spec.mutable_model()->set_d_model(128);   // the default
  spec.mutable_model()->mutable_dropout();  // empty
  spec.mutable_data()->set_train("/somewhere/train.jsonl");
  spec.mutable_data()->set_held_out_fraction(0.1);
  spec.mutable_train()->mutable_optimizer()->set_lr(3e-4);
  spec.mutable_samples()->add_prompts("say \"hi\"\n\\ \x01 h\xC3\xA9");
  spec.mutable_resources()->set_threads(4);
  return spec;
}

TEST(Canonical, OnlyWhatCounts) {
  EXPECT_THAT(CanonicalJson(Sample()),
              IsOkAndHolds(R"({"seed":7,"model":{"n_layers":6},"data":{"held_out_fraction":0.1},)"
                           R"("train":{"optimizer":{"lr":0.0003}},)"
                           "\"samples\":{\"prompts\":[\"say \\\"hi\\\"\\n\\\\ \\u0001 "
                           "h\xC3\xA9\"]}}"));
  EXPECT_THAT(CanonicalJson(v1::RunSpec()), IsOkAndHolds("{}"));
}

TEST(Canonical, DefaultsWrittenOutChangeNothing) {
  v1::RunSpec complete = Sample();
  FillDefaults(complete);
  EXPECT_EQ(*CanonicalJson(complete), *CanonicalJson(Sample()));
}

TEST(Canonical, NumbersReadBackToTheSameValue) {
  v1::RunSpec spec;
  auto* optimizer = spec.mutable_train()->mutable_optimizer();
  for (double value : {0.1, 1e-8, 1.0 / 3, 5e-324, 9.999999999999999, 2.5e-3}) {
    optimizer->set_lr(value);
    ASSERT_OK_AND_ASSIGN(const std::string json, CanonicalJson(spec));
    v1::RunSpec back;
    if (value < 1e-300) continue;  // below the range that lr may have when it is read
    ASSERT_OK(ReadCanonicalJson(json, back));
    EXPECT_EQ(back.train().optimizer().lr(), value) << json;
  }
  optimizer->set_lr(-0.0);
  EXPECT_EQ(*CanonicalJson(spec), R"({"train":{"optimizer":{"lr":0}}})");
}

TEST(Canonical, NumbersLookAsInRfc8785) {
  EXPECT_EQ(NumberText(3e-4), "0.0003");
  EXPECT_EQ(NumberText(1e-6), "0.000001");
  EXPECT_EQ(NumberText(1e-7), "1e-7");
  EXPECT_EQ(NumberText(-1.25e-9), "-1.25e-9");
  EXPECT_EQ(NumberText(1e20), "100000000000000000000");
  EXPECT_EQ(NumberText(1e21), "1e+21");
  EXPECT_EQ(NumberText(12345.678), "12345.678");
  EXPECT_EQ(NumberText(120), "120");
  EXPECT_EQ(NumberText(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(NumberText(5e-324), "5e-324");
}

TEST(Canonical, RefusesWhatHasNoMeaning) {
  v1::RunSpec spec;
  spec.mutable_samples()->add_prompts("\xED\xA0\x80");  // a surrogate is not UTF-8
  EXPECT_THAT(CanonicalJson(spec),
              StatusIs(absl::StatusCode::kInvalidArgument, "prompts: is not UTF-8"));
  spec.Clear();
  spec.mutable_train()->set_clip_norm(std::numeric_limits<double>::infinity());
  EXPECT_THAT(CanonicalJson(spec), StatusIs(absl::StatusCode::kInvalidArgument,
                                            "clip_norm: must be a finite number, is inf"));
}

TEST(Canonical, MapsAreSorted) {
  v1::SweepSpec sweep;
  for (const char* path : {"z", "a", "m", "b"}) (*sweep.mutable_space())[path].add_values("1");
  EXPECT_THAT(CanonicalJson(sweep),
              IsOkAndHolds(R"({"space":{"a":{"values":["1"]},"b":{"values":["1"]},)"
                           R"("m":{"values":["1"]},"z":{"values":["1"]}}})"));
}

TEST(Complete, JsonAndYamlReadBack) {
  v1::RunSpec spec = Sample();
  spec.set_name("a-name");
  spec.set_note("null");
  spec.add_tags("true");
  spec.add_tags("with: colon");
  FillDefaults(spec);
  v1::RunSpec from_json, from_yaml;
  ASSERT_OK(ReadYaml(ToJson(spec), "spec.json", from_json));
  ASSERT_OK(ReadYaml(ToYaml(spec), "spec.yaml", from_yaml));
  EXPECT_TRUE(MessageDifferencer::Equals(spec, from_json)) << ToJson(spec);
  EXPECT_TRUE(MessageDifferencer::Equals(spec, from_yaml)) << ToYaml(spec);
}

TEST(Complete, Layout) {
  v1::SweepSpec sweep;
  sweep.set_name("s");
  sweep.mutable_base()->mutable_model()->set_n_layers(2);
  sweep.mutable_base()->add_tags("x");
  (*sweep.mutable_space())["seed"].add_values("1");
  auto* variant = sweep.add_variants();
  variant->set_name("narrow");
  (*variant->mutable_set())["model.d_model"] = "64";
  EXPECT_EQ(ToYaml(sweep),
            "name: s\n"
            "base:\n"
            "  tags: [x]\n"
            "  model:\n"
            "    n_layers: 2\n"
            "space:\n"
            "  seed:\n"
            "    values: [1]\n"
            "variants:\n"
            "  - name: narrow\n"
            "    set:\n"
            "      model.d_model: 64\n");
  EXPECT_EQ(ToJson(sweep), R"({
  "name": "s",
  "base": {
    "tags": ["x"],
    "model": {
      "n_layers": 2
    }
  },
  "space": {
    "seed": {
      "values": ["1"]
    }
  },
  "variants": [{
    "name": "narrow",
    "set": {
      "model.d_model": "64"
    }
  }]
}
)");
  v1::SweepSpec back;
  ASSERT_OK(ReadYaml(ToYaml(sweep), "s.yaml", back));
  EXPECT_TRUE(MessageDifferencer::Equals(sweep, back));
  EXPECT_EQ(ToYaml(v1::RunSpec()), "{}\n");
  EXPECT_EQ(ToJson(v1::RunSpec()), "{}\n");
}

}  // namespace
}  // namespace shoal::spec
