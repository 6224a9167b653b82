// shoal tokenizer lint: what is wrong with a tokenizer, before a model is trained with it.

#include <cstdio>
#include <memory>

#include "cli/commands/tokenizer.h"
#include "cli/output/format.h"
#include "core/base/status.h"
#include "core/data/tokenizer/tokenizer_import.h"
#include "core/data/tokenizer/tokenizer_lint.h"

namespace shoal::cli {
namespace {

struct Options {
  std::string path;
  std::vector<std::string> corpus;
  data::TokenizerLintLimits limits;
};

std::string Quoted(std::string_view text) {
  return StrCat("\"", Printable(std::string(text), false), "\"");
}

// "0x00..0x1f 0x7f"
std::string ByteRanges(const std::vector<uint8_t>& bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size();) {
    size_t last = i;
    while (last + 1 < bytes.size() && bytes[last + 1] == bytes[last] + 1) ++last;
    char range[16];
    std::snprintf(range, sizeof range, last > i ? "0x%02x..0x%02x" : "0x%02x", bytes[i],
                  bytes[last]);
    StrAppend(out, out.empty() ? "" : " ", range);
    i = last + 1;
  }
  return out;
}

void PrintVocabulary(const data::Tokenizer& tokenizer, const data::VocabularyFacts& facts) {
  const bool over_bytes = tokenizer.parts().kind == data::ModelKind::kByteBpe;
  std::printf("vocabulary   %s entries: %s added tokens, %s %s, %s merges\n",
              WithCommas(facts.entries).c_str(), WithCommas(facts.added).c_str(),
              WithCommas(facts.symbols).c_str(), over_bytes ? "bytes" : "characters",
              WithCommas(facts.merges).c_str());
  if (facts.entries != facts.size) {
    std::printf("             %s ids are not used\n",
                WithCommas(facts.size - facts.entries).c_str());
  }
  if (over_bytes && !facts.lost_bytes.empty()) {
    std::printf("no token     %s bytes: %s\n", StrCat(facts.lost_bytes.size()).c_str(),
                ByteRanges(facts.lost_bytes).c_str());
  }
}

void PrintCost(const char* name, const data::TokenCost& cost) {
  std::printf("%s %6.2f tokens a word, %5.2f bytes a token, %s bytes lost\n", name,
              cost.tokens_per_word(), cost.bytes_per_token(), WithCommas(cost.lost_bytes).c_str());
}

void PrintCorpus(const data::Tokenizer& tokenizer, const data::TokenizerLint& lint) {
  const data::CorpusFacts& facts = lint.corpus;
  std::printf("text         %s: %s texts, %s, %s tokens\n",
              lint.own_corpus ? "the corpus" : "built-in sentences (--text gives your own)",
              WithCommas(facts.texts).c_str(), HumanBytes(facts.cost.bytes).c_str(),
              WithCommas(facts.cost.tokens).c_str());
  PrintCost("as written  ", facts.cost);
  PrintCost("upper case  ", facts.upper);
  if (facts.numbers.words > 0) PrintCost("numbers     ", facts.numbers);
  if (facts.unknown_tokens > 0) {
    std::printf("unknown      %s tokens\n", WithCommas(facts.unknown_tokens).c_str());
  }
  if (!facts.lost.empty()) {
    std::string list;
    for (const data::LostCharacter& lost : facts.lost) {
      StrAppend(list, list.empty() ? "" : ", ", Quoted(lost.text), " ", WithCommas(lost.count));
    }
    std::printf("lost         %s%s\n", list.c_str(),
                facts.lost_kinds > static_cast<int64_t>(facts.lost.size()) ? ", ..." : "");
  }
  if (facts.changed > 0) {
    std::printf("comes back   %s of %s texts; first change: %s -> %s\n",
                WithCommas(facts.texts - facts.changed).c_str(), WithCommas(facts.texts).c_str(),
                Quoted(facts.changed_from).c_str(), Quoted(facts.changed_to).c_str());
  } else {
    std::printf("comes back   every text, byte for byte\n");
  }
  if (!lint.own_corpus) return;
  std::string examples;
  for (const int32_t id : facts.unseen_ids) {
    StrAppend(examples, " ", Quoted(tokenizer.TokenBytes(id)));
  }
  std::printf(
      "never seen   %s of %s entries (%s %%)%s%s\n", WithCommas(facts.unseen).c_str(),
      WithCommas(facts.ordinary).c_str(),
      Fixed(100.0 * double(facts.unseen) / double(std::max<int64_t>(1, facts.ordinary)), 1).c_str(),
      examples.empty() ? "" : ":", examples.c_str());
}

std::string CostJson(const data::TokenCost& cost) {
  return StrCat("{\"words\":", cost.words, ",\"bytes\":", cost.bytes, ",\"tokens\":", cost.tokens,
                ",\"lost_bytes\":", cost.lost_bytes,
                ",\"tokens_per_word\":", cost.tokens_per_word(),
                ",\"bytes_per_token\":", cost.bytes_per_token(), "}");
}

template <typename Items, typename ToJson>
std::string ListJson(const Items& items, ToJson&& to_json) {
  std::string out = "[";
  for (const auto& item : items) StrAppend(out, out.size() > 1 ? "," : "", to_json(item));
  return out + "]";
}

std::string VocabularyJson(const data::VocabularyFacts& facts) {
  return StrCat(
      "{\"size\":", facts.size, ",\"entries\":", facts.entries, ",\"added\":", facts.added,
      ",\"merges\":", facts.merges, ",\"symbols\":", facts.symbols, ",\"lost_bytes\":",
      ListJson(facts.lost_bytes, [](uint8_t byte) { return StrCat(static_cast<int>(byte)); }),
      ",\"lost_upper\":", JsonReply::Quote(facts.lost_upper),
      ",\"lost_lower\":", JsonReply::Quote(facts.lost_lower),
      ",\"lost_digits\":", JsonReply::Quote(facts.lost_digits),
      ",\"lost_punctuation\":", JsonReply::Quote(facts.lost_punctuation),
      ",\"missing_chat_tokens\":", ListJson(facts.missing_chat_tokens, JsonReply::Quote), "}");
}

std::string CorpusJson(const data::Tokenizer& tokenizer, const data::TokenizerLint& lint) {
  const data::CorpusFacts& facts = lint.corpus;
  std::string out = StrCat(
      "{\"own\":", lint.own_corpus ? "true" : "false", ",\"texts\":", facts.texts,
      ",\"as_written\":", CostJson(facts.cost), ",\"upper_case\":", CostJson(facts.upper),
      ",\"numbers\":", CostJson(facts.numbers), ",\"unknown_tokens\":", facts.unknown_tokens,
      ",\"changed\":", facts.changed, ",\"lost_kinds\":", facts.lost_kinds,
      ",\"lost\":", ListJson(facts.lost, [](const data::LostCharacter& lost) {
        return StrCat("{\"text\":", JsonReply::Quote(lost.text), ",\"count\":", lost.count, "}");
      }));
  if (lint.own_corpus) {
    StrAppend(out, ",\"ordinary\":", facts.ordinary, ",\"never_seen\":", facts.unseen,
              ",\"never_seen_examples\":", ListJson(facts.unseen_ids, [&](int32_t id) {
                return JsonReply::Quote(std::string(tokenizer.TokenBytes(id)));
              }));
  }
  return out + "}";
}

void PrintJson(const data::Tokenizer& tokenizer, const data::TokenizerLint& lint) {
  JsonReply()
      .AddRaw("passed", lint.passed() ? "true" : "false")
      .AddRaw("vocabulary", VocabularyJson(lint.vocabulary))
      .AddRaw("corpus", CorpusJson(tokenizer, lint))
      .AddRaw("findings", ListJson(lint.findings,
                                   [](const data::TokenizerFinding& finding) {
                                     return StrCat("{\"fails\":", finding.fails ? "true" : "false",
                                                   ",\"what\":", JsonReply::Quote(finding.what),
                                                   ",\"remedy\":", JsonReply::Quote(finding.remedy),
                                                   "}");
                                   }))
      .Print();
}

absl::Status Lint(Globals& globals, const Options& options) {
  SHOAL_ASSIGN_OR_RETURN(const data::Tokenizer tokenizer, OpenTokenizer(options.path));
  SHOAL_ASSIGN_OR_RETURN(const TokenizerCorpus corpus,
                         ReadTokenizerCorpus(globals, options.corpus));
  const data::TokenizerLint lint = data::LintTokenizer(tokenizer, corpus.texts, options.limits);
  if (!lint.passed()) globals.exit_code = kJobFailed;
  if (globals.json) {
    PrintJson(tokenizer, lint);
    return absl::OkStatus();
  }
  PrintVocabulary(tokenizer, lint.vocabulary);
  PrintCorpus(tokenizer, lint);
  for (const data::TokenizerFinding& finding : lint.findings) {
    std::printf("\n%s %s\n     %s\n",
                Styled(globals.terminal, finding.fails ? Style::kRed : Style::kYellow,
                       finding.fails ? "FAIL" : "warn")
                    .c_str(),
                Printable(finding.what, false).c_str(), Printable(finding.remedy, false).c_str());
  }
  if (lint.findings.empty()) std::printf("\nnothing to complain about\n");
  return absl::OkStatus();
}

}  // namespace

void AddTokenizerLint(CLI::App& tokenizer, Globals& globals) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      tokenizer, globals,
      {"lint",
       "Look for lost bytes, unused tokens and costly text",
       {"shoal tokenizer lint tokenizer.json",
        "shoal tokenizer lint tokenizer.json --text train.jsonl --text eval.jsonl"},
       "Exit code 3 when text is lost without a trace or does not come back although nothing was "
       "normalized; warnings do not change it."},
      [&globals, options] { return Lint(globals, *options); });
  command->add_option("path", options->path, "The tokenizer, in any form that import takes")
      ->required();
  command->add_option("--text", options->corpus,
                      StrCat("A text it is to be used on: ", kCorpusHelp));
  command->add_option("--show", options->limits.unseen, "Tokens that are never seen to show")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
}

}  // namespace shoal::cli
