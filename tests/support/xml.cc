#include "tests/support/xml.h"

#include <cctype>
#include <set>

#include "core/base/strings.h"

namespace shoal {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::string Parse(XmlNode& root) {
    if (text_.starts_with("<!DOCTYPE html>")) at_ = 15;
    SkipSpace();
    if (!ParseElement(root)) return error_;
    SkipSpace();
    if (at_ != text_.size()) Fail("something after the root element");
    return error_;
  }

 private:
  bool Fail(const std::string& what) {
    if (error_.empty()) error_ = StrCat(what, " at byte ", at_, ": ", text_.substr(at_, 60));
    return false;
  }
  bool Eat(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return Fail(StrCat("expected ", expected));
    at_ += expected.size();
    return true;
  }
  void SkipSpace() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  std::string Name() {
    const size_t from = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '-' || text_[at_] == ':')) {
      ++at_;
    }
    return std::string(text_.substr(from, at_ - from));
  }
  bool Character(std::string& out) {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte < 0x20 && byte != '\n' && byte != '\t') return Fail("a control character");
    if (byte != '&') {
      out += text_[at_++];
      return true;
    }
    for (const auto& [entity, value] : {std::pair<std::string_view, char>{"&amp;", '&'},
                                        {"&lt;", '<'},
                                        {"&gt;", '>'},
                                        {"&quot;", '"'},
                                        {"&#39;", '\''}}) {
      if (!text_.substr(at_).starts_with(entity)) continue;
      at_ += entity.size();
      out += value;
      return true;
    }
    return Fail("an unknown entity");
  }
  bool ParseElement(XmlNode& node) {
    if (!Eat("<")) return false;
    node.name = Name();
    if (node.name.empty()) return Fail("no name");
    std::set<std::string> seen;
    for (SkipSpace(); at_ < text_.size() && text_[at_] != '>' && text_[at_] != '/'; SkipSpace()) {
      auto& [name, value] = node.attributes.emplace_back();
      name = Name();
      if (name.empty() || !seen.insert(name).second) return Fail("a bad attribute");
      if (!Eat("=\"")) return false;
      while (at_ < text_.size() && text_[at_] != '"') {
        if (text_[at_] == '<') return Fail("a < in an attribute");
        if (!Character(value)) return false;
      }
      if (!Eat("\"")) return false;
    }
    if (text_.substr(at_).starts_with("/>")) return Eat("/>");
    if (!Eat(">")) return false;
    while (true) {
      if (at_ >= text_.size()) return Fail(StrCat("<", node.name, "> is not closed"));
      if (text_.substr(at_).starts_with("</")) {
        at_ += 2;
        const std::string closed = Name();
        if (closed != node.name) return Fail(StrCat("</", closed, "> closes <", node.name, ">"));
        return Eat(">");
      }
      if (text_[at_] == '<') {
        if (!ParseElement(node.children.emplace_back())) return false;
      } else if (!Character(node.text)) {
        return false;
      }
    }
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

std::string XmlNode::Attribute(std::string_view wanted) const {
  for (const auto& [name_of, value] : attributes) {
    if (name_of == wanted) return value;
  }
  return "";
}

std::vector<const XmlNode*> XmlNode::All(std::string_view wanted) const {
  std::vector<const XmlNode*> found;
  if (name == wanted) found.push_back(this);
  for (const XmlNode& child : children) {
    for (const XmlNode* one : child.All(wanted)) found.push_back(one);
  }
  return found;
}

std::string XmlNode::AllText() const {
  std::string all = text;
  for (const XmlNode& child : children) all += child.AllText();
  return all;
}

std::string ParseXml(std::string_view text, XmlNode& root) { return Parser(text).Parse(root); }

}  // namespace shoal
