// A run's spec as a flat list of (path, value): what runs are told apart by.
//
//   model.n_layers         4
//   train.optimizer.lr     0.001
//   samples.prompts        ["Hello!"]
//   data.train.sha256      9f86d0...        (of the files it was bound to)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shoal/v1/run.pb.h"

namespace shoal::analysis {

struct FlatField {
  std::string path;
  std::string text;       // the shortest text that reads back; a list as JSON; a digest in full
  bool is_text = false;   // JSON needs quotes around it
  bool identity = false;  // counts for what a run computes
  std::string shown;      // for people; text, or for a digest what names it
};

// Every field in the order of the schema, defaults filled in, then the digests of its data. Paths
// occur once.
std::vector<FlatField> Flatten(const v1::RunSpec& spec,
                               const google::protobuf::RepeatedPtrField<v1::DataBinding>& bindings);

// "data.train.sha256" and its like: a digest that Flatten adds.
bool IsDigestPath(std::string_view path);
// What people call it: the text that is trained on is "data", other data "data.held_out" and the
// like, without the ".sha256"; other paths as they are.
std::string SpokenPath(std::string_view path);

}  // namespace shoal::analysis
