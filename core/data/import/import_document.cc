// Plain text: one document, cut in the order of the text as nanoGPT does.
#include <limits>

#include "core/base/file.h"
#include "core/base/mapped_file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/import/import_sink.h"
#include "core/data/import/line_reader.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

// Appends the files' text to `out`, each on a new line.
absl::Status Append(const std::vector<ImportFile>& files, Side side, const ImportOptions& options,
                    AppendFile& out, ImportReport& report) {
  std::string ending = "\n";
  for (const ImportFile& file : files) {
    if ((file.side == Side::kHeldOut) != (side == Side::kHeldOut)) continue;
    SHOAL_ASSIGN_OR_RETURN(auto stream, InputStream::Open(file.path, options.max_file_bytes));
    if (!ending.ends_with('\n')) SHOAL_RETURN_IF_ERROR(out.Append("\n"));
    const int64_t before = out.size();
    bool first = true;
    while (true) {
      SHOAL_ASSIGN_OR_RETURN(std::string_view piece, stream->Next());
      if (piece.empty()) break;
      if (first) {
        SHOAL_ASSIGN_OR_RETURN(piece, SkipByteOrderMark(piece), file.name);
      }
      first = false;
      SHOAL_RETURN_IF_ERROR(out.Append(piece));
      if (!piece.empty()) ending = std::string(piece.substr(piece.size() - 1));
    }
    ++report.records;
    ++(out.size() > before ? report.examples : report.empty);
  }
  return out.Sync();
}

absl::StatusOr<std::string> WriteRange(std::string_view text, const std::string& path) {
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.RemoveFile(path));
  SHOAL_ASSIGN_OR_RETURN(const auto out, files.OpenAppend(path));
  SHOAL_RETURN_IF_ERROR(out->Append(text));
  SHOAL_RETURN_IF_ERROR(out->Sync());
  return path;
}

PartCounts CountDocument(std::string_view text) {
  PartCounts counts;
  counts.examples = 1;
  counts.unique_examples = 1;
  counts.bytes = static_cast<int64_t>(text.size());
  std::vector<uint32_t> lengths = {static_cast<uint32_t>(text.size())};
  CountLengths(lengths, counts);
  return counts;
}

absl::StatusOr<MappedFile> WriteWhole(const std::vector<ImportFile>& files, Side side,
                                      const ImportOptions& options, const std::string& path,
                                      ImportReport& report) {
  RealFileSystem system;
  SHOAL_RETURN_IF_ERROR(system.RemoveFile(path));
  {
    SHOAL_ASSIGN_OR_RETURN(const auto out, system.OpenAppend(path));
    SHOAL_RETURN_IF_ERROR(Append(files, side, options, *out, report));
  }
  SHOAL_ASSIGN_OR_RETURN(MappedFile whole, MappedFile::Open(path));
  if (whole.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::ResourceExhaustedError(StrCat("the text has ", whole.size(),
                                               " bytes; one document has at most 4 GiB (--format "
                                               "lines makes each line a text of its own)"));
  }
  return whole;
}

// Where the held-out end begins: after `share` of the bytes, at the start of a character.
size_t CutOf(std::string_view text, double share) {
  auto cut = static_cast<size_t>(static_cast<double>(text.size()) * (1 - share));
  while (cut < text.size() && (static_cast<uint8_t>(text[cut]) & 0xC0) == 0x80) ++cut;
  return cut;
}

}  // namespace

absl::Status ImportDocument(const std::vector<ImportFile>& files, const ImportOptions& options,
                            const std::string& folder, ImportResult& result) {
  BuiltDataset& data = result.data;
  data.kind = DatasetKind::kDocument;
  bool separate = false;
  for (const ImportFile& file : files) {
    separate |= file.side == Side::kHeldOut;
    result.recognised.push_back(StrCat(file.name, ": plain text, one document",
                                       file.side == Side::kHeldOut ? ", held out" : ""));
  }
  SHOAL_ASSIGN_OR_RETURN(
      const MappedFile whole,
      WriteWhole(files, Side::kTrain, options, JoinPath(folder, "document.txt"), result.report));
  std::string_view train = whole.text(), held_out;
  std::optional<MappedFile> apart;
  if (separate) {
    SHOAL_ASSIGN_OR_RETURN(apart, WriteWhole(files, Side::kHeldOut, options,
                                             JoinPath(folder, "apart.txt"), result.report));
    held_out = apart->text();
  } else {
    const size_t cut = CutOf(train, options.held_out_share.value_or(0.1));
    held_out = train.substr(cut);
    train = train.substr(0, cut);
  }
  if (train.empty()) return absl::InvalidArgumentError("the text is empty");
  if (const size_t invalid = CountInvalidUtf8(train) + CountInvalidUtf8(held_out); invalid > 0) {
    result.notes.push_back(StrCat(invalid, " of ", train.size() + held_out.size(),
                                  " bytes are not UTF-8; a document keeps its bytes"));
  }
  data.train = CountDocument(train);
  SHOAL_ASSIGN_OR_RETURN(data.train_path, WriteRange(train, JoinPath(folder, "train.txt")));
  if (held_out.empty()) return absl::OkStatus();
  data.held_out = CountDocument(held_out);
  SHOAL_ASSIGN_OR_RETURN(data.held_out_path,
                         WriteRange(held_out, JoinPath(folder, "held_out.txt")));
  return absl::OkStatus();
}

}  // namespace shoal::data
