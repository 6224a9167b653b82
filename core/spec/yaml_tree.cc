#include "core/spec/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "core/base/strings.h"
#include "core/spec/spec.h"
#include "core/spec/utf8.h"
#include "core/spec/violations.h"

namespace shoal::spec {
namespace {

constexpr size_t kMaxViolations = 1000;

// After what the parser says.
constexpr char kRemedy[] =
    "; indent with spaces, and put text that holds ':', '#' or brackets in quotes";

// Text from a command line has no lines worth naming.
std::string PositionText(std::string_view file, int line, int column) {
  if (file.substr(0, 2) == "--") return std::string(file);
  return StrCat(file, ":", line, ":", column);
}

// Builds the tree from yaml-cpp's events. What is refused is left out of the tree, and the parser
// goes on, so that all violations are found.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view file, Violations& violations)
      : file_(file), violations_(violations) {}

  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckProperties(mark, "", anchor);
    Attach(MakeNode(mark, YamlNode::Kind::kNull));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases (*name) are not allowed; write the value out");
    Attach(MakeNode(mark, YamlNode::Kind::kRefused));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckProperties(mark, tag, anchor);
    YamlNode node = MakeNode(mark, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!";  // yaml-cpp's mark of a scalar in quotes; "?" is a plain one
    Attach(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckProperties(mark, tag, anchor);
    Open(mark, YamlNode::Kind::kList);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckProperties(mark, tag, anchor);
    Open(mark, YamlNode::Kind::kMap);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  // A container being filled. In a map keys and values take turns.
  struct Frame {
    YamlNode node;
    bool has_key = false;
    bool drop_value = false;  // its key was refused
    std::unordered_map<std::string, int> key_lines;
  };

  void Refuse(const YAML::Mark& mark, std::string_view what) {
    RefuseAt(mark.line + 1, mark.column + 1, what);
  }
  void RefuseAt(int line, int column, std::string_view what) {
    if (violations_.lines().size() >= kMaxViolations) return;
    violations_.Add(PositionText(file_, line, column), "", what);
  }

  void CheckProperties(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) Refuse(mark, "anchors (&name) are not allowed; write the value out");
    if (tag.empty() || tag == "?" || tag == "!") return;
    Refuse(mark, StrCat("the tag '", tag, "' is not allowed; the field says the type"));
  }

  static YamlNode MakeNode(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void Open(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (stack_.size() >= static_cast<size_t>(kMaxSpecDepth)) {
      if (ignored_ == 0) Refuse(mark, StrCat("nested deeper than ", kMaxSpecDepth, " levels"));
      ++ignored_;
      return;
    }
    stack_.emplace_back().node = MakeNode(mark, kind);
  }

  void Close() {
    if (ignored_ > 0) {
      if (--ignored_ > 0) return;
      YamlNode refused;
      refused.kind = YamlNode::Kind::kRefused;
      Attach(std::move(refused));
      return;
    }
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    Attach(std::move(node));
  }

  void Attach(YamlNode node) {
    if (ignored_ > 0) return;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == YamlNode::Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      frame.has_key = true;
      TakeKey(frame, std::move(node));
    } else {
      frame.has_key = false;
      if (!frame.drop_value) frame.node.entries.back().value = std::move(node);
    }
  }

  void TakeKey(Frame& frame, YamlNode key) {
    frame.drop_value = true;
    if (key.kind == YamlNode::Kind::kRefused) return;
    if (key.kind != YamlNode::Kind::kScalar) {
      RefuseAt(key.line, key.column, "a key must be the name of a field");
      return;
    }
    const auto [first, is_new] = frame.key_lines.emplace(key.text, key.line);
    if (!is_new) {
      RefuseAt(
          key.line, key.column,
          StrCat("'", key.text, "' is given twice; first in line ", first->second, ": keep one"));
      return;
    }
    frame.drop_value = false;
    frame.node.entries.push_back(
        {.key = std::move(key.text), .line = key.line, .column = key.column, .value = {}});
  }

  const std::string file_;
  Violations& violations_;
  std::vector<Frame> stack_;
  YamlNode root_;
  int64_t ignored_ = 0;  // open containers below the deepest level that is kept
};

// What yaml-cpp would misread or read in surprising ways. Returns false when parsing is pointless.
bool CheckBytes(std::string_view text, std::string_view file, Violations& violations) {
  if (text.size() > kMaxSpecBytes) {
    violations.Add(file, "",
                   StrCat("is ", text.size(), " bytes; a spec has at most ", kMaxSpecBytes));
    return false;
  }
  const size_t valid = ValidUtf8Prefix(text);
  const auto control = std::find_if(text.begin(), text.begin() + valid, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
  });
  const size_t at = static_cast<size_t>(control - text.begin());
  if (at == text.size()) return true;
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n');  // npos + 1 is 0
  violations.Add(PositionText(file, static_cast<int>(line), static_cast<int>(at - line_start)), "",
                 at < valid ? "a control character; only tabs and line ends may stand in a spec"
                            : "bytes that are not UTF-8");
  return false;
}

YamlNode Parse(std::string_view text, std::string_view file, Violations& violations) {
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(file, violations);
    if (!parser.HandleNextDocument(builder)) return {};
    TreeBuilder second(file, violations);
    if (parser.HandleNextDocument(second)) {
      const YamlNode root = second.TakeRoot();
      violations.Add(PositionText(file, root.line, root.column), "",
                     "a second document begins; a file holds one spec");
    }
    return builder.TakeRoot();
  } catch (const YAML::Exception& error) {
    violations.Add(PositionText(file, error.mark.line + 1, error.mark.column + 1), "",
                   StrCat("is not YAML: ", error.msg, kRemedy));
  } catch (const std::exception& error) {
    violations.Add(file, "", StrCat("is not YAML: ", error.what(), kRemedy));
  }
  return {};
}

}  // namespace

YamlNode ParseYamlTree(std::string_view text, std::string_view file_name, Violations& violations) {
  if (!CheckBytes(text, file_name, violations)) return {};
  return Parse(text, file_name, violations);
}

}  // namespace shoal::spec
