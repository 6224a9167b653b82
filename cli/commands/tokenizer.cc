// shoal tokenizer: train, import, look at and check tokenizers. Lint is in tokenizer_lint.cc.

#include "cli/commands/tokenizer.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <thread>

#include "cli/lab/datasets.h"
#include "cli/lab/files_check.h"
#include "cli/output/format.h"
#include "cli/output/table.h"
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/data/import/import_sink.h"
#include "core/data/import/input_stream.h"
#include "core/data/text_source.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "core/data/tokenizer/char_trainer.h"
#include "core/data/tokenizer/tokenizer_import.h"
#include "core/data/utf8.h"

namespace shoal::cli {
namespace {

struct TrainOptions {
  std::vector<std::string> files;
  std::string kind = "bpe";
  int32_t vocab_size = 2048;
  int64_t min_frequency = 2;
  int threads = 0;
  std::string out;
};

std::string_view KindName(data::ModelKind kind) {
  switch (kind) {
    case data::ModelKind::kByteBpe:
      return "byte-level BPE";
    case data::ModelKind::kCharBpe:
      return "BPE over characters";
    case data::ModelKind::kWordPiece:
      return "WordPiece";
  }
  return "";
}

// Written atomically; what was written, as a person or a program wants to know it.
absl::Status Write(Globals& globals, const data::Tokenizer& tokenizer, const std::string& out,
                   JsonReply& reply, const std::string& line) {
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(tokenizer.Save(files, out));
  if (!globals.json) {
    std::printf("%s\nwritten to %s\n", line.c_str(), Printable(out, false).c_str());
    return absl::OkStatus();
  }
  reply.AddText("kind", std::string(KindName(tokenizer.parts().kind)))
      .AddNumber("entries", tokenizer.vocab_size())
      .AddText("path", out)
      .AddText("sha256", Sha256Of(tokenizer.ToJson()).Hex())
      .Print();
  return absl::OkStatus();
}

// The file of a source: a path, or the training part of a data set.
absl::StatusOr<std::string> PathOf(const Globals& globals, const std::string& source) {
  if (RealFileSystem().Exists(source)) return source;
  if (!CheckDatasetName(source).ok() || source.find('.') != std::string::npos) {
    SHOAL_RETURN_IF_ERROR(CheckThere(source));
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const LocalDataset set, FetchDataset(lab, source),
                         "no such file or folder either");
  return set.train_path;
}

absl::StatusOr<data::Source> ReadCorpusFile(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(std::string text, data::ReadWhole(path, data::kMaxInputBytes));
  if (data::DataExtension(path) != ".txt") return data::ParseJsonl(text, path);
  if (text.empty()) return absl::InvalidArgumentError(StrCat(path, " is empty"));
  data::Source source;
  data::Example& example = source.examples.emplace_back();
  example.text = std::move(text);
  return source;
}

absl::Status Train(Globals& globals, const TrainOptions& options) {
  SHOAL_RETURN_IF_ERROR(CheckCanBeMade("--out", options.out));
  const absl::Time start = globals.clock().Now();
  SHOAL_ASSIGN_OR_RETURN(const TokenizerCorpus corpus, ReadTokenizerCorpus(globals, options.files));
  const absl::Time read = globals.clock().Now();
  JsonReply reply;
  std::string what;
  absl::StatusOr<data::Tokenizer> tokenizer;
  if (options.kind == "char") {
    data::CharTrainer trainer;
    for (const std::string_view text : corpus.texts) trainer.AddText(text);
    data::CharTrainerReport report;
    tokenizer = trainer.Train(&report);
    what = StrCat(WithCommas(report.characters), " characters");
    if (report.invalid_utf8_bytes > 0) {
      StrAppend(what, "; ", WithCommas(report.invalid_utf8_bytes),
                " bytes are not UTF-8 and became none");
    }
    reply.AddNumber("characters", report.characters);
  } else {
    const int machine = static_cast<int>(std::thread::hardware_concurrency());
    data::BpeTrainer trainer({.vocab_size = options.vocab_size,
                              .min_frequency = options.min_frequency,
                              .threads = options.threads > 0 ? options.threads : machine});
    trainer.AddTexts(corpus.texts);
    data::BpeTrainerReport report;
    tokenizer = trainer.Train(&report);
    what = StrCat(WithCommas(report.merges), " merges from ", WithCommas(report.unique_words),
                  " different words");
    if (tokenizer.ok() && report.vocab_size < options.vocab_size) {
      StrAppend(what, "; no more pairs occur ", options.min_frequency, " times");
    }
    reply.AddNumber("merges", report.merges).AddNumber("words", double(report.words));
  }
  SHOAL_RETURN_IF_ERROR(tokenizer);
  const absl::Time end = globals.clock().Now();
  reply.AddNumber("text_bytes", double(corpus.bytes))
      .AddNumber("read_seconds", absl::ToDoubleSeconds(read - start))
      .AddNumber("train_seconds", absl::ToDoubleSeconds(end - read));
  return Write(
      globals, *tokenizer, options.out, reply,
      StrCat(WithCommas(tokenizer->vocab_size()), " tokens: ", what, "\n", HumanBytes(corpus.bytes),
             " of text read in ", Fixed(absl::ToDoubleSeconds(read - start), 2), " s, trained in ",
             Fixed(absl::ToDoubleSeconds(end - read), 2), " s"));
}

absl::Status Import(Globals& globals, const std::vector<std::string>& paths, bool chat_tokens,
                    const std::string& out) {
  SHOAL_RETURN_IF_ERROR(CheckCanBeMade("--out", out));
  for (const std::string& path : paths) SHOAL_RETURN_IF_ERROR(CheckThere(path));
  SHOAL_ASSIGN_OR_RETURN(
      const data::TokenizerFiles files,
      data::FindTokenizerFiles(paths[0], paths.size() > 1 ? paths[1] : std::string()));
  SHOAL_ASSIGN_OR_RETURN(data::Tokenizer tokenizer, data::ImportTokenizer(files));
  if (chat_tokens) {
    SHOAL_ASSIGN_OR_RETURN(tokenizer, data::WithChatTokens(tokenizer));
  }
  JsonReply reply;
  return Write(
      globals, tokenizer, out, reply,
      StrCat(WithCommas(tokenizer.vocab_size()), " tokens of ", KindName(tokenizer.parts().kind)));
}

// A token's text in quotes; bytes that are not UTF-8 as \\xNN.
std::string Piece(const data::Tokenizer& tokenizer, int32_t id) {
  std::string out = "\"";
  std::string_view text = tokenizer.TokenBytes(id);
  while (!text.empty()) {
    const data::Utf8Step step = data::NextUtf8(text);
    if (step.kind == data::Utf8Step::Kind::kComplete) {
      out += Printable(std::string(text.substr(0, step.bytes)), false);
    } else {
      for (const char c : text.substr(0, step.bytes)) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
        out += escaped;
      }
    }
    text.remove_prefix(step.bytes);
  }
  return out + "\"";
}

void PrintShow(const data::Tokenizer& tokenizer, const std::string& sha256) {
  const data::TokenizerParts& parts = tokenizer.parts();
  std::printf("%s, %s tokens", std::string(KindName(parts.kind)).c_str(),
              WithCommas(tokenizer.vocab_size()).c_str());
  if (parts.kind != data::ModelKind::kWordPiece) {
    std::printf(", %s merges", WithCommas(static_cast<int64_t>(parts.merges.size())).c_str());
  }
  std::printf("\nsha256 %s\n", sha256.c_str());
  std::printf("normalizer     %s\n", tokenizer.NormalizerText().c_str());
  std::printf("pre-tokenizer  %s\n", Printable(tokenizer.PretokenizerText(), false).c_str());
  std::printf("unknown        %s\n",
              parts.unknown.has_value()
                  ? std::string(tokenizer.TokenBytes(*parts.unknown, true)).c_str()
                  : "none: what has no token is dropped and counted");
  std::printf("bits per byte  %s\n", tokenizer.CountsBytes()
                                         ? "defined"
                                         : "not defined: text does not come back as it was");
  std::printf("missing        %s of 256 bytes\n", StrCat(tokenizer.MissingBytes().size()).c_str());
  for (const data::AddedToken& token : parts.added) {
    std::printf("added token    %6d  %s%s\n", token.id, Printable(token.content, false).c_str(),
                token.special ? "  (special)" : "");
  }
}

absl::Status Show(Globals& globals, const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const data::Tokenizer tokenizer, OpenTokenizer(path));
  const std::string sha256 = Sha256Of(tokenizer.ToJson()).Hex();
  if (!globals.json) {
    PrintShow(tokenizer, sha256);
    return absl::OkStatus();
  }
  std::string added = "[";
  for (const data::AddedToken& token : tokenizer.parts().added) {
    StrAppend(added, added.size() > 1 ? "," : "", "{\"id\":", token.id,
              ",\"content\":", JsonReply::Quote(token.content),
              ",\"special\":", token.special ? "true" : "false", "}");
  }
  JsonReply()
      .AddText("kind", std::string(KindName(tokenizer.parts().kind)))
      .AddNumber("entries", tokenizer.vocab_size())
      .AddNumber("merges", static_cast<double>(tokenizer.parts().merges.size()))
      .AddText("sha256", sha256)
      .AddText("normalizer", tokenizer.NormalizerText())
      .AddText("pre_tokenizer", tokenizer.PretokenizerText())
      .AddRaw("bits_per_byte", tokenizer.CountsBytes() ? "true" : "false")
      .AddNumber("missing_bytes", static_cast<double>(tokenizer.MissingBytes().size()))
      .AddRaw("added_tokens", added + "]")
      .Print();
  return absl::OkStatus();
}

