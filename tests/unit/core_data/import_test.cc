// Foreign formats: what comes in, what is left out and why.
#include "core/data/import/import.h"

#include "core/data/dataset/record.h"
#include "tests/unit/core_data/import_fixture.h"

namespace shoal::data {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(ImportTest, JsonLinesOfConversations) {
  const ImportResult result = ImportOk(
      Write("a.jsonl",
            "{\"prompt\":\"hi\",\"response\":\"hello\",\"topic\":\"greet\"}\n"
            "\n"
            "{\"messages\":[{\"role\":\"system\",\"content\":\"be kind\"},{\"role\":\"user\","
            "\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\\nb\"}]}\r\n"
            "{\"input\":\"1+1\",\"output\":\"2\"}\n"
            "{\"instruction\":\"add\",\"input\":\"1 and 2\",\"output\":\"3\",\"id\":7}\n"
            "{\"text\":\"<|im_start|>user\\nhey<|im_end|>\\n<|im_start|>assistant\\nyo<|im_end|>\","
            "\"category\":\"slang\"}\n"),
      All());
  EXPECT_EQ(result.data.kind, DatasetKind::kConversations);
  EXPECT_EQ(result.report.examples, 5);
  EXPECT_EQ(result.report.empty, 1);
  EXPECT_THAT(
      TrainLines(result),
      ElementsAre(
          R"({"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}],"topic":"greet"})",
          R"({"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"q"},{"role":"assistant","content":"a\nb"}]})",
          R"({"messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":"2"}]})",
          R"({"messages":[{"role":"user","content":"add\n\n1 and 2"},{"role":"assistant","content":"3"}]})",
          R"({"messages":[{"role":"user","content":"hey"},{"role":"assistant","content":"yo"}],"topic":"slang"})"));
  EXPECT_THAT(result.notes, Contains(HasSubstr("not used: id")));
  EXPECT_TRUE(result.data.held_out_path.empty());
}

TEST_F(ImportTest, JsonLinesOfLabelledTexts) {
  const ImportResult result = ImportOk(Write("a.jsonl",
                                             "{\"text\":\"good\",\"label\":1}\n"
                                             "{\"text\":\"bad\",\"label\":\"0\"}\n"
                                             "{\"text\":\"so so\"}\n"
                                             "{\"text\":\"odd\",\"label\":[1]}\n"
                                             "{\"text\":\"\",\"label\":1}\n"
                                             "{\"text\":\"none\",\"label\":\" \"}\n"),
                                       All());
  EXPECT_EQ(result.data.kind, DatasetKind::kLabelled);
  EXPECT_THAT(result.data.labels, ElementsAre("0", "1"));
  EXPECT_THAT(TrainLines(result),
              ElementsAre(R"({"text":"good","label":"1"})", R"({"text":"bad","label":"0"})"));
  EXPECT_EQ(result.report.empty, 1);
  EXPECT_THAT(Problems(result),
              ElementsAre("a.jsonl:3: has no label, but a.jsonl:1 has one",
                          "a.jsonl:4: \"label\" is neither a string nor a whole number",
                          "a.jsonl:6: \"label\" is empty"));
}

TEST_F(ImportTest, MembersByName) {
  ImportOptions options = All();
  options.columns = {{"text", "body"}, {"label", "stars"}};
  const ImportResult result = ImportOk(Write("a.jsonl",
                                             "{\"body\":\"fine\",\"stars\":5,\"id\":1}\n"
                                             "{\"body\":\"no stars\"}\n"
                                             "{\"text\":\"other\",\"stars\":5}\n"),
                                       options);
  EXPECT_THAT(TrainLines(result), ElementsAre(R"({"text":"fine","label":"5"})"));
  EXPECT_THAT(Problems(result), ElementsAre("a.jsonl:2: \"stars\" is missing",
                                            HasSubstr("a.jsonl:3: has none of \"body\"")));
  // Without being told, the message says what there is.
  EXPECT_THAT(TryImport(Write("b.jsonl", "{\"body\":\"fine\",\"stars\":5}\n")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("b.jsonl:1"), HasSubstr("have body, stars"),
                             HasSubstr("--columns text=body"))));
}

