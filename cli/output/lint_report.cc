#include "cli/output/lint_report.h"

#include <algorithm>

#include "cli/output/format.h"
#include "cli/output/table.h"
#include "core/base/strings.h"
#include "core/data/json_text.h"

namespace shoal::cli {
namespace {

using A = Table::Align;

std::string Percent(int64_t part, int64_t of) {
  return of == 0 ? "-" : StrCat(Fixed(100 * double(part) / double(of), 1), " %");
}

// "57,000 (19.4 %)", the share being of `of`.
std::string WithShare(int64_t part, int64_t of) {
  return of == 0 ? "-" : StrCat(WithCommas(part), " (", Percent(part, of), ")");
}

std::string Sides(const data::LintReport& r, const Terminal& terminal) {
  Table table({{""}, {"TRAIN", A::kRight}, {"HELD-OUT", A::kRight}});
  const data::LintSide &t = r.train, &h = r.held_out;
  const auto row = [&](const char* label, int64_t train, int64_t held_out) {
    if (train + held_out > 0) table.Add({label, WithCommas(train), WithCommas(held_out)});
  };
  const auto unique = [&](const char* label, int64_t train, int64_t of_train, int64_t held_out,
                          int64_t of_held_out) {
    if (of_train + of_held_out == 0) return;
    table.Add({label, WithShare(train, of_train), WithShare(held_out, of_held_out)});
  };
  row("examples", t.examples, h.examples);
  unique("unique examples", t.unique_examples, t.examples, h.unique_examples, h.examples);
  unique(r.labelled ? "unique texts" : "unique questions", t.unique_inputs, t.inputs,
         h.unique_inputs, h.inputs);
  if (r.labelled) {
    row("labels", t.unique_outputs, h.unique_outputs);
  } else {
    unique("unique answers", t.unique_outputs, t.outputs, h.unique_outputs, h.outputs);
  }
  row("empty answers", t.empty_outputs, h.empty_outputs);
  row("without an answer", t.without_output, h.without_output);
  row("markup inside text", t.markup_inside, h.markup_inside);
  row("unresolved blanks", t.unresolved, h.unresolved);
  table.Add({"bytes", HumanBytes(t.bytes), HumanBytes(h.bytes)});
  if (!r.document) {
    row("bytes, median", t.bytes_median, h.bytes_median);
    row("bytes, longest", t.bytes_max, h.bytes_max);
  }
  return table.Render(terminal);
}

std::string Overlaps(const data::LintReport& r, const Terminal& terminal) {
  Table table({{"HELD-OUT THAT OCCURS IN TRAINING"},
               {"COUNT", A::kRight},
               {"OF", A::kRight},
               {"SHARE", A::kRight}});
  const auto row = [&](const std::string& label, const data::Overlap& overlap) {
    if (overlap.items == 0) return;
    table.Add({label, WithCommas(overlap.in_train), WithCommas(overlap.items),
               Percent(overlap.in_train, overlap.items)});
  };
  row("examples, exact copies", r.exact);
  row("examples, near copies", r.near);
  if (!r.labelled) row("answers", r.output);
  row(r.labelled ? "texts" : "questions", r.input);
  row("lines", r.lines);
  row("8-grams of words", r.ngrams);
  if (!r.document) {
    row("examples with such an 8-gram", r.with_ngram);
    row("examples with 4/5 of their 8-grams", r.mostly_ngrams);
  }
  return table.empty() ? "" : table.Render(terminal);
}

std::string Topics(const data::LintReport& r, const Terminal& terminal, int64_t most) {
  std::vector<const data::TopicLint*> order;
  for (const data::TopicLint& topic : r.topics) order.push_back(&topic);
  std::stable_sort(order.begin(), order.end(),
                   [](const data::TopicLint* a, const data::TopicLint* b) {
                     return a->effective_repeats() > b->effective_repeats();
                   });
  if (r.outputs == 0 || r.labelled || most <= 0) return "";
  Table table({{"TOPIC", A::kLeft, true},
               {"TRAIN", A::kRight},
               {"HELD-OUT", A::kRight},
               {"QUESTIONS", A::kRight},
               {"ANSWERS", A::kRight},
               {"UNIQUE", A::kRight},
               {"EFFECTIVE", A::kRight},
               {"REPEATS", A::kRight}});
  for (size_t i = 0; i < order.size() && static_cast<int64_t>(i) < most; ++i) {
    const data::TopicLint& topic = *order[i];
    table.Add({topic.topic.empty() ? "(all)" : Printable(topic.topic, false),
               WithCommas(topic.train), WithCommas(topic.held_out), WithCommas(topic.unique_inputs),
               WithCommas(topic.outputs), WithCommas(topic.unique_outputs),
               Fixed(topic.effective_outputs, 0),
               StrCat(Fixed(topic.effective_repeats(), 1), "x")});
  }
  std::string text = table.Render(terminal);
  const auto left = static_cast<int64_t>(order.size()) - most;
  if (left > 0) StrAppend(text, "and ", left, " topics that repeat less; --topics shows more\n");
  return text;
}

std::string_view KindName(data::LeakKind kind) {
  switch (kind) {
    case data::LeakKind::kExact:
      return "exact";
    case data::LeakKind::kNear:
      return "near";
    case data::LeakKind::kOutput:
      return "answer";
    case data::LeakKind::kLine:
      return "line";
  }
  return "";
}

std::string At(const std::string& name, int64_t line) {
  return line > 0 ? StrCat(name, ":", line) : name;
}

std::string Cut(const std::string& text, const Terminal& terminal, int used) {
  return Ellipsize(Printable(text, false), std::max(40, terminal.columns - used));
}

std::string Lists(const data::LintReport& r, const LintNames& names, const Terminal& terminal) {
  std::string out;
  if (!r.repeated.empty()) out += "\nMost repeated answers of training:\n";
  for (const data::RepeatedOutput& output : r.repeated) {
    StrAppend(out, "  ", WithCommas(output.count), "x  ", Cut(output.text, terminal, 12), "\n");
  }
  if (!r.unresolved.empty()) out += "\nUnresolved blanks:\n";
  for (const data::UnresolvedBlank& blank : r.unresolved) {
    StrAppend(out, "  ", At(blank.held_out ? names.held_out : names.train, blank.line), "  ",
              Printable(blank.blank, false), "  in  ", Cut(blank.text, terminal, 40), "\n");
  }
  if (!r.leaks.empty()) out += "\nLeaks, held-out = training (the first of each kind):\n";
  for (const data::Leak& leak : r.leaks) {
    const bool near = leak.kind == data::LeakKind::kNear;
    StrAppend(out, "  ", KindName(leak.kind), near ? StrCat(" ", Fixed(leak.similarity, 2)) : "",
              "  ", At(names.held_out, leak.held_out_line), " = ", At(names.train, leak.train_line),
              "\n    ", Cut(leak.held_out, terminal, 4), "\n");
    if (near) StrAppend(out, "    ", Cut(leak.train, terminal, 4), "\n");
  }
  return out;
}

// JSON, by hand: the values are numbers, texts and lists of objects.
class Json {
 public:
  Json& Number(std::string_view key, double value) { return Raw(key, StrCat(value)); }
  Json& Count(std::string_view key, int64_t value) { return Raw(key, StrCat(value)); }
  Json& Text(std::string_view key, std::string_view value) { return Raw(key, Quote(value)); }
  Json& Raw(std::string_view key, const std::string& value) {
    StrAppend(members_, members_.empty() ? "" : ",", Quote(key), ":", value);
    return *this;
  }
  const std::string& members() const { return members_; }
  std::string object() const { return StrCat("{", members_, "}"); }

