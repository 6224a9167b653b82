// Reads a persona file. Every function adds what is wrong to the violations and goes on.
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <initializer_list>
#include <set>

#include "core/base/strings.h"
#include "core/data/persona/persona_grammar.h"

namespace shoal::data {
namespace {

constexpr size_t kMaxFileBytes = size_t{4} << 20;
constexpr size_t kMaxBlanks = 2000;

FilePlace PlaceOf(const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  return {mark.line + 1, mark.column + 1};
}

class Reader {
 public:
  Reader(Persona::Grammar& grammar, Violations& violations)
      : grammar_(grammar), violations_(violations) {}

  void ReadFile(const YAML::Node& root) {
    if (!CheckKeys(root, "a persona",
                   {"format", "name", "about", "prompt_style", "starters", "endings", "blanks",
                    "topics"})) {
      return;
    }
    if (const int64_t format = Integer(root["format"], root, "format", 0, 1'000'000); format != 1) {
      violations_.Add(PlaceOf(root["format"] ? root["format"] : root),
                      StrCat("format is ", format, ", expected `format: 1`"));
    }
    grammar_.name = Text(root["name"], root, "name");
    if (root["about"]) grammar_.about = Text(root["about"], root, "about");
    ReadStyle(root["prompt_style"]);
    ReadOptionalLines(root["starters"], "starters", grammar_.starters);
    ReadOptionalLines(root["endings"], "endings", grammar_.endings);
    if (root["blanks"]) ReadBlanks(root["blanks"], -1, grammar_.blank_by_name);
    const YAML::Node topics = root["topics"];
    if (!topics || !topics.IsSequence() || topics.size() == 0) {
      violations_.Add(PlaceOf(topics ? topics : root), "topics: expected a list of topics");
      return;
    }
    for (const YAML::Node& topic : topics) ReadTopic(topic);
  }

 private:
  // False when the node is not a map. Unknown and repeated keys are violations.
  bool CheckKeys(const YAML::Node& node, std::string_view what,
                 std::initializer_list<std::string_view> known) {
    if (!node.IsMap()) {
      violations_.Add(PlaceOf(node), StrCat("expected ", what, " with ", StrJoin(known, ", ")));
      return false;
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "(not text)";
      if (known.size() > 0 && std::find(known.begin(), known.end(), key) == known.end()) {
        violations_.Add(PlaceOf(entry.first), StrCat("unknown key ", key, " in ", what,
                                                     "; known: ", StrJoin(known, ", ")));
      }
      if (!seen.insert(key).second) {
        violations_.Add(PlaceOf(entry.first), StrCat("key ", key, " occurs twice"));
      }
    }
    return true;
  }

  std::string Text(const YAML::Node& node, const YAML::Node& parent, std::string_view key) {
    if (node && node.IsScalar() && !node.Scalar().empty()) return node.Scalar();
    violations_.Add(PlaceOf(node ? node : parent), StrCat(key, ": expected text"));
    return "";
  }

  double Number(const YAML::Node& node, std::string_view key, double low, double high) {
    double value = 0;
    if (node.IsScalar() && YAML::convert<double>::decode(node, value) && std::isfinite(value) &&
        value >= low && value <= high) {
      return value;
    }
    violations_.Add(PlaceOf(node), StrCat(key, ": expected a number from ", low, " to ", high));
    return low;
  }

  int64_t Integer(const YAML::Node& node, const YAML::Node& parent, std::string_view key,
                  int64_t low, int64_t high) {
    int64_t value = 0;
    if (node && node.IsScalar() && YAML::convert<int64_t>::decode(node, value) && value >= low &&
        value <= high) {
      return value;
    }
    violations_.Add(PlaceOf(node ? node : parent),
                    StrCat(key, ": expected a whole number from ", low, " to ", high));
    return low;
  }

  void ReadStyle(const YAML::Node& node) {
    if (!node || !CheckKeys(node, "prompt_style", {"lower", "upper", "no_ending"})) return;
    PromptStyle& style = grammar_.style;
    if (node["lower"]) style.lower = Number(node["lower"], "lower", 0, 1);
    if (node["upper"]) style.upper = Number(node["upper"], "upper", 0, 1);
    if (node["no_ending"]) style.no_ending = Number(node["no_ending"], "no_ending", 0, 1);
    if (style.lower + style.upper > 1) {
      violations_.Add(PlaceOf(node), "lower and upper add up to more than 1");
    }
  }

  void ReadOptionalLines(const YAML::Node& node, std::string_view what, OptionalLines& out) {
    if (!node || !CheckKeys(node, what, {"chance", "lines"})) return;
    if (node["chance"]) out.chance = Number(node["chance"], "chance", 0, 1);
    ReadLines(node["lines"], node, StrCat(what, ".lines"), out.lines);
  }

  void ReadLines(const YAML::Node& node, const YAML::Node& parent, std::string_view what,
                 std::vector<Line>& out) {
    std::vector<Template> lines;
    ReadLines(node, parent, what, lines);
    for (Template& line : lines) out.push_back({.pieces = std::move(line), .needs = {}});
  }

