#include "core/data/tokenizer/tokenizer_import.h"

#include <sys/stat.h>

#include <simdjson.h>

#include "absl/container/flat_hash_map.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/byte_alphabet.h"
#include "core/data/tokenizer/unicode_text.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{64} << 20;
constexpr int64_t kMaxId = (int64_t{1} << 21) - 1;

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const int64_t size, files.FileSize(path));
  if (size > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        StrCat(path, ": ", size, " bytes; a vocabulary has at most ", kMaxFileBytes));
  }
  return files.ReadFile(path);
}

bool IsFolder(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// A JSON object whose members are all integers: a vocabulary, not a tokenizer.json.
bool IsPlainVocabulary(std::string_view json) {
  const size_t brace = json.find_first_not_of(" \t\r\n");
  if (brace == std::string_view::npos || json[brace] != '{') return false;
  // The first member decides: a tokenizer.json begins with a version, which is a string, or with an
  // object or array.
  const size_t colon = json.find("\":", brace);
  if (colon == std::string_view::npos) return false;
  const size_t value = json.find_first_not_of(" \t\r\n", colon + 2);
  return value != std::string_view::npos && json[value] >= '0' && json[value] <= '9';
}

using IdOfSymbols = absl::flat_hash_map<std::string, int32_t>;

absl::StatusOr<IdOfSymbols> ReadEncoder(const std::string& path, TokenizerParts& parts) {
  SHOAL_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (const auto error = parser.parse(text.data(), text.size()).get(object)) {
    return absl::InvalidArgumentError(
        StrCat(path, ": not a JSON object: ", simdjson::error_message(error)));
  }
  IdOfSymbols ids;
  for (const auto field : object) {
    int64_t id = -1;
    if (field.value.get(id) != simdjson::SUCCESS || id < 0 || id > kMaxId || field.key.empty()) {
      return absl::InvalidArgumentError(
          StrCat(path, ": \"", field.key.substr(0, 80), "\": expected an id of 0..", kMaxId));
    }
    const auto index = static_cast<size_t>(id);
    if (index >= parts.tokens.size()) parts.tokens.resize(index + 1);
    if (parts.tokens[index].has_value() ||
        !ids.emplace(std::string(field.key), static_cast<int32_t>(id)).second) {
      return absl::InvalidArgumentError(
          StrCat(path, ": \"", field.key.substr(0, 80), "\" or its id ", id, " occurs twice"));
    }
    std::optional<std::string> bytes = FromSymbols(field.key);
    if (!bytes.has_value()) parts.unreachable.push_back(static_cast<int32_t>(id));
    parts.tokens[index] = bytes.has_value() ? *std::move(bytes) : std::string(field.key);
  }
  std::sort(parts.unreachable.begin(), parts.unreachable.end());
  return ids;
}

absl::Status ReadMergesFile(const std::string& path, const IdOfSymbols& ids,
                            TokenizerParts& parts) {
  SHOAL_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  int64_t number = 0;
  for (std::string_view line : StrSplit(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
      return absl::InvalidArgumentError(
          StrCat(path, ":", number, ": expected two entries and a space between them"));
    }
    std::pair<int32_t, int32_t> merge;
    for (const auto& [entry, id] : {std::pair(line.substr(0, space), &merge.first),
                                    std::pair(line.substr(space + 1), &merge.second)}) {
      const auto found = ids.find(AbslView(entry));
      if (found == ids.end()) {
        return absl::InvalidArgumentError(
            StrCat(path, ":", number, ": \"", entry, "\" is not in the vocabulary"));
      }
      *id = found->second;
    }
    parts.merges.push_back(merge);
  }
  return absl::OkStatus();
}

absl::StatusOr<Tokenizer> ImportGpt2(const TokenizerFiles& files) {
  TokenizerParts parts;
  SHOAL_ASSIGN_OR_RETURN(const IdOfSymbols ids, ReadEncoder(files.vocabulary, parts));
  SHOAL_RETURN_IF_ERROR(ReadMergesFile(files.merges, ids, parts));
  constexpr std::string_view kEndOfText = "<|endoftext|>";
  if (const auto end = ids.find(AbslView(kEndOfText)); end != ids.end()) {
    parts.added.push_back({.id = end->second, .content = std::string(kEndOfText)});
  }
  absl::StatusOr<Tokenizer> tokenizer = Tokenizer::FromParts(std::move(parts));
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), files.vocabulary);
  return tokenizer;
}

std::string_view TrimEnd(std::string_view line) {
  size_t end = 0;
  for (size_t at = 0, bytes = 1; at < line.size(); at += bytes) {
    const std::optional<char32_t> c = DecodeUtf8(line.substr(at), bytes);
    if (!c.has_value() || !IsWhiteSpace(*c)) end = at + bytes;
  }
  return line.substr(0, end);
}

