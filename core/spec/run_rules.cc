#include "core/spec/run_rules.h"

#include <set>

#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/rules.h"
#include "core/spec/utf8.h"

namespace shoal::spec {
namespace {

constexpr size_t kMaxPromptBytes = 4096;
constexpr int64_t kMaxBatchRows = 1 << 22;  // tokens of one batch

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// Text that ends up in terminals, file names and tables.
void CheckLine(std::string_view path, const std::string& text, Rules& rules) {
  for (char c : text) {
    if (IsControl(c)) return rules.Add(path, "holds a control character");
  }
}

void CheckNames(const v1::RunSpec& spec, Rules& rules) {
  if (rules.Clean({"name"})) {
    if (auto what = NameProblem(spec.name()); !what.empty()) rules.Add("name", what);
  }
  if (rules.Clean({"experiment"})) {
    if (auto what = NameProblem(spec.experiment()); !what.empty()) rules.Add("experiment", what);
  }
  std::set<std::string> seen;
  for (int i = 0; i < spec.tags_size(); ++i) {
    const std::string path = StrCat("tags[", i, "]");
    if (!rules.Clean({path})) continue;
    if (auto what = TagProblem(spec.tags(i)); !what.empty()) {
      rules.Add(path, what);
    } else if (!seen.insert(spec.tags(i)).second) {
      rules.Add(path, StrCat("'", spec.tags(i), "' is given twice"));
    }
  }
}

bool EndsWith(const std::string& path, std::string_view suffix) {
  return path.size() >= suffix.size() &&
         std::string_view(path).substr(path.size() - suffix.size()) == suffix;
}

void CheckDataFile(std::string_view path, const std::string& file, Rules& rules) {
  CheckLine(path, file, rules);
  if (!file.empty() && !EndsWith(file, ".jsonl") && !EndsWith(file, ".txt")) {
    rules.Add(path, StrCat("must end with .jsonl or .txt, is '", file, "'"));
  }
}

void CheckData(const v1::RunSpec& spec, Rules& rules) {
  const v1::DataSpec& data = spec.data();
  if (!rules.Clean({"data.dataset", "data.persona", "data.train", "data.held_out"})) return;
  const bool dataset = !data.dataset().empty();
  const bool persona = !data.persona().empty();
  const bool train = !data.train().empty();
  if (dataset && persona && train) {
    rules.Add("data", "give one of dataset, persona and train, not all three");
  } else if (dataset + persona + train == 2) {
    rules.Add("data", StrCat("give either ", dataset ? "dataset" : "persona", " or ",
                             train ? "train" : "persona", ", not both"));
  } else if (!dataset && !persona && !train) {
    rules.Add("data",
              "needs a source: dataset (of the lab), persona (conversations are generated) or "
              "train (a .jsonl or .txt file), e.g. --set data.train=FILE");
  }
  if (!data.held_out().empty() && !train) {
    rules.Add("data.held_out", persona ? "a persona keeps its own share apart; leave held_out out"
                               : dataset
                                   ? "a data set has its own held-out part; leave held_out out"
                                   : "needs data.train beside it");
  }
  if (const std::string what = dataset ? NameProblem(data.dataset()) : ""; !what.empty()) {
    rules.Add("data.dataset", what);
  }
  CheckLine("data.persona", data.persona(), rules);
  CheckDataFile("data.train", data.train(), rules);
  CheckDataFile("data.held_out", data.held_out(), rules);
  CheckLine("tokenizer.path", spec.tokenizer().path(), rules);
  const bool plain_text = EndsWith(data.train(), ".txt");
  if (rules.Clean({"train.loss_on"}) && spec.train().loss_on() == "response" && plain_text) {
    rules.Add("train.loss_on",
              "response needs conversations (persona or .jsonl); data.train is "
              "plain text");
  }
  if (rules.Clean({"model.head"}) && spec.model().head() == "classifier" && plain_text) {
    rules.Add(
        "model.head",
        "classifier needs labelled texts (.jsonl of {text, label}); data.train is plain text");
  }
}

void CheckTrain(const v1::RunSpec& spec, Rules& rules) {
  const v1::TrainSpec& train = spec.train();
  if (rules.Clean({"train.schedule.final_lr", "train.optimizer.lr"}) &&
      train.schedule().final_lr() > train.optimizer().lr()) {
    rules.Add("train.schedule.final_lr",
              StrCat("must be <= train.optimizer.lr (", NumberText(train.optimizer().lr()),
                     "), is ", NumberText(train.schedule().final_lr())));
  }
  if (rules.Clean({"train.batch.size", "train.batch.unit", "model.max_seq"})) {
    const bool tokens = train.batch().unit() == "tokens";
    const int64_t rows =
        tokens ? train.batch().size() : train.batch().size() * spec.model().max_seq();
    if (tokens && train.batch().size() < spec.model().max_seq()) {
      rules.Add("train.batch.size",
                StrCat("must hold the longest example (model.max_seq: ", spec.model().max_seq(),
                       " tokens), is ", train.batch().size()));
    } else if (rows > kMaxBatchRows) {
      rules.Add("train.batch.size",
                StrCat("makes batches of up to ", rows, " tokens; at most ", kMaxBatchRows));
    }
  }
}

// What a head can learn, and how.
void CheckObjective(const v1::RunSpec& spec, Rules& rules) {
  const v1::TrainSpec& train = spec.train();
  const std::string& head = spec.model().head();
  const bool lm = head == "lm";
  if (rules.Clean({"model.head", "train.loss_on"}) && !lm && train.loss_on() == "response") {
    rules.Add("train.loss_on",
              StrCat("response is for head lm, which learns the next token; model.head is ", head));
  }
  if (rules.Clean({"model.head", "samples.prompts"}) && !lm && spec.samples().prompts_size() > 0) {
    rules.Add("samples.prompts",
              StrCat("only head lm answers prompts; model.head is ", head, ", so leave them out"));
  }
}

void CheckDistill(const v1::DistillSpec& d, Rules& rules) {
  // A weight or temperature that somebody chose; the defaults alone ask for nothing.
  const bool asked = d.weight() != 0.5 || d.temperature() != 1 || d.combine() != "probabilities";
  if (rules.Clean({"train.distill.teachers", "train.distill.weight", "train.distill.temperature",
                   "train.distill.combine"}) &&
      asked && d.teachers_size() == 0) {
    rules.Add(
        "train.distill.teachers",
        "must name the finished runs to learn from, e.g. [tiny.2]; or leave train.distill out");
  }
  std::set<std::string> seen;
  for (int i = 0; i < d.teachers_size(); ++i) {
    const std::string path = StrCat("train.distill.teachers[", i, "]");
    if (!rules.Clean({path})) continue;
    CheckLine(path, d.teachers(i), rules);
    if (d.teachers(i).empty()) {
      rules.Add(path, "is empty");
    } else if (!seen.insert(d.teachers(i)).second) {
      rules.Add(path, StrCat("'", d.teachers(i), "' is given twice"));
    }
  }
}

void CheckResources(const v1::RunSpec& spec, Rules& rules) {
  const v1::ResourceSpec& resources = spec.resources();
  if (rules.Clean({"resources.threads", "resources.slots"}) &&
      resources.threads() > resources.slots()) {
    rules.Add("resources.threads",
              StrCat("must be <= resources.slots (", resources.slots(), "), is ",
                     resources.threads(), "; leave one of them out and it follows the other"));
  }
}

void CheckSamples(const v1::RunSpec& spec, Rules& rules) {
  for (int i = 0; i < spec.samples().prompts_size(); ++i) {
    const std::string path = StrCat("samples.prompts[", i, "]");
    const std::string& prompt = spec.samples().prompts(i);
    if (!rules.Clean({path})) continue;
    if (prompt.empty()) rules.Add(path, "is empty");
    if (prompt.size() > kMaxPromptBytes) {
      rules.Add(path, StrCat("must have at most ", kMaxPromptBytes, " bytes, has ", prompt.size()));
    }
  }
}

}  // namespace

std::string NameProblem(std::string_view name) {
  if (name.empty()) return "must not be empty";
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter || (c >= '0' && c <= '9') || c == '_') continue;
    if ((c == '-' || c == '.') && i > 0) continue;
    return StrCat(
        "may hold letters, digits, '-', '_' and '.', and begins with a letter, digit or "
        "'_'; is '",
        name.substr(0, ValidUtf8Prefix(name.substr(0, 80))), "'");
  }
  return "";
}

