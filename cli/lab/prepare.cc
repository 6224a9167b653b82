#include "cli/lab/prepare.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include "cli/lab/datasets.h"
#include "cli/lab/embedded.h"
#include "cli/lab/shipped.h"
#include "cli/lab/teachers.h"
#include "cli/output/format.h"
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/data/conversation.h"
#include "core/data/persona/persona.h"
#include "core/data/shard.h"
#include "core/data/text_source.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "core/data/tokenizer/char_trainer.h"
#include "core/data/tokenizer/tokenizer.h"
#include "core/data/tokenizer/tokenizer_import.h"
#include "core/data/training_text.h"
#include "core/spec/dataset_id.h"

namespace shoal::cli {
namespace {

// Bumped when what is prepared from the same inputs changes.
constexpr std::string_view kPreparedVersion = "1";
constexpr int64_t kSampledExamples = 4000;

void Say(bool quiet, const std::string& line) {
  if (!quiet) std::fprintf(stderr, "%s\n", line.c_str());
}

absl::StatusOr<PreparedFile> Bind(v1::BindingRole role, const std::string& path) {
  RealFileSystem files;
  PreparedFile file;
  file.path = path;
  SHOAL_ASSIGN_OR_RETURN(const Digest digest, Sha256OfFile(path));
  SHOAL_ASSIGN_OR_RETURN(const int64_t size, files.FileSize(path));
  file.binding.set_role(role);
  file.binding.set_sha256(digest.Hex());
  file.binding.set_size_bytes(size);
  file.binding.set_file_name(BaseName(path));
  return file;
}

// The folder for what is made from `inputs`.
absl::StatusOr<std::string> PreparedFolder(const std::string& data_dir,
                                           const std::vector<std::string>& inputs) {
  std::string all(kPreparedVersion);
  for (const std::string& input : inputs) StrAppend(all, "\n", input);
  const std::string folder =
      JoinPath(data_dir, StrCat("prepared/", Sha256Of(all).Hex().substr(0, 24)));
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(folder, 0700));
  return folder;
}

std::string JsonLines(const std::vector<data::Conversation>& conversations) {
  std::string out;
  for (const data::Conversation& conversation : conversations) {
    out += data::ToJsonLine(conversation);
    out += '\n';
  }
  return out;
}

absl::Status GeneratePersonaFiles(const v1::DataSpec& spec, const std::string& data_dir, bool quiet,
                                  std::string& train_path, std::string& held_out_path) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const std::string persona_path, FindPersona(spec.persona()));
  SHOAL_ASSIGN_OR_RETURN(const Digest persona_digest, Sha256OfFile(persona_path));
  SHOAL_ASSIGN_OR_RETURN(
      const std::string folder,
      PreparedFolder(data_dir, {"persona", persona_digest.Hex(), StrCat(spec.conversations()),
                                StrCat(spec.persona_seed()), StrCat(spec.held_out_fraction())}));
  train_path = JoinPath(folder, "train.jsonl");
  held_out_path = JoinPath(folder, "held_out.jsonl");
  if (files.Exists(train_path) && files.Exists(held_out_path)) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(const data::Persona persona, data::Persona::Load(persona_path));
  Say(quiet, StrCat("generating ", WithCommas(spec.conversations()), " conversations of ",
                    persona.name()));
  SHOAL_ASSIGN_OR_RETURN(const data::PersonaData generated,
                         data::GeneratePersona(persona, spec.conversations(), spec.persona_seed(),
                                               spec.held_out_fraction()));
  SHOAL_RETURN_IF_ERROR(files.WriteFileAtomic(held_out_path, JsonLines(generated.held_out)));
  return files.WriteFileAtomic(train_path, JsonLines(generated.train));
}

absl::Status FetchDatasetFiles(const v1::RunSpec& spec, const LabOptions& options,
                               std::string& train_path, std::string& held_out_path) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(options));
  SHOAL_ASSIGN_OR_RETURN(const LocalDataset local, FetchDataset(lab, spec.data().dataset()));
  const std::string& kind = local.dataset.kind();
  if (spec.train().loss_on() == "response" && (kind == spec::kText || kind == spec::kDocument)) {
    return absl::InvalidArgumentError(
        StrCat(local.dataset.name(), " holds plain text (", kind,
               "): train.loss_on=response needs conversations or labelled texts; learn everything "
               "with --set train.loss_on=all"));
  }
  train_path = local.train_path;
  held_out_path = local.held_out_path;
  return absl::OkStatus();
}