bool HasUpperCase(std::string_view entry) {
  if (entry.starts_with('[')) return false;  // [UNK], [unused1]
  return std::any_of(entry.begin(), entry.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

absl::StatusOr<Tokenizer> ImportWordPiece(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  if (CountInvalidUtf8(text) > 0) {
    return absl::InvalidArgumentError(StrCat(path, ": not a vocab.txt: it is not UTF-8 text"));
  }
  TokenizerParts parts;
  parts.kind = ModelKind::kWordPiece;
  parts.normalizers = {{.kind = NormalizerStep::Kind::kBert}};
  parts.pretokenizers = {{.kind = PretokenizerStep::Kind::kBert}};
  absl::flat_hash_map<std::string, int32_t> ids;
  std::vector<std::string_view> lines = StrSplit(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string entry(TrimEnd(lines[i]));
    if (HasUpperCase(entry)) {
      return absl::InvalidArgumentError(
          StrCat(path, ":", i + 1, ": \"", entry, "\" has upper case, so this is a cased ",
                 "vocabulary: give its tokenizer.json, which holds the settings"));
    }
    // As in the Hugging Face library, of equal entries the last one has the word.
    const auto [it, added] = ids.try_emplace(entry, static_cast<int32_t>(i));
    if (!added) parts.tokens[static_cast<size_t>(std::exchange(it->second, int32_t(i)))].reset();
    if (entry.empty()) {
      parts.tokens.emplace_back();
    } else {
      parts.tokens.emplace_back(entry);
    }
  }
  for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    if (const auto it = ids.find(special); it != ids.end()) {
      parts.added.push_back({.id = it->second, .content = special});
    }
  }
  const auto unknown = ids.find("[UNK]");
  if (unknown == ids.end()) {
    return absl::InvalidArgumentError(
        StrCat(path, ": not a WordPiece vocabulary: it has no entry [UNK]"));
  }
  parts.unknown = unknown->second;
  absl::StatusOr<Tokenizer> tokenizer = Tokenizer::FromParts(std::move(parts));
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), path);
  return tokenizer;
}

absl::StatusOr<std::string> FindMerges(const std::string& vocabulary) {
  RealFileSystem files;
  for (const char* name : {"vocab.bpe", "merges.txt"}) {
    const std::string path = JoinPath(DirName(vocabulary), name);
    if (files.Exists(path)) return path;
  }
  return absl::NotFoundError(StrCat(vocabulary, ": a vocabulary without its merges: vocab.bpe (or ",
                                    "merges.txt) must lie beside it"));
}

}  // namespace

absl::StatusOr<TokenizerFiles> FindTokenizerFiles(const std::string& path,
                                                  const std::string& merges) {
  RealFileSystem files;
  if (!files.Exists(path)) return absl::NotFoundError(StrCat(path, ": no such file"));
  if (IsFolder(path)) {
    for (const char* name : {"tokenizer.json", "encoder.json", "vocab.json", "vocab.txt"}) {
      const std::string inside = JoinPath(path, name);
      if (files.Exists(inside)) return FindTokenizerFiles(inside, merges);
    }
    return absl::NotFoundError(StrCat(
        path, ": the folder holds no tokenizer.json, encoder.json, vocab.json or vocab.txt"));
  }
  if (path.ends_with(".txt")) {
    return TokenizerFiles{TokenizerForm::kWordPiece, path, ""};
  }
  SHOAL_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  if (!IsPlainVocabulary(text)) {
    if (!merges.empty()) {
      return absl::InvalidArgumentError(
          StrCat(path, ": not a vocabulary of {token: id}, so ", merges, " cannot belong to it"));
    }
    return TokenizerFiles{TokenizerForm::kTokenizerJson, path, ""};
  }
  TokenizerFiles found{TokenizerForm::kGpt2, path, merges};
  if (merges.empty()) {
    SHOAL_ASSIGN_OR_RETURN(found.merges, FindMerges(path));
  }
  return found;
}

absl::StatusOr<Tokenizer> ImportTokenizer(const TokenizerFiles& files) {
  switch (files.form) {
    case TokenizerForm::kTokenizerJson:
      return Tokenizer::Load(files.vocabulary);
    case TokenizerForm::kGpt2:
      return ImportGpt2(files);
    case TokenizerForm::kWordPiece:
      return ImportWordPiece(files.vocabulary);
  }
  return absl::InternalError("unknown form");
}

absl::StatusOr<Tokenizer> WithChatTokens(const Tokenizer& tokenizer) {
  TokenizerParts parts = tokenizer.parts();
  for (const std::string_view token : {kPadToken, kStartToken, kEndToken}) {
    if (tokenizer.SpecialId(token).has_value()) continue;
    parts.added.push_back({.id = static_cast<int32_t>(parts.tokens.size()),
                           .content = std::string(token),
                           .in_model = false});
    parts.tokens.emplace_back(token);
  }
  return Tokenizer::FromParts(std::move(parts));
}

}  // namespace shoal::data
