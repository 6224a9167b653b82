// Digests are literals: a release that changes one breaks every lab's history.
#include "core/spec/fingerprint.h"

#include "core/base/digest.h"
#include "core/spec/spec.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

v1::DataBinding Binding(v1::BindingRole role, char digit, const std::string& name) {
  v1::DataBinding binding;
  binding.set_role(role);
  binding.set_sha256(std::string(64, digit));
  binding.set_file_name(name);
  return binding;
}

std::vector<v1::DataBinding> Bindings() {
  return {Binding(v1::BINDING_ROLE_TRAIN, 'a', "train.jsonl"),
          Binding(v1::BINDING_ROLE_HELD_OUT, 'b', "eval.jsonl"),
          Binding(v1::BINDING_ROLE_TOKENIZER, 'c', "tokenizer.json")};
}

v1::RunSpec Spec() {
  v1::RunSpec spec;
  spec.set_name("one");
  spec.mutable_model()->set_n_layers(6);
  spec.mutable_train()->mutable_optimizer()->set_lr(3e-4);
  return spec;
}

v1::NumericsClass Numerics() {
  v1::NumericsClass numerics;
  numerics.set_backend("onednn");
  numerics.set_numerics_version(1);
  numerics.set_isa("avx512_bf16");
  numerics.set_dtype("bf16");
  numerics.set_threads(2);
  numerics.set_l1d_bytes(49152);
  numerics.set_l2_bytes(2097152);
  numerics.set_l3_bytes(33554432);
  return numerics;
}

TEST(RequestDigest, Goldens) {
  EXPECT_THAT(RequestDigest(v1::RunSpec(), std::span<const v1::DataBinding>()),
              IsOkAndHolds(Sha256Of("shoal request 1\n{}\n").Hex()));
  EXPECT_THAT(RequestDigest(v1::RunSpec(), std::span<const v1::DataBinding>()),
              IsOkAndHolds("043141774933b2568fb590941ce253b3167350ea6a485bf8ec96dcbac40f5d36"));
  EXPECT_THAT(RequestDigest(Spec(), Bindings()),
              IsOkAndHolds("e27289798ca23c128dabaf4474479c292ab24a9265a1b417a6b9621062054f63"));
}

TEST(RequestDigest, WhatDoesNotCount) {
  const std::string digest = *RequestDigest(Spec(), Bindings());
  v1::RunSpec spec = Spec();
  spec.set_name("two");
  spec.set_note("later");
  spec.mutable_resources()->set_threads(8);
  spec.mutable_checkpoint()->set_every(7);
  spec.mutable_data()->set_train("/elsewhere/train.jsonl");
  FillDefaults(spec);
  auto bindings = Bindings();
  std::swap(bindings[0], bindings[2]);
  bindings[2].set_file_name("/tmp/other.JSONL");
  bindings[1].set_size_bytes(9);
  EXPECT_THAT(RequestDigest(spec, bindings), IsOkAndHolds(digest));
}

TEST(RequestDigest, WhatCounts) {
  const std::string digest = *RequestDigest(Spec(), Bindings());
  v1::RunSpec spec = Spec();
  spec.set_seed(43);
  EXPECT_NE(*RequestDigest(spec, Bindings()), digest);
  auto bindings = Bindings();
  bindings[0].set_sha256(std::string(64, 'd'));
  EXPECT_NE(*RequestDigest(Spec(), bindings), digest);
  bindings = Bindings();
  bindings[0].set_file_name("train.txt");  // the same bytes, read as something else
  EXPECT_NE(*RequestDigest(Spec(), bindings), digest);
  bindings = Bindings();
  bindings.pop_back();
  EXPECT_NE(*RequestDigest(Spec(), bindings), digest);
}

TEST(RequestDigest, Errors) {
  std::vector<v1::DataBinding> bindings = {Binding(v1::BINDING_ROLE_TRAIN, 'x', "t.jsonl")};
  EXPECT_THAT(RequestDigest(Spec(), bindings),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("the digest of data file 't.jsonl'")));
  bindings = {Binding(v1::BINDING_ROLE_UNSPECIFIED, 'a', "t.jsonl")};
  EXPECT_THAT(RequestDigest(Spec(), bindings),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("has no role")));
}

TEST(Fingerprint, Golden) {
  EXPECT_THAT(Fingerprint(*RequestDigest(Spec(), Bindings()), Numerics()),
              IsOkAndHolds("7d0cbad77f09c3e186cd77f08cb618d3b1e5958035cd8fe0453df77984249b76"));
}

TEST(Fingerprint, EveryFieldOfTheNumericsClassCounts) {
  const std::string request(64, '0');
  const std::string base = *Fingerprint(request, Numerics());
  const auto changed = [&](auto change) {
    v1::NumericsClass numerics = Numerics();
    change(numerics);
    EXPECT_NE(NumericsLine(numerics), NumericsLine(Numerics()));
    return *Fingerprint(request, numerics);
  };
  EXPECT_NE(changed([](auto& n) { n.set_backend("reference"); }), base);
  EXPECT_NE(changed([](auto& n) { n.set_numerics_version(2); }), base);
  EXPECT_NE(changed([](auto& n) { n.set_isa("avx2"); }), base);
  EXPECT_NE(changed([](auto& n) { n.set_dtype("f32"); }), base);
  EXPECT_NE(changed([](auto& n) { n.set_threads(1); }), base);
  EXPECT_NE(changed([](auto& n) { n.set_l1d_bytes(1); }), base);
  EXPECT_NE(changed([](auto& n) { n.set_l2_bytes(1); }), base);
  EXPECT_NE(changed([](auto& n) { n.set_l3_bytes(1); }), base);
  EXPECT_EQ(NumericsLine(Numerics()),
            "backend=onednn version=1 isa=avx512_bf16 dtype=bf16 threads=2 l1d=49152 l2=2097152 "
            "l3=33554432");
}

TEST(Fingerprint, Errors) {
  EXPECT_THAT(Fingerprint("abc", Numerics()), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Fingerprint(std::string(64, '0'), v1::NumericsClass()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace shoal::spec