void NoteProblems(const data::Source& source, PreparedData& prepared) {
  if (source.report.malformed_lines > 0) {
    prepared.notes.push_back(StrCat(WithCommas(source.report.malformed_lines),
                                    " malformed lines were left out:\n",
                                    data::FormatProblems(source.report)));
  }
  if (source.report.invalid_utf8_bytes > 0) {
    prepared.notes.push_back(StrCat(WithCommas(source.report.invalid_utf8_bytes), " of ",
                                    WithCommas(source.report.bytes),
                                    " bytes of the text are not UTF-8; they are learned as bytes"));
  }
}

absl::StatusOr<data::Tokenizer> TrainTokenizer(const v1::TokenizerSpec& spec, bool whole,
                                               bool quiet, const data::Source& train) {
  if (spec.kind() == "char") {
    Say(quiet, "training a character-level tokenizer");
    data::CharTrainer trainer;
    for (const data::Example& example : train.examples) trainer.AddText(example.text);
    return trainer.Train();
  }
  Say(quiet, StrCat("training a tokenizer of ", WithCommas(spec.vocab_size()), " tokens"));
  data::BpeTrainerOptions options;
  options.vocab_size = spec.vocab_size();
  options.min_frequency = spec.min_frequency();
  options.threads = static_cast<int>(std::thread::hardware_concurrency());
  if (whole) {
    for (const auto token : {data::kClsToken, data::kSepToken, data::kMaskToken}) {
      options.special_tokens.emplace_back(token);
    }
  }
  data::BpeTrainer trainer(options);
  std::vector<std::string_view> texts;
  for (const data::Example& example : train.examples) texts.push_back(example.text);
  trainer.AddTexts(texts);
  return trainer.Train();
}

absl::StatusOr<std::string> TrainedTokenizer(const v1::RunSpec& spec, const std::string& data_dir,
                                             bool quiet, const std::string& train_digest,
                                             const data::Source& train) {
  RealFileSystem files;
  const v1::TokenizerSpec& wanted = spec.tokenizer();
  std::vector<std::string> inputs = {"tokenizer 3", wanted.kind(), train_digest,
                                     StrCat(train.examples.size()),
                                     StrCat(spec.data().held_out_fraction())};
  if (wanted.kind() != "char") {
    inputs.push_back(StrCat(wanted.vocab_size()));
    inputs.push_back(StrCat(wanted.min_frequency()));
  }
  const bool whole = spec.model().head() != "lm";
  if (whole) inputs.push_back("whole sequences");
  SHOAL_ASSIGN_OR_RETURN(const std::string folder, PreparedFolder(data_dir, inputs));
  const std::string path = JoinPath(folder, "tokenizer.json");
  if (files.Exists(path)) return path;
  SHOAL_ASSIGN_OR_RETURN(const data::Tokenizer tokenizer,
                         TrainTokenizer(wanted, whole, quiet, train));
  SHOAL_RETURN_IF_ERROR(tokenizer.Save(files, path));
  return path;
}

// A tokenizer.json as it is; any other form as the tokenizer.json that means the same.
absl::StatusOr<std::string> GivenTokenizer(const std::string& given, const std::string& data_dir) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const data::TokenizerFiles found, data::FindTokenizerFiles(given));
  if (found.form == data::TokenizerForm::kTokenizerJson) return found.vocabulary;
  std::vector<std::string> inputs = {"tokenizer import 1", StrCat(static_cast<int>(found.form))};
  for (const std::string& file : {found.vocabulary, found.merges}) {
    if (file.empty()) continue;
    SHOAL_ASSIGN_OR_RETURN(const Digest digest, Sha256OfFile(file));
    inputs.push_back(digest.Hex());
  }
  SHOAL_ASSIGN_OR_RETURN(const std::string folder, PreparedFolder(data_dir, inputs));
  const std::string path = JoinPath(folder, "tokenizer.json");
  if (files.Exists(path)) return path;
  SHOAL_ASSIGN_OR_RETURN(const data::Tokenizer tokenizer, data::ImportTokenizer(found));
  SHOAL_RETURN_IF_ERROR(tokenizer.Save(files, path));
  return path;
}

// What a sample of a source's examples is in tokens, after plain text has been cut into windows.
struct SourceSize {
  int64_t examples = 0;  // estimated from the sample; exact for conversations
  double mean_tokens = 0;
  double tokens_variance = 0;
  int64_t sampled = 0;
  int64_t longest = 0;    // tokens of the longest conversation sampled
  int64_t truncated = 0;  // sampled conversations that do not fit into max_seq
  int64_t responses = 0;  // sampled examples with an answer
  int64_t learnable = 0;  // of these, those with a part of the answer within max_seq
  int64_t dropped_bytes = 0;
};

