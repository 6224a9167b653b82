// A small strict reader of XML, for tests that what is written is well-formed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shoal {

struct XmlNode {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  // of its own, entities resolved
  std::vector<XmlNode> children;

  std::string Attribute(std::string_view wanted) const;
  // All descendants of that name, itself included, in their order.
  std::vector<const XmlNode*> All(std::string_view wanted) const;
  std::string AllText() const;
};

// The root of a document of elements and text, after an optional <!DOCTYPE html>. Returns what is
// wrong, with its place, or "".
std::string ParseXml(std::string_view text, XmlNode& root);

}  // namespace shoal