std::string ReadStdin() {
  std::string text;
  char buffer[1 << 16];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) text.append(buffer, n);
  return text;
}

absl::Status Encode(Globals& globals, const std::string& path, const std::string& given,
                    bool ordinary) {
  SHOAL_ASSIGN_OR_RETURN(const data::Tokenizer tokenizer, OpenTokenizer(path));
  const std::string text = given == "-" ? ReadStdin() : given;
  data::EncodeStats stats;
  const std::vector<int32_t> ids =
      ordinary ? tokenizer.EncodeOrdinary(text, &stats) : tokenizer.Encode(text, &stats);
  const std::string back = tokenizer.Decode(ids);
  if (globals.json) {
    std::string list = "[", pieces = "[";
    for (const int32_t id : ids) {
      StrAppend(list, list.size() > 1 ? "," : "", id);
      StrAppend(pieces, pieces.size() > 1 ? "," : "",
                JsonReply::Quote(std::string(tokenizer.TokenBytes(id))));
    }
    JsonReply()
        .AddRaw("ids", list + "]")
        .AddRaw("pieces", pieces + "]")
        .AddNumber("dropped_bytes", static_cast<double>(stats.dropped_bytes))
        .AddText("decoded", back)
        .AddRaw("round_trip", back == text ? "true" : "false")
        .Print();
    return absl::OkStatus();
  }
  Table table({{"ID", Table::Align::kRight}, {"PIECE"}});
  for (const int32_t id : ids) table.Add({StrCat(id), Piece(tokenizer, id)});
  std::printf("%s", table.empty() ? "" : table.Render(globals.terminal).c_str());
  std::printf(
      "%s tokens for %s bytes%s\n", WithCommas(static_cast<int64_t>(ids.size())).c_str(),
      WithCommas(static_cast<int64_t>(text.size())).c_str(),
      back == text ? "; decoding gives the text back" : "; decoding does not give the text back:");
  if (back != text) std::printf("%s\n", Printable(back, true).c_str());
  if (stats.dropped_bytes > 0) {
    std::fprintf(stderr, "note: %s bytes have no token\n", WithCommas(stats.dropped_bytes).c_str());
  }
  return absl::OkStatus();
}