SourceSize MeasureSource(const data::Source& source, const data::Tokenizer& tokenizer,
                         const v1::ModelSpec& model) {
  const bool whole = model.head() != "lm";
  const int64_t max_seq = whole ? model.max_seq() - 1 : model.max_seq();
  data::Encoder encoder(tokenizer);
  std::vector<int32_t> tokens;
  std::vector<uint8_t> response;
  SourceSize size;
  const auto count = static_cast<int64_t>(source.examples.size());
  const int64_t stride = std::max<int64_t>(1, count / kSampledExamples);
  int64_t windows = 0;
  double total = 0, squares = 0;
  for (int64_t i = 0; i < count; i += stride, ++size.sampled) {
    const data::Example& example = source.examples[static_cast<size_t>(i)];
    if (whole) {
      const bool answers = model.head() == "mlm";
      data::EncodeWhole(example, answers, tokenizer, encoder, tokens);
      response.assign(tokens.size(), 0);
    } else {
      data::EncodeExample(example, encoder, tokens, response);
    }
    const auto length = static_cast<int64_t>(tokens.size());
    // A window has max_seq + 1 tokens and shares one with the next.
    const int64_t cut = example.chat ? 1 : std::max<int64_t>(1, (length + max_seq - 2) / max_seq);
    const auto used =
        static_cast<double>(example.chat ? std::min(length, max_seq + 1) : length + cut - 1);
    total += used;
    squares += used * used / static_cast<double>(cut);  // its windows as if of one length
    windows += cut;
    if (!example.chat) continue;
    const auto first = std::find(response.begin(), response.end(), 1) - response.begin();
    size.longest = std::max(size.longest, length);
    size.truncated += length > max_seq + 1;
    size.responses += first < length;
    size.learnable += first < std::min(length, max_seq + 1);
  }
  if (windows > 0) {
    size.mean_tokens = total / static_cast<double>(windows);
    size.tokens_variance =
        squares / static_cast<double>(windows) - size.mean_tokens * size.mean_tokens;
  }
  if (size.sampled > 0) size.examples = windows * count / size.sampled;
  size.dropped_bytes = encoder.stats().dropped_bytes;
  return size;
}

// What does not fit into the model's context: told, and refused when nothing is left to learn.
absl::Status CheckLengths(const v1::RunSpec& spec, const SourceSize& train,
                          std::vector<std::string>& notes) {
  const int32_t max_seq = spec.model().max_seq();
  if (spec.train().loss_on() == "response" && train.responses == 0) {
    return absl::InvalidArgumentError(
        "data: no example has a response to learn: give conversations or labelled texts, or learn "
        "everything with train.loss_on=all");
  }
  if (spec.train().loss_on() == "response" && train.learnable == 0) {
    return absl::InvalidArgumentError(
        StrCat("model.max_seq: no example has a part of its response within ", max_seq,
               " tokens (the longest has ", train.longest,
               "): raise model.max_seq, or learn everything with train.loss_on=all"));
  }
  if (train.truncated > 0) {
    notes.push_back(StrCat(WithCommas(train.truncated), " of ", WithCommas(train.sampled),
                           " sampled conversations are longer than model.max_seq ", max_seq,
                           " (the longest has ", train.longest,
                           " tokens): their ends are left out"));
  }
  return absl::OkStatus();
}

