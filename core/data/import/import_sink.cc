#include "core/data/import/import_sink.h"

#include "core/base/strings.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

constexpr size_t kMostProblems = 1000000;

}  // namespace

absl::Status ImportSink::Add(const ImportFile& file, int64_t line, Record record, Side side,
                             std::string_view same_as) {
  const bool labelled = record.kind == Record::Kind::kLabelled;
  if (IsBlank(record)) {
    Empty();
    return absl::OkStatus();
  }
  if (!labelled_.has_value()) {
    labelled_ = labelled;
    first_ = StrCat(file.name, ":", line);
  }
  if (labelled != *labelled_) {
    Malformed(file, line,
              labelled ? StrCat("has a label, but ", first_, " has none")
                       : StrCat("has no label, but ", first_, " has one"));
    return absl::OkStatus();
  }
  if (record.kind == Record::Kind::kText) {
    // Text that is nothing but chat markup is a conversation.
    if (auto conversation = ConversationFromMarkup(record.text); conversation.has_value()) {
      conversation->topic = std::move(record.conversation.topic);
      record.conversation = *std::move(conversation);
      record.kind = Record::Kind::kConversation;
      record.text.clear();
    }
  }
  ++result_.report.records;
  ++result_.report.examples;
  return builder_.Add(record, side, same_as);
}

void ImportSink::Malformed(const ImportFile& file, int64_t line, std::string reason) {
  ImportReport& report = result_.report;
  ++report.records;
  ++report.malformed;
  if (report.problems.size() < kMostProblems) {
    report.problems.push_back({file.name, line, std::move(reason)});
  }
}

void ImportSink::Empty() {
  ++result_.report.records;
  ++result_.report.empty;
}

std::string ImportSink::Repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = NextUtf8(text);
    if (step.kind == Utf8Step::Kind::kComplete) {
      out += text.substr(0, step.bytes);
    } else {
      out += "\xEF\xBF\xBD";
      result_.report.repaired_utf8_bytes += static_cast<int64_t>(step.bytes);
    }
    text.remove_prefix(step.bytes);
  }
  return out;
}

void ImportSink::Recognised(const ImportFile& file, std::string_view what) {
  std::string_view side;
  if (file.side == Side::kHeldOut) side = ", held out";
  result_.recognised.push_back(StrCat(file.name, ": ", what, side));
}

void ImportSink::Note(std::string note) { result_.notes.push_back(std::move(note)); }

}  // namespace shoal::data
