// What a job computes with: resolves a spec's `auto` choices against what a worker has. Pure;
// thread-safe.
#pragma once

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"
#include "shoal/v1/job.pb.h"
#include "shoal/v1/run.pb.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

using Backends = google::protobuf::RepeatedPtrField<v1::BackendInfo>;

// The backend that `name` asks for among `backends`; "auto" is the first available of cuda, onednn,
// reference; "check:NAME" is NAME's entry. Errors: Unavailable, saying why it cannot be used.
absl::StatusOr<v1::BackendInfo> ChooseBackend(const std::string& name, const Backends& backends);

// The class that a job's first attempt fixes. dtype auto is bf16 where the backend is built for it,
// else f32. Errors: as ChooseBackend.
absl::StatusOr<v1::NumericsClass> ResolveNumerics(const v1::RunSpec& spec, const Backends& backends,
                                                  const v1::HostInfo& host);

// Whether this worker computes in exactly that class. Errors: FailedPrecondition naming the first
// difference.
absl::Status CheckNumerics(const v1::NumericsClass& wanted, const Backends& backends,
                           const v1::HostInfo& host);

}  // namespace shoal::spec