void AddTrain(CLI::App& tokenizer, Globals& globals) {
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* command =
      AddCommand(tokenizer, globals,
                 {"train",
                  "Train a tokenizer on files or data sets",
                  {"shoal tokenizer train chats.jsonl.gz --vocab-size 4096 --out tokenizer.json",
                   "shoal tokenizer train my-chats --out tokenizer.json  # a data set of the lab",
                   "shoal tokenizer train shakespeare.txt --kind char --out tokenizer.json"}},
                 [&globals, options] { return Train(globals, *options); });
  command->add_option("files", options->files, StrCat("Training text: ", kCorpusHelp))->required();
  command->add_option("--out,-o", options->out, "The tokenizer.json to write")->required();
  command->add_option("--kind", options->kind, "bpe: byte-level; char: one token per character")
      ->check(CLI::IsMember({"bpe", "char"}))
      ->capture_default_str();
  command
      ->add_option("--vocab-size", options->vocab_size,
                   "Tokens, its 256 bytes and 3 special tokens included (bpe)")
      ->check(CLI::Range(259, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--min-frequency", options->min_frequency, "A merge must occur this often (bpe)")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--threads", options->threads,
                   "Threads that count words; the result is the same with any number "
                   "(default: the machine's)")
      ->check(CLI::Range(1, 64));
}

void AddImport(CLI::App& tokenizer, Globals& globals) {
  struct Options {
    std::vector<std::string> paths;
    bool chat_tokens = false;
    std::string out;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      tokenizer, globals,
      {"import",
       "Turn a published tokenizer into one tokenizer.json",
       {"shoal tokenizer import gpt2/encoder.json gpt2/vocab.bpe --out tokenizer.json",
        "shoal tokenizer import bert-uncased/vocab.txt --chat-tokens --out tokenizer.json"}},
      [&globals, options] {
        return Import(globals, options->paths, options->chat_tokens, options->out);
      });
  command
      ->add_option("paths", options->paths,
                   "tokenizer.json; encoder.json or vocab.json with its merges (vocab.bpe, "
                   "merges.txt; looked for beside it); vocab.txt of WordPiece; or a folder with "
                   "one of them")
      ->required()
      ->expected(1, 2);
  command->add_option("--out,-o", options->out, "The tokenizer.json to write")->required();
  command->add_flag("--chat-tokens", options->chat_tokens,
                    "Add <pad>, <|im_start|> and <|im_end|> where they are missing");
}

void AddShowAndEncode(CLI::App& tokenizer, Globals& globals) {
  struct Options {
    std::string path;
    std::string text;
    bool ordinary = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* show = AddCommand(
      tokenizer, globals,
      {"show",
       "Show what a tokenizer is made of",
       {"shoal tokenizer show tokenizer.json", "shoal tokenizer show gpt2/encoder.json --json"}},
      [&globals, options] { return Show(globals, options->path); });
  show->add_option("path", options->path, "The tokenizer, in any form that import takes")
      ->required();
  CLI::App* encode =
      AddCommand(tokenizer, globals,
                 {"encode",
                  "Print the ids and pieces of a text",
                  {"shoal tokenizer encode tokenizer.json 'Hello, World!'",
                   "echo 'Hello' | shoal tokenizer encode tokenizer.json - --json"}},
                 [&globals, options] {
                   return Encode(globals, options->path, options->text, options->ordinary);
                 });
  encode->add_option("path", options->path, "The tokenizer, in any form that import takes")
      ->required();
  encode->add_option("text", options->text, "The text, or - for standard input")->required();
  encode->add_flag("--ordinary", options->ordinary,
                   "Special tokens written in the text are text, as in what a user types");
}

}  // namespace

absl::StatusOr<data::Tokenizer> OpenTokenizer(const std::string& path) {
  SHOAL_RETURN_IF_ERROR(CheckThere(path));
  SHOAL_ASSIGN_OR_RETURN(const data::TokenizerFiles files, data::FindTokenizerFiles(path));
  return data::ImportTokenizer(files);
}

absl::StatusOr<TokenizerCorpus> ReadTokenizerCorpus(const Globals& globals,
                                                    const std::vector<std::string>& sources) {
  TokenizerCorpus corpus;
  for (const std::string& source : sources) {
    SHOAL_ASSIGN_OR_RETURN(const std::string path, PathOf(globals, source));
    SHOAL_ASSIGN_OR_RETURN(data::Source read, ReadCorpusFile(path), source);
    if (read.report.malformed_lines > 0) {
      std::fprintf(stderr, "%s",
                   StrCat("note: ", WithCommas(read.report.malformed_lines),
                          " malformed lines were left out:\n",
                          Printable(data::FormatProblems(read.report), true))
                       .c_str());
    }
    std::move(read.examples.begin(), read.examples.end(), std::back_inserter(corpus.examples));
  }
  for (const data::Example& example : corpus.examples) {
    corpus.texts.push_back(example.text);
    corpus.bytes += static_cast<int64_t>(example.text.size());
  }
  return corpus;
}

void AddTokenizer(CLI::App& app, Globals& globals) {
  CLI::App* tokenizer =
      AddCommand(app, globals,
                 {"tokenizer",
                  "Tokenizers: train, import, show, encode with and lint them",
                  {"shoal tokenizer train chats.jsonl --vocab-size 4096 --out tokenizer.json",
                   "shoal tokenizer lint tokenizer.json --text chats.jsonl"}},
                 nullptr);
  AddTrain(*tokenizer, globals);
  AddImport(*tokenizer, globals);
  AddShowAndEncode(*tokenizer, globals);
  AddTokenizerLint(*tokenizer, globals);
}

}  // namespace shoal::cli