TEST_F(ImportTest, HostileLinesAreListedAndTheRestIsKept) {
  const std::string big(20 << 20, 'x');
  std::string text = "\xEF\xBB\xBF{\"text\":\"first\"}\r\n";
  StrAppend(text, "{\"text\":\"", big, "\"}\n");                      // 2: 20 MB
  StrAppend(text, "{\"text\":\"nul", std::string(1, '\0'), "\"}\n");  // 3
  text += "{\"text\":\"bad \xFF utf8\"}\n";                           // 4
  text += "{\"text\":\"open\n";                                       // 5
  text += "[1,2]\n";                                                  // 6
  text += "{\"text\":\"escaped \\u0000 nul\"}\n";                     // 7: fine
  text += std::string(2000, '[') + "\n";                              // 8
  text += "{\"text\":\"last\"}";
  const ImportResult result = ImportOk(Write("h.jsonl", text), All());
  EXPECT_THAT(
      TrainLines(result),
      ElementsAre(R"({"text":"first"})", R"({"text":"escaped \u0000 nul"})", R"({"text":"last"})"));
  EXPECT_THAT(Problems(result),
              ElementsAre("h.jsonl:2: is 20971531 bytes long; at most 16777216",
                          HasSubstr("h.jsonl:3: not JSON"), HasSubstr("h.jsonl:4: not JSON"),
                          HasSubstr("h.jsonl:5: not JSON"), "h.jsonl:6: is not a JSON object",
                          HasSubstr("h.jsonl:8: not JSON")));
}

