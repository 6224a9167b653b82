// The only place that touches yaml-cpp: YAML text -> a plain tree with positions. yaml-cpp's
// exceptions end here. Anchors, aliases, explicit tags, repeated keys, keys that are not plain
// text, several documents, control characters, bytes that are not UTF-8, nesting deeper than
// kMaxSpecDepth and texts larger than kMaxSpecBytes are refused.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/spec/violations.h"

namespace shoal::spec {

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap, kRefused };  // kRefused: told among the violations
  struct Entry;

  Kind kind = Kind::kNull;
  int line = 0;  // from 1
  int column = 0;
  std::string text;     // of a scalar
  bool quoted = false;  // the scalar was written in quotes: it is text, whatever it looks like
  std::vector<YamlNode> items;  // of a list
  std::vector<Entry> entries;   // of a map, in the order of the file
};

struct YamlNode::Entry {
  std::string key;
  int line = 0;
  int column = 0;
  YamlNode value;
};

// Adds every violation found, each "file:line:column: what". The tree holds what was not refused,
// so that a reader can go on and tell what is wrong with the rest; an empty text and a text that is
// no YAML at all are kNull.
YamlNode ParseYamlTree(std::string_view text, std::string_view file_name, Violations& violations);

}  // namespace shoal::spec
