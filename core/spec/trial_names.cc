#include "core/spec/trial_names.h"

#include "core/base/strings.h"
#include "core/spec/search_space.h"

namespace shoal::spec {
namespace {

constexpr size_t kMaxNameBytes = 64;

struct Tag {
  std::string_view path, tag;
};
constexpr Tag kTags[] = {
    {"model.n_layers", "L"},       {"model.d_model", "d"},
    {"model.n_heads", "h"},        {"model.d_ff", "ff"},
    {"model.max_seq", "ctx"},      {"model.vocab_size", "v"},
    {"tokenizer.vocab_size", "v"}, {"seed", "s"},
    {"train.optimizer.lr", "lr"},  {"train.batch.size", "b"},
    {"train.steps", "t"},
};

std::string CleanName(std::string_view text) {
  std::string name;
  for (char c : text) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
    name.push_back(kept ? c : '_');
  }
  return name;
}

}  // namespace

std::string ShortTag(std::string_view path, std::string_view value) {
  for (const Tag& tag : kTags) {
    if (tag.path == path) return CleanName(StrCat(tag.tag, value));
  }
  const std::string_view last = path.substr(path.find_last_of('.') + 1);
  const bool number = !value.empty() && (value[0] == '-' || (value[0] >= '0' && value[0] <= '9'));
  return CleanName(StrCat(last, number ? "" : "_", value));
}

TrialNamer::TrialNamer(const v1::SweepSpec& sweep)
    : base_(CleanName(sweep.base().has_name() ? sweep.base().name()
                      : sweep.has_name()      ? sweep.name()
                                              : "sweep")) {}

std::string TrialNamer::Name(int32_t index, const Setting& setting, int32_t repeat) {
  std::string name = base_;
  for (const Choice& choice : setting) {
    if (choice.constant) continue;
    if (!choice.name.empty()) {
      StrAppend(name, "-", choice.name);
      continue;
    }
    for (const Override& o : choice.overrides) StrAppend(name, "-", ShortTag(o.path, o.value));
  }
  if (repeat > 0) StrAppend(name, "-s", repeat);
  if (name.size() <= kMaxNameBytes && used_.insert(name).second) return name;
  const std::string number = StrCat("-t", index);
  name = name.substr(0, kMaxNameBytes - number.size()) + number;
  while (!used_.insert(name).second) name.append("x");
  return name;
}

}  // namespace shoal::spec
