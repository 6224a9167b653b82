#include "core/checkpoint/manifest.h"

#include <charconv>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/print.h"

namespace shoal::checkpoint {
namespace {

constexpr std::string_view kVersionKey = "shoal.format_version";
constexpr std::string_view kKindKey = "shoal.kind";
constexpr std::string_view kStepKey = "shoal.step";
constexpr std::string_view kRunIdKey = "shoal.run_id";
constexpr std::string_view kRequestKey = "shoal.request_digest";
constexpr std::string_view kModelKey = "shoal.model";
constexpr std::string_view kVocabKey = "shoal.vocab_size";
constexpr std::string_view kTokenizerKey = "shoal.tokenizer_digest";
constexpr std::string_view kNumericsKey = "shoal.numerics";
constexpr std::string_view kLabelsKey = "shoal.labels";  // a line each; only of a classifier
constexpr std::string_view kTensorsKey = "shoal.tensor_digests";
constexpr std::string_view kHeaderKey = "shoal.header_digest";
constexpr size_t kHexDigits = 64;

// As it stands in the JSON text; nothing else in a header can hold this sequence of characters,
// because quotes inside of text are escaped.
std::string HeaderDigestMark() { return StrCat("\"", kHeaderKey, "\":\""); }

absl::Status CheckDigestOrEmpty(std::string_view what, const std::string& hex) {
  if (hex.empty()) return absl::OkStatus();
  return Annotate(Digest::FromHex(hex).status(), what);
}

// Looks up the manifest's entries; the first failure is kept.
class Entries {
 public:
  explicit Entries(const Metadata& metadata) : metadata_(metadata) {}

  std::string Text(std::string_view key) {
    const auto it = metadata_.find(std::string(key));
    if (it != metadata_.end()) return it->second;
    Fail(StrCat("the manifest has no '", key, "'"));
    return "";
  }
  int64_t Count(std::string_view key) {
    const std::string text = Text(key);
    int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || value < 0) {
      Fail(StrCat("the manifest's '", key, "' is not a count"));
    }
    return value;
  }
  void Message(std::string_view key, google::protobuf::Message& message) {
    const absl::Status status = spec::ReadCanonicalJson(Text(key), message);
    if (!status.ok()) {
      Fail(StrCat("the manifest's '", key, "' cannot be read: ", status.message()));
    }
  }
  void Fail(std::string_view what) { status_.Update(absl::DataLossError(StrCat(what))); }
  const absl::Status& status() const { return status_; }

 private:
  const Metadata& metadata_;
  absl::Status status_;
};

void ReadDigests(Entries& entries, size_t tensors, std::vector<Digest>& digests) {
  const std::string text = entries.Text(kTensorsKey);
  if (tensors == 0 && text.empty()) return;
  for (std::string_view part : StrSplit(text, ',')) {
    const auto digest = Digest::FromHex(part);
    if (!digest.ok()) return entries.Fail("the manifest's tensor digests are malformed");
    digests.push_back(*digest);
  }
  if (digests.size() != tensors) {
    entries.Fail(StrCat("the manifest has ", digests.size(), " digests for ", tensors, " tensors"));
  }
}

}  // namespace