absl::Status Measure(const v1::RunSpec& spec, const data::Tokenizer& tokenizer,
                     const data::SplitSource& split, PreparedData& prepared) {
  const SourceSize train = MeasureSource(split.train, tokenizer, spec.model());
  const SourceSize held_out = MeasureSource(split.held_out, tokenizer, spec.model());
  prepared.mean_tokens = train.mean_tokens;
  prepared.tokens_variance = train.tokens_variance;
  prepared.train_examples = train.examples;
  prepared.held_out_examples = held_out.examples;
  if (train.examples == 0 || held_out.examples == 0) {
    return absl::InvalidArgumentError(
        StrCat(train.examples == 0 ? "no training example" : "no held-out example", " is left of ",
               split.train.examples.size() + split.held_out.examples.size(),
               ": give more data, a data.held_out file, or another data.held_out_fraction"));
  }
  SHOAL_RETURN_IF_ERROR(CheckLengths(spec, train, prepared.notes));
  if (train.dropped_bytes > 0) {
    prepared.notes.push_back(
        StrCat("the tokenizer has no token for ", WithCommas(train.dropped_bytes), " bytes of ",
               WithCommas(train.sampled),
               " sampled examples: they are left out, as the tokenizer's own library does"));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<v1::DataBinding> PreparedData::Bindings() const {
  std::vector<v1::DataBinding> bindings;
  for (const PreparedFile& file : files) bindings.push_back(file.binding);
  return bindings;
}

absl::StatusOr<PreparedData> PrepareData(const v1::RunSpec& spec, const LabOptions& lab,
                                         bool quiet) {
  const std::string& data_dir = lab.data_dir;
  SHOAL_RETURN_IF_ERROR(CheckDataDir(data_dir));
  PreparedData prepared;
  std::string train_path = spec.data().train();
  std::string held_out_path = spec.data().held_out();
  if (!spec.data().persona().empty()) {
    SHOAL_RETURN_IF_ERROR(
        GeneratePersonaFiles(spec.data(), data_dir, quiet, train_path, held_out_path));
  } else if (!spec.data().dataset().empty()) {
    SHOAL_RETURN_IF_ERROR(FetchDatasetFiles(spec, lab, train_path, held_out_path), "data.dataset");
  }
  SHOAL_ASSIGN_OR_RETURN(PreparedFile train_file, Bind(v1::BINDING_ROLE_TRAIN, train_path),
                         "data.train");
  const std::string train_digest = train_file.binding.sha256();
  prepared.files.push_back(std::move(train_file));
  if (!held_out_path.empty()) {
    SHOAL_ASSIGN_OR_RETURN(PreparedFile file, Bind(v1::BINDING_ROLE_HELD_OUT, held_out_path),
                           "data.held_out");
    prepared.files.push_back(std::move(file));
  }
  SHOAL_ASSIGN_OR_RETURN(
      const data::SplitSource split,
      data::ReadTrainingText({train_path, train_path}, {held_out_path, held_out_path},
                             spec.data().held_out_fraction()));
  NoteProblems(split.train, prepared);
  NoteProblems(split.held_out, prepared);
  if (!spec.data().dataset().empty() && held_out_path.empty()) {
    prepared.notes.push_back(
        StrCat("data set ", spec.data().dataset(),
               " has no held-out part: ", spec.data().held_out_fraction() * 100,
               " % of it (data.held_out_fraction) are kept apart and not trained on"));
  }

  std::string tokenizer_path;
  if (spec.tokenizer().path().empty()) {
    SHOAL_ASSIGN_OR_RETURN(tokenizer_path,
                           TrainedTokenizer(spec, data_dir, quiet, train_digest, split.train));
  } else {
    SHOAL_ASSIGN_OR_RETURN(tokenizer_path, GivenTokenizer(spec.tokenizer().path(), data_dir),
                           "tokenizer.path");
  }
  SHOAL_ASSIGN_OR_RETURN(const data::Tokenizer tokenizer, data::Tokenizer::Load(tokenizer_path),
                         "tokenizer");
  prepared.tokenizer_size = tokenizer.vocab_size();
  if (spec.model().head() == "classifier") {
    prepared.labels = static_cast<int64_t>(data::ClassesOf(split.train.examples).size());
    if (prepared.labels < 2) {
      return absl::InvalidArgumentError(
          StrCat("data: a classifier needs examples with at least two labels (\"label\", or the "
                 "topic of a conversation); these have ",
                 prepared.labels));
    }
    const int32_t wanted = spec.model().n_labels();
    if (wanted != 0 && wanted < prepared.labels) {
      return absl::InvalidArgumentError(StrCat("model.n_labels: must be 0 or at least ",
                                               prepared.labels, ", the labels of the data; is ",
                                               wanted));
    }
  }
  if (spec.model().head() == "mlm" && !data::MaskTokenOf(tokenizer).has_value()) {
    return absl::InvalidArgumentError(
        "tokenizer: head mlm needs a [MASK] token, and this one has none: leave tokenizer.path out "
        "and keep tokenizer.kind bpe to train one that has it, or use BERT's vocab.txt");
  }
  SHOAL_RETURN_IF_ERROR(Measure(spec, tokenizer, split, prepared));
  SHOAL_ASSIGN_OR_RETURN(PreparedFile file, Bind(v1::BINDING_ROLE_TOKENIZER, tokenizer_path),
                         "tokenizer.path");
  SHOAL_ASSIGN_OR_RETURN(std::vector<PreparedFile> teachers,
                         FetchTeachers(spec, lab, file.binding.sha256()));
  prepared.files.push_back(std::move(file));
  for (PreparedFile& teacher : teachers) prepared.files.push_back(std::move(teacher));
  return prepared;
}

}  // namespace shoal::cli