  static std::string Quote(std::string_view text) {
    std::string out;
    data::AppendJsonString(text, out);
    return out;
  }

 private:
  std::string members_;
};

template <typename Items, typename ToJson>
std::string List(const Items& items, ToJson&& to_json) {
  std::string out = "[";
  for (const auto& item : items) StrAppend(out, out.size() > 1 ? "," : "", to_json(item));
  return out + "]";
}

std::string SideJson(const data::LintSide& s) {
  return Json()
      .Count("examples", s.examples)
      .Count("conversations", s.conversations)
      .Count("unique_examples", s.unique_examples)
      .Count("inputs", s.inputs)
      .Count("unique_inputs", s.unique_inputs)
      .Count("outputs", s.outputs)
      .Count("unique_outputs", s.unique_outputs)
      .Count("empty_outputs", s.empty_outputs)
      .Count("without_output", s.without_output)
      .Count("markup_inside", s.markup_inside)
      .Count("unresolved", s.unresolved)
      .Count("long_examples", s.long_examples)
      .Count("bytes", s.bytes)
      .Count("bytes_median", s.bytes_median)
      .Count("bytes_p99", s.bytes_p99)
      .Count("bytes_max", s.bytes_max)
      .object();
}

std::string OverlapJson(const data::Overlap& overlap) {
  return Json()
      .Count("items", overlap.items)
      .Count("in_train", overlap.in_train)
      .Number("share", overlap.share())
      .object();
}

std::string TopicJson(const data::TopicLint& topic) {
  return Json()
      .Text("topic", topic.topic)
      .Count("train", topic.train)
      .Count("held_out", topic.held_out)
      .Count("outputs", topic.outputs)
      .Count("unique_inputs", topic.unique_inputs)
      .Count("unique_outputs", topic.unique_outputs)
      .Number("effective_outputs", topic.effective_outputs)
      .Number("repeats", topic.repeats())
      .Number("effective_repeats", topic.effective_repeats())
      .object();
}

std::string LeakJson(const data::Leak& leak) {
  return Json()
      .Text("kind", KindName(leak.kind))
      .Count("held_out_line", leak.held_out_line)
      .Count("train_line", leak.train_line)
      .Number("similarity", leak.similarity)
      .Text("held_out", leak.held_out)
      .Text("train", leak.train.empty() ? leak.held_out : leak.train)
      .object();
}

}  // namespace

std::string RenderLint(const data::LintReport& report, const LintNames& names,
                       const Terminal& terminal, int64_t topics) {
  std::string out = StrCat(Styled(terminal, Style::kBold, Printable(names.source, false)), "\n\n",
                           Sides(report, terminal));
  if (const std::string overlaps = Overlaps(report, terminal); !overlaps.empty()) {
    StrAppend(out, "\n", overlaps);
  }
  if (const std::string table = Topics(report, terminal, topics); !table.empty()) {
    StrAppend(out, "\n", table);
  }
  StrAppend(out, Lists(report, names, terminal), "\n");
  for (const std::string& warning : report.warnings) {
    StrAppend(out, Styled(terminal, Style::kYellow, "warning"), ": ", warning, "\n");
  }
  for (const std::string& failure : report.failures) {
    StrAppend(out, Styled(terminal, Style::kRed, "FAIL"), ": ", failure, "\n");
  }
  if (report.passed()) {
    const bool compared = report.held_out.examples > 0;
    StrAppend(out, Styled(terminal, Style::kGreen, "PASS"),
              compared ? ": nothing held out leaks into training\n"
                       : ": nothing is wrong with the training side\n");
  }
  return out;
}

std::string LintJsonMembers(const data::LintReport& r, const LintNames& names) {
  const auto quote = [](const std::string& text) { return Json::Quote(text); };
  return Json()
      .Text("source", names.source)
      .Text("train_name", names.train)
      .Text("held_out_name", names.held_out)
      .Text("verdict", r.passed() ? "pass" : "fail")
      .Raw("failures", List(r.failures, quote))
      .Raw("warnings", List(r.warnings, quote))
      .Raw("document", r.document ? "true" : "false")
      .Raw("labelled", r.labelled ? "true" : "false")
      .Count("examples", r.examples)
      .Count("unique_examples", r.unique_examples)
      .Count("inputs", r.inputs)
      .Count("unique_inputs", r.unique_inputs)
      .Count("outputs", r.outputs)
      .Count("unique_outputs", r.unique_outputs)
      .Raw("train", SideJson(r.train))
      .Raw("held_out", SideJson(r.held_out))
      .Raw("overlap", Json()
                          .Raw("exact", OverlapJson(r.exact))
                          .Raw("near", OverlapJson(r.near))
                          .Raw("input", OverlapJson(r.input))
                          .Raw("output", OverlapJson(r.output))
                          .Raw("lines", OverlapJson(r.lines))
                          .Raw("ngrams", OverlapJson(r.ngrams))
                          .Raw("with_ngram", OverlapJson(r.with_ngram))
                          .Raw("mostly_ngrams", OverlapJson(r.mostly_ngrams))
                          .object())
      .Raw("topics", List(r.topics, TopicJson))
      .Raw("leaks", List(r.leaks, LeakJson))
      .Raw("repeated", List(r.repeated,
                            [](const data::RepeatedOutput& output) {
                              return Json()
                                  .Count("count", output.count)
                                  .Count("first_line", output.first_line)
                                  .Text("text", output.text)
                                  .object();
                            }))
      .Raw("unresolved_blanks", List(r.unresolved,
                                     [](const data::UnresolvedBlank& blank) {
                                       return Json()
                                           .Raw("held_out", blank.held_out ? "true" : "false")
                                           .Count("line", blank.line)
                                           .Text("blank", blank.blank)
                                           .Text("text", blank.text)
                                           .object();
                                     }))
      .members();
}

}  // namespace shoal::cli
