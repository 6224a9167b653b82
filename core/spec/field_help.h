// What the schema says about its fields: for `--help` of a field, completion and the web form.
//
//   DescribeField("train.optimizer.lr") ->
//     train.optimizer.lr  number, default 1e-3, > 0 and <= 10
//     peak learning rate
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"

namespace shoal::spec {

struct FieldHelp {
  std::string path;  // "train.optimizer.lr"
  std::string type;  // "integer", "number", "text", "true or false", "list of text", "group"
  std::string default_value;  // as YAML text; empty for lists and groups
  std::string range;          // "> 0 and <= 10", "one of: all, response", or empty
  std::string unit;           // may be empty
  std::string help;           // one sentence
  bool identity = true;       // it counts for the fingerprint
};

// Describes a field of RunSpec. Errors: NOT_FOUND with the nearest names.
absl::StatusOr<FieldHelp> DescribeField(std::string_view path);
absl::StatusOr<FieldHelp> DescribeField(const google::protobuf::Descriptor& root,
                                        std::string_view path);

// Every scalar and list of RunSpec (or of `root`), in order of field numbers, depth first.
std::vector<FieldHelp> ListFields();
std::vector<FieldHelp> ListFields(const google::protobuf::Descriptor& root);

// A few lines for a terminal, as above.
std::string FormatFieldHelp(const FieldHelp& help);

}  // namespace shoal::spec