TEST_F(ImportTest, JsonArrays) {
  const ImportResult result = ImportOk(
      Write("a.json", "[{\"text\":\"one\"}, 7, {\"text\":\"two\"}, {\"body\":\"three\"}]"), All());
  EXPECT_THAT(TrainLines(result), ElementsAre(R"({"text":"one"})", R"({"text":"two"})"));
  EXPECT_THAT(Problems(result),
              ElementsAre("a.json:2: is not a JSON object", HasSubstr("a.json:4: has none of")));
  EXPECT_THAT(TryImport(Write("b.json", "[{\"text\":\"one\"}, ")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is it whole?")));
}

TEST_F(ImportTest, TablesWithAHeader) {
  ImportResult result = ImportOk(Write("a.csv",
                                       "id,Text,Category\n"
                                       "1,\"a, b\",x\n"
                                       "2,\"two\nlines\",y\n"
                                       "3,short\n"
                                       "4, ,x\n"
                                       "5,no label,\n"
                                       "6,\"never closed,x\n"
                                       "7,last,y\n"),
                                 All());
  EXPECT_EQ(result.data.kind, DatasetKind::kLabelled);
  EXPECT_THAT(TrainLines(result),
              ElementsAre(R"({"text":"a, b","label":"x"})", R"({"text":"two\nlines","label":"y"})",
                          R"({"text":"last","label":"y"})"));
  EXPECT_EQ(result.report.empty, 1);
  EXPECT_THAT(Problems(result),
              ElementsAre("a.csv:5: has 2 columns, expected 3", "a.csv:7: the label is empty",
                          "a.csv:8: a quote is opened and never closed"));
  result = ImportOk(Write("p.tsv", "prompt\tresponse\nhi\thello\n"), All());
  EXPECT_EQ(result.data.kind, DatasetKind::kConversations);
  result = ImportOk(Write("s.csv", "text;label\nhi;x\nho;y\n"), All());
  EXPECT_THAT(result.data.labels, ElementsAre("x", "y"));
}

TEST_F(ImportTest, TablesByColumns) {
  ImportOptions options = All();
  options.columns = {{"text", "3+2"}, {"label", "1"}};
  ImportResult result = ImportOk(Write("a.csv", "1,title,body\n2,t,b\n"), options);
  EXPECT_THAT(TrainLines(result),
              ElementsAre(R"({"text":"body title","label":"1"})", R"({"text":"b t","label":"2"})"));
  options.columns = {{"prompt", "question"}, {"response", "2"}};
  result = ImportOk(Write("b.csv", "question,x\nwhy,because\n"), options);
  EXPECT_THAT(TrainLines(result), ElementsAre(HasSubstr("because")));
  options.columns = {{"text", "9"}};
  EXPECT_THAT(TryImport(Path("a.csv"), options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("there is no column 9")));
  options.columns = {{"text", "body"}};
  EXPECT_THAT(TryImport(Path("b.csv"), options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'body'"), HasSubstr("question, x"))));
  options.columns = {{"txt", "1"}};
  EXPECT_THAT(TryImport(Path("a.csv"), options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'txt=1'")));
  EXPECT_THAT(TryImport(Write("c.csv", "some words,other words\nmore words,and more\n")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("cannot tell which column"), HasSubstr("--columns"))));
}

TEST_F(ImportTest, TablesRepairWhatIsNotUtf8) {
  const ImportResult result = ImportOk(
      Write("a.csv", StrCat("1,caf\xE9\n2,nul", std::string(1, '\0'), "\n1,fine\n2,ok\n")), All());
  EXPECT_EQ(result.report.repaired_utf8_bytes, 1);
  EXPECT_THAT(TrainLines(result),
              ElementsAre("{\"text\":\"caf\uFFFD\",\"label\":\"1\"}",
                          R"({"text":"fine","label":"1"})", R"({"text":"ok","label":"2"})"));
  EXPECT_THAT(Problems(result), ElementsAre("a.csv:2: holds a NUL byte"));
  EXPECT_THAT(result.notes, Contains(HasSubstr("not UTF-8 and were replaced by U+FFFD: 1")));
}

TEST_F(ImportTest, PlainTextIsCutInItsOrder) {
  std::string text;
  for (int i = 0; i < 1000; ++i) StrAppend(text, i, " ü\n");
  ImportResult result = ImportOk(Write("a.txt", text));
  EXPECT_EQ(result.data.kind, DatasetKind::kDocument);
  const std::string train = Text(result.data.train_path);
  const std::string held_out = Text(result.data.held_out_path);
  EXPECT_EQ(train + held_out, text);
  EXPECT_GE(train.size(), text.size() * 9 / 10);
  EXPECT_LE(train.size(), text.size() * 9 / 10 + 1);
  EXPECT_NE(static_cast<uint8_t>(held_out[0]) & 0xC0, 0x80);
  EXPECT_EQ(result.data.train.bytes, static_cast<int64_t>(train.size()));
  // The same, compressed.
  for (const std::string& archive : {Gzip(text), Zstd(text)}) {
    result = ImportOk(Write("b.txt.gz", archive));
    EXPECT_EQ(Text(result.data.train_path), train);
  }
  ImportOptions options;
  options.held_out_path = Write("end.txt", "the end");
  result = ImportOk(Path("a.txt"), options);
  EXPECT_EQ(Text(result.data.train_path), text);
  EXPECT_EQ(Text(result.data.held_out_path), "the end");
  EXPECT_THAT(TryImport(Write("e.txt", "")), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TryImport(Write("c.txt.gz", Gzip(text).substr(0, 500))),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("truncated")));
  EXPECT_THAT(TryImport(Write("x.bin", std::string(100, '\0'))),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("does not look like text")));
}

TEST_F(ImportTest, LinesAreTextsWhenAskedFor) {
  ImportOptions options = All();
  options.format = "lines";
  const ImportResult result = ImportOk(Write("a.txt", "one\n\n  two \r\nthree"), options);
  EXPECT_EQ(result.data.kind, DatasetKind::kText);
  EXPECT_THAT(TrainLines(result),
              ElementsAre(R"({"text":"one"})", R"({"text":"two"})", R"({"text":"three"})"));
  EXPECT_EQ(result.report.empty, 1);
  options.format = "words";
  EXPECT_THAT(TryImport(Path("a.txt"), options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'words'")));
}

TEST_F(ImportTest, FoldersHaveParts) {
  Write("d/train.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
  Write("d/my-eval.jsonl", "{\"text\":\"b\"}\n{\"text\":\"c\"}\n");
  Write("d/test.jsonl", "{\"text\":\"secret\"}\n");
  Write("d/README.md", "about");
  Write("d/tokenizer.json", "{}");
  Write("d/notes.pdf", "x");
  const ImportResult result = ImportOk(Path("d"));
  EXPECT_EQ(result.data.train.examples, 2);
  EXPECT_EQ(result.data.held_out.examples, 2);
  EXPECT_THAT(Lines(result.data.held_out_path), ElementsAre(R"({"text":"b"})", R"({"text":"c"})"));
  EXPECT_THAT(result.notes,
              AllOf(Contains(HasSubstr("test.jsonl is not read")),
                    Contains("not read as data: README.md (is about it), notes.pdf (not an "
                             "extension of data), tokenizer.json (goes with it)"),
                    Contains(HasSubstr("1 of 2 held-out examples are in training"))));
  Write("e/a.txt", "text");
  Write("e/b.jsonl", "{\"text\":\"a\"}\n");
  EXPECT_THAT(TryImport(Path("e")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.txt (text)"), HasSubstr("b.jsonl (jsonl)"))));
  Write("f/README", "nothing");
  EXPECT_THAT(TryImport(Path("f")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no file of data")));
  EXPECT_THAT(TryImport(Path("g")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ImportTest, HeldOutByShareAndByFile) {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    StrAppend(text, "{\"text\":\"t", i, "\",\"label\":\"", i % 4, "\"}\n");
  }
  const std::string path = Write("a.jsonl", text);
  ImportResult result = ImportOk(path);
  EXPECT_EQ(result.data.held_out.examples, 20);
  for (const auto& [label, count] : result.data.held_out.groups) EXPECT_EQ(count, 5) << label;
  const std::vector<std::string> first = Lines(result.data.held_out_path);
  // The same records in another order: the same are held out.
  std::vector<std::string> lines = Lines(path);
  std::reverse(lines.begin(), lines.end());
  result = ImportOk(Write("b.jsonl", StrJoin(lines, "\n")));
  std::vector<std::string> second = Lines(result.data.held_out_path);
  std::reverse(second.begin(), second.end());
  EXPECT_EQ(first, second);
  ImportOptions options;
  options.held_out_share = 0.5;
  EXPECT_EQ(ImportOk(path, options).data.held_out.examples, 100);
  options.held_out_path = Path("b.jsonl");
  EXPECT_THAT(TryImport(path, options), StatusIs(absl::StatusCode::kInvalidArgument));
  options.held_out_share = std::nullopt;
  EXPECT_EQ(ImportOk(path, options).data.held_out.examples, 200);
}

TEST_F(ImportTest, ColumnsThatNothingIsMadeOfAreTold) {
  ImportResult result = ImportOk(Write("r.csv", "id,stars,body\n1,5,Good fish\n2,1,Bad fish\n"));
  EXPECT_THAT(result.notes, Contains(HasSubstr("not used: id, stars")));
  ImportOptions options;
  options.columns = {{"text", "3"}};
  result = ImportOk(Write("t.tsv", "1\tyes\tGood fish\n2\tno\tBad fish\n"), options);
  EXPECT_THAT(result.notes, Contains(HasSubstr("not used: column 1, column 2")));
}

TEST_F(ImportTest, NothingUsable) {
  EXPECT_THAT(TryImport(Write("a.jsonl", "")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a.jsonl is empty")));
  EXPECT_THAT(TryImport(Write("b.jsonl", "x\ny\n")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("b.jsonl:1: not JSON")));
  EXPECT_THAT(TryImport(Write("c.csv", "")), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace shoal::data
