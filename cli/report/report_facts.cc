// What was asked for, and where it ran: spec, data, environment, answers, notes.
#include <algorithm>
#include <map>
#include <set>

#include "cli/analysis/grouping.h"
#include "cli/output/format.h"
#include "cli/report/html.h"
#include "cli/report/report_sections.h"
#include "core/base/strings.h"
#include "core/spec/fingerprint.h"

namespace shoal::report {
namespace {

constexpr size_t kValuesShown = 24;

std::string Digest(std::string_view digest) {
  return digest.empty() ? "" : Element("span", "class=\"digest\"", Escaped(digest));
}

// "tiny-L1-s1, tiny-L1-s2" or "all runs".
std::string RunNames(const ReportInput& input, const std::vector<size_t>& runs) {
  if (runs.size() == input.details.size() && runs.size() > 1) return "all runs";
  std::vector<std::string> names;
  for (const size_t r : runs) names.push_back(input.details[r].run().name());
  return StrJoin(names, ", ");
}

// The distinct values, in the order of the runs.
std::string Values(const analysis::Differing& field) {
  std::vector<std::string> values;
  for (const analysis::FlatField& value : field.of_run) {
    if (std::find(values.begin(), values.end(), value.shown) == values.end())
      values.push_back(value.shown);
  }
  std::string out;
  for (size_t i = 0; i < values.size() && i < kValuesShown; ++i)
    StrAppend(out, i > 0 ? " · " : "", Escaped(values[i].empty() ? "–" : values[i]));
  if (values.size() > kValuesShown) StrAppend(out, " · … ", values.size(), " values");
  return out;
}

std::string_view RoleName(v1::BindingRole role) {
  switch (role) {
    case v1::BINDING_ROLE_TRAIN:
      return "training text";
    case v1::BINDING_ROLE_HELD_OUT:
      return "held-out text";
    case v1::BINDING_ROLE_TOKENIZER:
      return "tokenizer";
    case v1::BINDING_ROLE_INIT_FROM:
      return "initial weights";
    case v1::BINDING_ROLE_TEACHER:
      return "teacher";
    default:
      return "other";
  }
}

std::string Answer(const ReportInput& input, size_t r, const v1::Sample& sample) {
  return Element("dd", StrCat(Element("small", Escaped(StrCat(input.details[r].run().name(),
                                                              ", step ", sample.step()))),
                              Escaped(sample.text())));
}

}  // namespace

std::string SpecSection(const ReportInput& input) {
  if (input.details.empty()) return "";
  std::map<std::string, analysis::Differing> differing;
  for (analysis::Differing& field : analysis::AllDifferingFields(input.details))
    differing.emplace(field.path, std::move(field));
  const v1::RunDetail& first = input.details.front();
  // One table for each group of fields: "model", "train.optimizer".
  std::vector<std::pair<std::string, HtmlTable>> groups;
  for (const analysis::FlatField& field : analysis::Flatten(first.spec(), first.bindings())) {
    if (analysis::IsDigestPath(field.path) || field.path == "name") continue;
    const size_t dot = field.path.find_last_of('.');
    const std::string group = dot == std::string::npos ? "run" : field.path.substr(0, dot);
    auto of_group = std::find_if(groups.begin(), groups.end(),
                                 [&](const auto& one) { return one.first == group; });
    if (of_group == groups.end())
      of_group = groups.insert(groups.end(), {group, HtmlTable({"", ""})});
    const auto differs = differing.find(field.path);
    const std::string value = differs == differing.end()
                                  ? Escaped(field.shown.empty() ? "–" : field.shown)
                                  : Values(differs->second);
    of_group->second.Add({TextOf(field.path.substr(dot + 1)), {value, false, ""}},
                         differs == differing.end() ? "" : "differs");
  }
  std::string sections;
  for (const auto& [group, table] : groups)
    StrAppend(sections,
              Element("section", StrCat(Element("h3", Escaped(group)), "\n", table.Render())),
              "\n");
  return StrCat(
      Heading("Spec"), "\n",
      Element("p", "class=\"lead\"",
              input.details.size() > 1
                  ? "Every field, defaults filled in; marked: those in which the runs differ."
                  : "Every field, defaults filled in."),
      "\n", Element("div", "class=\"spec\"", "\n" + sections), "\n");
}

std::string DataSection(const ReportInput& input) {
  struct Use {
    const v1::DataBinding* binding;
    std::vector<size_t> runs;
  };
  std::map<std::pair<int, std::string>, Use> uses;
  for (size_t r = 0; r < input.details.size(); ++r) {
    for (const v1::DataBinding& binding : input.details[r].bindings()) {
      Use& use = uses[{binding.role(), binding.sha256()}];
      use.binding = &binding;
      use.runs.push_back(r);
    }
  }
  if (uses.empty()) return "";
  HtmlTable table({"", "file", "size", "SHA-256", "used by"});
  for (const auto& [key, use] : uses) {
    HtmlCell names = TextOf(RunNames(input, use.runs));
    names.css = "wrap";
    table.Add({TextOf(RoleName(use.binding->role())),
               TextOf(use.binding->file_name()),
               NumberOf(cli::HumanBytes(use.binding->size_bytes())),
               {Digest(use.binding->sha256()), false, ""},
               names});
  }
  return StrCat(Heading("Data"), "\n", table.Render());
}

std::string EnvironmentSection(const ReportInput& input) {
  std::map<std::string, std::vector<size_t>> classes, workers, builds;
  HtmlTable identity({"run", "request digest", "fingerprint"});
  for (size_t r = 0; r < input.details.size(); ++r) {
    const v1::RunDetail& detail = input.details[r];
    identity.Add({TextOf(detail.run().name()),
                  {Digest(detail.run().request_digest()), false, ""},
                  {Digest(detail.run().fingerprint()), false, ""}});
    if (detail.has_numerics()) classes[spec::NumericsLine(detail.numerics())].push_back(r);
    std::set<std::string> hosts;
    for (const v1::Attempt& attempt : detail.attempts())
      hosts.insert(StrCat(attempt.worker_name(), " on ", attempt.host(), " (", attempt.isa(),
                          "), build ", attempt.build_id()));
    for (const std::string& host : hosts) workers[host].push_back(r);
    builds[StrCat("by ", detail.run().submitted_by(), " from ", detail.run().submitted_from(),
                  ", build ", detail.run().build_id())]
        .push_back(r);
  }
  HtmlTable table({"", "what", "runs"});
  const auto add = [&](std::string_view kind,
                       const std::map<std::string, std::vector<size_t>>& by_text) {
    for (const auto& [text, runs] : by_text) {
      HtmlCell what = TextOf(text), names = TextOf(RunNames(input, runs));
      what.css = names.css = "wrap";
      table.Add({TextOf(kind), what, names});
    }
  };
  add("numerics class", classes);
  add("computed by", workers);
  add("submitted", builds);
  return StrCat(Heading("Identity and environment"), "\n",
                Element("p", "class=\"lead\"",
                        "Equal fingerprints mean equal results, bit for bit: the request digest "
                        "covers spec and data, the fingerprint the numerics class too."),
                "\n", table.Render(), identity.Render());
}

std::string AnswersSection(const ReportInput& input) {
  struct Of {
    size_t run;
    const v1::Sample* sample;
  };
  std::vector<std::string> prompts;
  std::map<std::string, std::vector<Of>> answers;
  for (size_t r = 0; r < input.details.size(); ++r) {
    int64_t last = -1;
    for (const v1::Sample& sample : input.details[r].samples())
      last = std::max(last, sample.step());
    for (const v1::Sample& sample : input.details[r].samples()) {
      if (sample.step() != last) continue;
      auto& of_prompt = answers[sample.prompt()];
      if (of_prompt.empty()) prompts.push_back(sample.prompt());
      of_prompt.push_back({r, &sample});
    }
  }
  if (prompts.empty()) return "";
  // One run of each setting is seen at once, the others unfold.
  std::set<size_t> shown;
  for (const analysis::SettingResult& result : input.comparison.settings) {
    const auto& runs = result.setting.runs;
    const auto with_samples = std::find_if(
        runs.begin(), runs.end(), [&](size_t r) { return input.details[r].samples_size() > 0; });
    if (with_samples != runs.end()) shown.insert(*with_samples);
  }
  std::string seen, folded;
  for (const std::string& prompt : prompts) {
    std::string open, closed;
    for (const Of& one : answers[prompt])
      StrAppend(shown.contains(one.run) ? open : closed, Answer(input, one.run, *one.sample), "\n");
    const std::string question = Element("dt", Escaped(prompt)) + "\n";
    if (!open.empty()) StrAppend(seen, question, open);
    if (!closed.empty()) StrAppend(folded, question, closed);
  }
  std::string out = StrCat(Heading("Answers to the spec's prompts"), "\n",
                           Element("dl", "class=\"answers\"", "\n" + seen), "\n");
  if (!folded.empty()) {
    StrAppend(out,
              Element("details", StrCat(Element("summary", "the other runs' answers"), "\n",
                                        Element("dl", "class=\"answers\"", "\n" + folded))),
              "\n");
  }
  return out;
}

std::string NotesSection(const ReportInput& input) {
  std::map<std::string, std::vector<size_t>> notes;
  for (size_t r = 0; r < input.details.size(); ++r) {
    const std::string& note = input.details[r].run().note();
    if (!note.empty()) notes[note].push_back(r);
  }
  if (notes.empty()) return "";
  HtmlTable table({"runs", "note"});
  for (const auto& [note, runs] : notes) {
    HtmlCell names = TextOf(RunNames(input, runs)), text = TextOf(note);
    names.css = text.css = "wrap";
    table.Add({names, text});
  }
  return StrCat(Heading("Notes"), "\n", table.Render());
}

}  // namespace shoal::report
