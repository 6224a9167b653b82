// Random specs and broken bytes: what holds for all of them.
#include <string>

#include "core/base/file.h"
#include "core/base/random.h"
#include "core/spec/fields.h"
#include "core/spec/print.h"
#include "core/spec/search_space.h"
#include "core/spec/spec.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

using google::protobuf::util::MessageDifferencer;

// Text with everything that quoting must survive.
std::string RandomText(Random& random, size_t longest) {
  static constexpr std::string_view kPieces[] = {"a",
                                                 "Z",
                                                 "0",
                                                 " ",
                                                 "  ",
                                                 "\"",
                                                 "\\",
                                                 "'",
                                                 ":",
                                                 ": ",
                                                 "#",
                                                 " #",
                                                 "-",
                                                 "- ",
                                                 "{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ",",
                                                 "&",
                                                 "*",
                                                 "!",
                                                 "|",
                                                 ">",
                                                 "%",
                                                 "@",
                                                 "`",
                                                 "\n",
                                                 "\t",
                                                 "\r",
                                                 "\x7F",
                                                 "\xC2\x85",
                                                 "\xE2\x80\xA8",
                                                 "\xEF\xBB\xBF",
                                                 "\xF0\x9F\x90\x9F",
                                                 "\xC3\xA9",
                                                 "null",
                                                 "~",
                                                 "true",
                                                 "\x01",
                                                 "<<",
                                                 "?",
                                                 "...",
                                                 "---"};
  std::string text;
  for (uint64_t n = random.Below(8); n > 0; --n) {
    const std::string_view piece = kPieces[random.Below(std::size(kPieces))];
    if (text.size() + piece.size() <= longest) text.append(piece);
  }
  return text;
}

// A legal value of a scalar field, as text.
std::string RandomValue(const FieldDescriptor& field, Random& random) {
  const v1::FieldRule& rule = RuleOf(field);
  if (rule.one_of_size() > 0) {
    return rule.one_of(static_cast<int>(random.Below(static_cast<uint64_t>(rule.one_of_size()))));
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return RandomText(random, rule.has_max() ? static_cast<size_t>(rule.max()) : 4096);
    case FieldDescriptor::CPPTYPE_BOOL:
      return random.Below(2) == 0 ? "false" : "true";
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double low = rule.has_min() ? rule.min() : -1e9;
      const double high = rule.has_max() ? rule.max() : 1e9;
      return NumberText(low + (high - low) * (1 - random.UniformDouble()));
    }
    default: {
      const auto low = static_cast<uint64_t>(rule.has_min() ? rule.min() : 0);
      const auto high = static_cast<uint64_t>(rule.max());
      return std::to_string(low + random.Below(high - low + 1));
    }
  }
}

void FillRandomly(Message& message, Random& random) {
  const auto* reflection = message.GetReflection();
  for (const FieldDescriptor* field : FieldsByNumber(*message.GetDescriptor())) {
    if (random.Below(3) == 0) continue;
    if (field->message_type() != nullptr) {
      FillRandomly(*reflection->MutableMessage(&message, field), random);
      continue;
    }
    // Sometimes the default, written out.
    const bool published = !field->is_repeated() && random.Below(4) == 0;
    uint64_t times = field->is_repeated() ? random.Below(4) : 1;
    for (; times > 0; --times) {
      const std::string value =
          published ? RuleOf(*field).default_value() : RandomValue(*field, random);
      const auto problem = SetScalar(message, *field, value, false);
      ASSERT_FALSE(problem.has_value()) << field->full_name() << ": " << *problem;
    }
  }
}

// What identity keeps of a message: without defaults, without fields that do not count.
void KeepIdentity(Message& message) {
  const auto* reflection = message.GetReflection();
  for (const FieldDescriptor* field : FieldsByNumber(*message.GetDescriptor())) {
    if (RuleOf(*field).not_identity() || IsDefault(message, *field)) {
      reflection->ClearField(&message, field);
    } else if (field->message_type() != nullptr && !field->is_repeated()) {
      Message* group = reflection->MutableMessage(&message, field);
      KeepIdentity(*group);
      if (group->ByteSizeLong() == 0) reflection->ClearField(&message, field);
    }
  }
}