std::string TagProblem(std::string_view tag) {
  if (tag.empty()) return "must not be empty";
  if (tag.size() > 64) return StrCat("must have at most 64 bytes, has ", tag.size());
  for (char c : tag) {
    if (c == ',') return "must not hold a comma; several are a list: tags=[a,b]";
    if (IsControl(c)) return "must not hold control characters";
  }
  return "";
}

void CheckRunRules(const v1::RunSpec& spec, const Positions* positions, Violations& violations) {
  Rules rules(positions, violations);
  CheckNames(spec, rules);
  CheckModelRules(spec, rules);
  CheckData(spec, rules);
  CheckTrain(spec, rules);
  CheckObjective(spec, rules);
  CheckDistill(spec.train().distill(), rules);
  CheckResources(spec, rules);
  CheckSamples(spec, rules);
}

absl::StatusOr<int64_t> ResolveVocabSize(const v1::ModelSpec& model, int64_t tokenizer_size) {
  if (tokenizer_size < 1) {
    return absl::InvalidArgumentError(StrCat("a tokenizer of ", tokenizer_size, " entries"));
  }
  if (model.vocab_size() == 0) return tokenizer_size;
  if (model.vocab_size() < tokenizer_size) {
    return absl::InvalidArgumentError(
        StrCat("model.vocab_size: must be 0 or at least the tokenizer's size (", tokenizer_size,
               "), is ", model.vocab_size()));
  }
  return model.vocab_size();
}

}  // namespace shoal::spec
