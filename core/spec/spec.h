// Specs: what a user asks for, read from YAML and `--set`, completed, checked and printed.
//
// The proto messages with their FieldRule options (proto/shoal/v1/field_options.proto) are the only
// schema; everything here is one walk over their descriptors. The life of a spec:
//
//   SHOAL_ASSIGN_OR_RETURN(SpecFile file, ParseSpecFile("recipes/tiny.yaml"));
//   SHOAL_RETURN_IF_ERROR(ApplySet(file, "model.n_layers=4"));
//   FillDefaults(file.run);                                    // complete: every field has a value
//   SHOAL_RETURN_IF_ERROR(Validate(file.run, &file.positions));
//
// Every error is INVALID_ARGUMENT and lists *all* violations, one a line, each
//   <file>:<line>:<column>: <path>: <what is wrong>      where it was read from a file
//   --set: <path>: <what is wrong>                       where it was set by hand
//   <path>: <what is wrong>                              where it came as a message
// All functions are pure and thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

// Where each given field was written: path -> "tiny.yaml:3:5" or "--set".
using Positions = std::map<std::string, std::string, std::less<>>;

// What a recipe file holds: a run at top level, or a sweep (it has `base`, `space` or `variants`).
struct SpecFile {
  bool is_sweep = false;
  v1::RunSpec run;      // as written, defaults not filled in; empty for a sweep
  v1::SweepSpec sweep;  // as written; empty for a run
  Positions positions;
};

// Limits that keep a hostile file from costing anything.
inline constexpr size_t kMaxSpecBytes = 1 << 20;
inline constexpr int kMaxSpecDepth = 32;

// Reads a YAML (or JSON) file. Strict: unknown and repeated keys, wrong types, values out of range,
// anchors, aliases, tags and more than one document are violations.
// Errors: also NOT_FOUND, PERMISSION_DENIED.
absl::StatusOr<SpecFile> ParseSpecFile(const std::string& path);
// The same over text in memory; `file_name` stands in the positions.
absl::StatusOr<SpecFile> ParseSpecText(std::string_view yaml, std::string_view file_name);

// Reads YAML into any message that has field rules. `positions` may be null; what was read before a
// violation stays in `message`.
absl::Status ReadYaml(std::string_view yaml, std::string_view file_name,
                      google::protobuf::Message& message, Positions* positions = nullptr);

// Applies "model.n_layers=4": the same types, ranges and messages as in a file. A list is set with
// "samples.prompts=[hi, bye]". Text fields take everything after the '=' as it stands.
absl::Status ApplySet(google::protobuf::Message& message, std::string_view assignment,
                      Positions* positions = nullptr);
// The same for what a file held; a sweep's base is meant.
absl::Status ApplySet(SpecFile& file, std::string_view assignment);

// Gives every scalar that is not set its published default, at any depth. Lists and maps stay. Of
// resources.slots and resources.threads, the one that is not given becomes the other.
void FillDefaults(google::protobuf::Message& message);

// Checks types' ranges and the rules that tie fields together, after defaults. `spec` need not be
// complete: missing fields count with their defaults. `positions` (may be null) says where fields
// were written.
absl::Status Validate(const v1::RunSpec& spec, const Positions* positions = nullptr);
// Checks the base, the space and the variants, and every run they make (search_space.h).
absl::Status Validate(const v1::SweepSpec& spec, const Positions* positions = nullptr);

// Rows of the token embedding when the tokenizer has `tokenizer_size` entries: model.vocab_size, or
// the tokenizer's size when that is 0. Errors: INVALID_ARGUMENT when the tokenizer does not fit.
absl::StatusOr<int64_t> ResolveVocabSize(const v1::ModelSpec& model, int64_t tokenizer_size);

}  // namespace shoal::spec