TEST(Property, EveryPathThroughTextIsTheIdentity) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed, PurposeOf(Purpose::kTest));
    v1::RunSpec spec;
    FillRandomly(spec, random);
    if (HasFatalFailure()) return;

    v1::RunSpec from_yaml, from_json;
    ASSERT_OK(ReadYaml(ToYaml(spec), "p.yaml", from_yaml)) << ToYaml(spec);
    ASSERT_OK(ReadYaml(ToJson(spec), "p.json", from_json)) << ToJson(spec);
    // An empty group is printed as {} and read back; an empty list is not printed, nor set.
    ASSERT_TRUE(MessageDifferencer::Equals(spec, from_yaml)) << ToYaml(spec);
    ASSERT_TRUE(MessageDifferencer::Equals(spec, from_json)) << ToJson(spec);

    ASSERT_OK_AND_ASSIGN(const std::string canonical, CanonicalJson(spec));
    v1::RunSpec from_canonical, identity = spec;
    ASSERT_OK(ReadCanonicalJson(canonical, from_canonical)) << canonical;
    KeepIdentity(identity);
    ASSERT_TRUE(MessageDifferencer::Equals(identity, from_canonical)) << canonical;

    v1::RunSpec complete = spec;
    FillDefaults(complete);
    ASSERT_EQ(*CanonicalJson(complete), canonical);
    ASSERT_EQ(*CanonicalJson(from_canonical), canonical);
    Validate(spec).IgnoreError();  // any answer, no crash
  }
}

// Reads, and uses what was read; whatever the bytes, there is an answer.
void Digest(const std::string& yaml) {
  auto file = ParseSpecText(yaml, "mutated.yaml");
  if (!file.ok()) {
    EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(file.status().message().empty());
    return;
  }
  if (file->is_sweep) {
    ExpandSweep(file->sweep, &file->positions).status().IgnoreError();
  } else {
    Validate(file->run, &file->positions).IgnoreError();
  }
}

TEST(Property, MutatedYamlNeverCrashes) {
  RealFileSystem files;
  for (const char* name : {"tiny", "guppy", "quickstart"}) {
    ASSERT_OK_AND_ASSIGN(const std::string text,
                         files.ReadFile(SourcePath(std::string("recipes/") + name + ".yaml")));
    for (uint64_t seed = 0; seed < 1500; ++seed) {
      Random random(seed, PurposeOf(Purpose::kTest, 1));
      std::string mutated = text;
      for (uint64_t n = 1 + random.Below(6); n > 0; --n) {
        static constexpr std::string_view kBytes = "{}[]:,-&*!|>'\"%@`#? \n\t~<0.e\\\0\xff\xc3";
        const size_t at = random.Below(mutated.size());
        switch (random.Below(4)) {
          case 0:
            mutated[at] = kBytes[random.Below(kBytes.size())];
            break;
          case 1:
            mutated.insert(at, 1, kBytes[random.Below(kBytes.size())]);
            break;
          case 2:
            mutated.erase(at, 1 + random.Below(8));
            break;
          default:
            mutated.insert(at, mutated.substr(random.Below(mutated.size()), 20));
            break;
        }
        if (mutated.empty()) mutated = " ";
      }
      Digest(mutated);
    }
  }
}

TEST(Property, RandomTokensNeverCrash) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed, PurposeOf(Purpose::kTest, 2));
    std::string text;
    for (uint64_t n = random.Below(40); n > 0; --n) {
      static constexpr std::string_view kTokens[] = {
          "model",  ": ", "\n",   "  ",          "n_layers", "4",      "- ",    "[",    "]",
          "{",      "}",  ", ",   "&a ",         "*a",       "!!str ", "? ",    "|\n",  ">-\n",
          "'",      "\"", "#",    "%YAML 1.2\n", "---\n",    "...\n",  "<<",    "base", "space",
          "values", "\t", "\r\n", "variants",    "set",      "\\x",    "\\u12", "@",    "`"};
      text.append(kTokens[random.Below(std::size(kTokens))]);
    }
    Digest(text);
  }
}

TEST(Property, HostileSizesEnd) {
  Digest(std::string(1 << 20, '['));
  Digest(std::string(1 << 20, '-'));
  Digest(std::string(1 << 19, '?'));
  std::string keys, laughs = "a: &a [x, x, x]\n";
  for (int i = 0; i < 50000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  Digest(keys);
  for (char c = 'b'; c <= 'z'; ++c) {
    laughs += {c,   ':', ' ',
               '&', c,   ' ',
               '[', '*', static_cast<char>(c - 1),
               ',', '*', static_cast<char>(c - 1),
               ']', '\n'};
  }
  Digest(laughs);
}

}  // namespace
}  // namespace shoal::spec