absl::StatusOr<Metadata> FormatManifest(const Manifest& manifest,
                                        const std::vector<Digest>& digests) {
  if (manifest.kind != v1::CHECKPOINT_KIND_RESUMABLE &&
      manifest.kind != v1::CHECKPOINT_KIND_WEIGHTS) {
    return absl::InvalidArgumentError("a checkpoint is either resumable or weights");
  }
  SHOAL_RETURN_IF_ERROR(CheckDigestOrEmpty("the request digest", manifest.request_digest));
  SHOAL_RETURN_IF_ERROR(CheckDigestOrEmpty("the tokenizer's digest", manifest.tokenizer_digest));
  SHOAL_ASSIGN_OR_RETURN(const std::string model, spec::CanonicalJson(manifest.model));
  SHOAL_ASSIGN_OR_RETURN(const std::string numerics, spec::CanonicalJson(manifest.numerics));
  std::vector<std::string> hex;
  for (const Digest& digest : digests) hex.push_back(digest.Hex());
  Metadata metadata;
  const auto put = [&metadata](std::string_view key, std::string value) {
    metadata.emplace(key, std::move(value));
  };
  put("format", "pt");
  put(kVersionKey, StrCat(kFormatVersion));
  put(kKindKey, manifest.kind == v1::CHECKPOINT_KIND_RESUMABLE ? "resumable" : "weights");
  put(kStepKey, StrCat(manifest.step));
  put(kRunIdKey, manifest.run_id);
  put(kRequestKey, manifest.request_digest);
  put(kModelKey, model);
  put(kVocabKey, StrCat(manifest.vocab_size));
  put(kTokenizerKey, manifest.tokenizer_digest);
  put(kNumericsKey, numerics);
  if (!manifest.labels.empty()) put(kLabelsKey, StrJoin(manifest.labels, "\n"));
  put(kTensorsKey, StrJoin(hex, ","));
  put(kHeaderKey, std::string(kHexDigits, '0'));
  return metadata;
}

absl::StatusOr<ParsedManifest> ParseManifest(const Metadata& metadata, size_t tensors) {
  ParsedManifest parsed;
  if (!metadata.contains(std::string(kVersionKey))) {
    // Not ours; but a file of ours whose version entry was damaged must not pass for foreign.
    for (const auto& [key, value] : metadata) {
      if (key.starts_with("shoal.")) {
        return absl::DataLossError(StrCat("the manifest has no '", kVersionKey, "'"));
      }
    }
    return parsed;
  }
  Entries entries(metadata);
  const int64_t version = entries.Count(kVersionKey);
  if (entries.status().ok() && version != kFormatVersion) {
    return absl::UnimplementedError(StrCat("was written in format ", version,
                                           "; this version of Shoal reads format ",
                                           kFormatVersion));
  }
  const std::string kind = entries.Text(kKindKey);
  Manifest& manifest = parsed.manifest;
  manifest.kind = kind == "resumable" ? v1::CHECKPOINT_KIND_RESUMABLE : v1::CHECKPOINT_KIND_WEIGHTS;
  if (kind != "resumable" && kind != "weights") entries.Fail("the manifest's kind is unknown");
  manifest.step = entries.Count(kStepKey);
  manifest.run_id = entries.Text(kRunIdKey);
  manifest.request_digest = entries.Text(kRequestKey);
  entries.Message(kModelKey, manifest.model);
  manifest.vocab_size = entries.Count(kVocabKey);
  manifest.tokenizer_digest = entries.Text(kTokenizerKey);
  entries.Message(kNumericsKey, manifest.numerics);
  if (metadata.contains(std::string(kLabelsKey))) {
    const std::string labels = entries.Text(kLabelsKey);
    for (std::string_view label : StrSplit(labels, '\n')) manifest.labels.emplace_back(label);
  }
  ReadDigests(entries, tensors, parsed.digests);
  SHOAL_RETURN_IF_ERROR(entries.status());
  return parsed;
}

void SealHeader(std::string& header) {
  const std::string mark = HeaderDigestMark();
  const size_t at = header.find(mark);
  SHOAL_CHECK(at != std::string::npos);
  header.replace(at + mark.size(), kHexDigits, Sha256Of(header).Hex());
}

absl::Status CheckSeal(std::string_view header, const Metadata& metadata) {
  const std::string mark = HeaderDigestMark();
  const size_t at = header.find(mark);
  const auto entry = metadata.find(std::string(kHeaderKey));
  if (at == std::string::npos || entry == metadata.end() || entry->second.size() != kHexDigits ||
      header.substr(at + mark.size(), kHexDigits) != entry->second) {
    return absl::DataLossError("the header has no digest of itself");
  }
  std::string unsealed(header);
  unsealed.replace(at + mark.size(), kHexDigits, std::string(kHexDigits, '0'));
  if (Sha256Of(unsealed).Hex() != entry->second) {
    return absl::DataLossError("the header was changed: its digest does not hold");
  }
  return absl::OkStatus();
}

}  // namespace shoal::checkpoint
