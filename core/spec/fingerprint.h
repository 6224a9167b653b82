// Identity of results. Equal fingerprints mean equal results, bit for bit.
//
//   request digest = SHA-256 of the canonical spec and the data's digests: known when submitted
//   fingerprint    = SHA-256 of the request digest and the numerics class: known at the first lease
//
// Both are stable across releases; tests hold literal digests. Thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shoal/v1/artifact.pb.h"
#include "shoal/v1/job.pb.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

// 64 lower-case hex digits of the SHA-256 of this text, bindings sorted by role and digest:
//   shoal request 1\n<canonical JSON>\n  then per binding  <role> <sha256> <extension>\n
// e.g. "TRAIN 9f86d0... .jsonl"; the extension of file_name in lower case ("-" without one) tells
// how the bytes are read. `spec` may be complete or not. Names, notes, placement, paths and the
// bindings' order do not count.
// Errors: INVALID_ARGUMENT (spec not UTF-8, a binding without role or with a malformed digest).
absl::StatusOr<std::string> RequestDigest(const v1::RunSpec& spec,
                                          std::span<const v1::DataBinding> bindings);
// The same for the repeated field of a message.
absl::StatusOr<std::string> RequestDigest(
    const v1::RunSpec& spec, const google::protobuf::RepeatedPtrField<v1::DataBinding>& bindings);

// 64 lower-case hex digits of the SHA-256 of
//   shoal fingerprint 1\n<request digest>\n<canonical numerics class>\n
// Errors: INVALID_ARGUMENT (malformed digest, a numerics class without backend or dtype).
absl::StatusOr<std::string> Fingerprint(std::string_view request_digest,
                                        const v1::NumericsClass& numerics);

// Whether a run that was computed with `computed` in the class `numerics` may stand for one of the
// same request digest that asks for `asked`: the backend fits ("auto": any that really computes),
// and the threads and the backend's options are the same.
bool MayStandFor(const v1::NumericsClass& numerics, const v1::ResourceSpec& computed,
                 const v1::ResourceSpec& asked);

// One line that names a numerics class and nothing else: equal lines mean equal classes.
//   backend=onednn version=1 isa=avx512_bf16 dtype=bf16 threads=1 l1d=49152 l2=2097152 l3=335544320
std::string NumericsLine(const v1::NumericsClass& numerics);
// The same for a sentence, without the sizes of the caches: "onednn v1 avx512_bf16 bf16 1 thread".
std::string NumericsName(const v1::NumericsClass& numerics);

}  // namespace shoal::spec