  void ReadLines(const YAML::Node& node, const YAML::Node& parent, std::string_view what,
                 std::vector<Template>& out) {
    if (!node || !node.IsSequence() || node.size() == 0) {
      violations_.Add(PlaceOf(node ? node : parent), StrCat(what, ": expected a list of lines"));
      return;
    }
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) {
        violations_.Add(PlaceOf(item), StrCat(what,
                                              ": expected text; a line that begins with "
                                              "{ or [ needs quotes"));
        continue;
      }
      FilePlace place = PlaceOf(item);
      if (item.Tag() == "!") ++place.column;  // the opening quote
      out.push_back(ParseTemplate(item.Scalar(), place, violations_));
    }
  }

  void ReadBlanks(const YAML::Node& node, int32_t topic,
                  absl::flat_hash_map<std::string, int32_t>& names) {
    if (!CheckKeys(node, "blanks", {})) return;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) continue;
      if (grammar_.blanks.size() >= kMaxBlanks) {
        violations_.Add(PlaceOf(entry.first), StrCat("more than ", kMaxBlanks, " blanks"));
        return;
      }
      Blank blank;
      blank.name = entry.first.Scalar();
      blank.place = PlaceOf(entry.first);
      blank.topic = topic;
      if (entry.second.IsMap()) {
        ReadNumberBlank(entry.second, blank);
      } else {
        ReadLines(entry.second, entry.first, StrCat("blank ", blank.name), blank.fillers);
      }
      names.emplace(blank.name, static_cast<int32_t>(grammar_.blanks.size()));
      grammar_.blanks.push_back(std::move(blank));
    }
  }

  void ReadNumberBlank(const YAML::Node& node, Blank& blank) {
    if (!CheckKeys(node, "a number", {"from", "to"})) return;
    constexpr int64_t kMost = 1'000'000'000;
    blank.from = Integer(node["from"], node, "from", -kMost, kMost);
    blank.to = Integer(node["to"], node, "to", -kMost, kMost);
    if (blank.from > blank.to) violations_.Add(PlaceOf(node), "from is above to");
  }

  bool Flag(const YAML::Node& node, std::string_view key) {
    bool value = true;
    if (node && (!node.IsScalar() || !YAML::convert<bool>::decode(node, value))) {
      violations_.Add(PlaceOf(node), StrCat(key, ": expected true or false"));
    }
    return value;
  }

  void ReadTurn(const YAML::Node& node, Turn& turn) {
    ReadLines(node["prompts"], node, "prompts", turn.prompts);
    ReadLines(node["responses"], node, "responses", turn.responses);
  }

  void ReadFollowUps(const YAML::Node& node, FollowUps& out) {
    if (!CheckKeys(node, "follow_ups", {"chance", "most", "turns"})) return;
    if (node["chance"]) {
      out.chance = Number(node["chance"], "chance", 0, 1);
    } else {
      violations_.Add(PlaceOf(node), "follow_ups: chance is missing");
    }
    if (node["most"]) out.most = Integer(node["most"], node, "most", 1, 20);
    const YAML::Node turns = node["turns"];
    if (!turns || !turns.IsSequence() || turns.size() == 0) {
      violations_.Add(PlaceOf(turns ? turns : node), "follow_ups.turns: expected a list of turns");
      return;
    }
    for (const YAML::Node& item : turns) {
      if (!CheckKeys(item, "a follow-up", {"prompts", "responses"})) continue;
      ReadTurn(item, out.turns.emplace_back());
    }
  }

  void ReadTopic(const YAML::Node& node) {
    if (!CheckKeys(node, "a topic",
                   {"name", "weight", "starters", "endings", "blanks", "prompts", "responses",
                    "follow_ups"})) {
      return;
    }
    Topic topic;
    topic.name = Text(node["name"], node, "name");
    for (const Topic& other : grammar_.topics) {
      if (other.name == topic.name) {
        violations_.Add(PlaceOf(node), StrCat("topic ", topic.name, " occurs twice"));
      }
    }
    if (node["weight"]) topic.weight = Number(node["weight"], "weight", 1e-6, 1e6);
    topic.starters = Flag(node["starters"], "starters");
    topic.endings = Flag(node["endings"], "endings");
    if (node["blanks"]) {
      ReadBlanks(node["blanks"], static_cast<int32_t>(grammar_.topics.size()), topic.blanks);
    }
    ReadTurn(node, topic.first);
    if (node["follow_ups"]) ReadFollowUps(node["follow_ups"], topic.follow_ups);
    grammar_.total_weight += topic.weight;
    grammar_.topics.push_back(std::move(topic));
  }

  Persona::Grammar& grammar_;
  Violations& violations_;
};

}  // namespace

absl::StatusOr<Persona::Grammar> ParsePersona(std::string_view yaml, const std::string& file) {
  Violations violations(file);
  Persona::Grammar grammar;
  if (yaml.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        StrCat(file, ": is ", yaml.size(), " bytes; a persona has at most ", kMaxFileBytes));
  }
  try {  // the only place that sees yaml-cpp's exceptions
    const YAML::Node root = YAML::Load(std::string(yaml));
    Reader(grammar, violations).ReadFile(root);
  } catch (const YAML::Exception& error) {
    violations.Add({error.mark.line + 1, error.mark.column + 1}, error.msg);
  }
  if (violations.empty()) ResolveBlanks(grammar, violations);
  if (absl::Status status = violations.ToStatus(); !status.ok()) return status;
  return grammar;
}

}  // namespace shoal::data
