// The published sets: small files of the same shapes, and the real ones where they are.
#include <cstdlib>

#include "core/data/dataset/record.h"
#include "core/data/import/import.h"
#include "tests/unit/core_data/import_fixture.h"

namespace shoal::data {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using PublishedSets = ImportTest;

TEST_F(PublishedSets, FewRelMarksEntitiesAndNamesRelations) {
  Write("f/pid2name.json", R"({"P1":["crosses","..."],"P2":["part of","..."]})");
  Write("f/val_wiki.json",
        R"({"P1":[{"tokens":["The","Iron"," ","Bridge","spans","a","river",".","The","river"],)"
        R"("h":["iron bridge","Q1",[[1,2,3]]],"t":["river","Q2",[[6],[9]]]},)"
        R"({"tokens":["x"],"h":["x","Q1",[[0]]],"t":["y","Q2",[[4]]]}],)"
        R"("P2":[{"tokens":["A","of","B"],"h":["a","Q3",[[0]]],"t":["b","Q4",[[2]]]},17]})");
  const ImportResult result = ImportOk(Path("f"), All());
  EXPECT_THAT(
      TrainLines(result),
      ElementsAre(
          R"({"text":"The [E1] Iron Bridge [/E1] spans a [E2] river [/E2] . The [E2] river [/E2]","label":"crosses"})",
          R"({"text":"[E1] A [/E1] of [E2] B [/E2]","label":"part of"})"));
  EXPECT_THAT(Problems(result), ElementsAre(HasSubstr("val_wiki.json:2: P1[1] \"t\" is not"),
                                            "val_wiki.json:4: P2[1] is not an object"));
  EXPECT_THAT(result.recognised, ElementsAre(HasSubstr("FewRel (2 relations)")));
}

TEST_F(PublishedSets, FewRelPoolsItsFilesAndKeepsCopiesTogether) {
  std::string relation;
  for (int i = 0; i < 40; ++i) {
    // Each sentence twice, with the entities the other way round.
    for (const bool swapped : {false, true}) {
      StrAppend(relation, relation.empty() ? "" : ",", R"({"tokens":["a","is","b)", i,
                R"("],"h":["a","Q1",[[)", swapped ? 2 : 0, R"(]]],"t":["b","Q2",[[)",
                swapped ? 0 : 2, "]]]}");
    }
  }
  Write("f/train_wiki.json", StrCat(R"({"P1":[)", relation, "]}"));
  Write("f/val_wiki.json", StrCat(R"({"P2":[)", relation, "]}"));
  const ImportResult result = ImportOk(Path("f"));
  EXPECT_THAT(result.data.labels, ElementsAre("P1", "P2"));  // no pid2name.json: ids
  EXPECT_EQ(result.data.held_out.groups.at("P1"), 8);
  EXPECT_EQ(result.data.held_out.groups.at("P2"), 8);
  const auto plain = [](const std::string& line) {
    std::string text = ParseRecord(line)->text;
    for (const std::string_view mark : {"[E1] ", "[E2] ", " [/E1]", " [/E2]"}) {
      for (size_t at; (at = text.find(mark)) != text.npos;) text.erase(at, mark.size());
    }
    return text;
  };
  std::vector<std::string> trained;
  for (const std::string& line : TrainLines(result)) trained.push_back(plain(line));
  for (const std::string& line : Lines(result.data.held_out_path)) {
    EXPECT_THAT(trained, Each(testing::Ne(plain(line))));
  }
}

TEST_F(PublishedSets, AgNewsIsKnownByItsShapeAndNamedByClassesBesideIt) {
  const std::string text =
      "\"1\",\"Greece #39;s games (Reuters)\"\r\n\"2\",\"A \"\"fine\"\" match\"\r\n"
      "\"3\",\"Oil, again\"\r\n\"4\",\"New chips\"\r\n";
  ImportResult result = ImportOk(Write("news.csv", text), All());
  // Copies differ in the order of the classes: no name is guessed.
  EXPECT_THAT(result.data.labels, ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(TrainLines(result), Contains(R"({"text":"A \"fine\" match","label":"2"})"));
  EXPECT_THAT(result.recognised, ElementsAre(HasSubstr("AG News (classes 1-4; classes.txt")));
  Write("n/classes.txt", "World\nSports\nBusiness\nSci/Tech\n");
  // As published, with a title.
  result = ImportOk(Write("n/n.csv",
                          "\"1\",\"T\",\"one (AP)\"\n\"2\",\"U\",\"two\"\n"
                          "\"3\",\"V\",\"three\"\n\"4\",\"W\",\"four\"\n"),
                    All());
  EXPECT_THAT(TrainLines(result), Contains(R"x({"text":"T one (AP)","label":"World"})x"));
  EXPECT_THAT(result.data.labels, ElementsAre("Business", "Sci/Tech", "Sports", "World"));
}

TEST_F(PublishedSets, DbpediaCountsItsClassesFromZeroAndFromOne) {
  Write("d/classes.txt", "Company\nArtist\nMeanOfTransportation\n");
  Write("d/readme.txt", "about it");
  Write("d/train14k.csv", "0,A maker of\tthings .\n2,A ship .\n1,She sang .\n0,Another maker .\n");
  Write("d/dhim-val.csv", "\"1\",\"A firm\"\n\"3\",\"A car\"\n\"4\",\"none\"\n");
  EXPECT_THAT(TryImport(Path("d")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("labels lie in 1..4")));
  Write("d/dhim-val.csv", "\"1\",\"A firm\"\n\"3\",\"A car\"\n");
  const ImportResult result = ImportOk(Path("d"));
  EXPECT_THAT(TrainLines(result), Contains(R"({"text":"A maker of\tthings .","label":"Company"})"));
  EXPECT_THAT(Lines(result.data.held_out_path),
              ElementsAre(R"({"text":"A firm","label":"Company"})",
                          R"({"text":"A car","label":"MeanOfTransportation"})"));
  EXPECT_THAT(result.recognised, ElementsAre(AllOf(HasSubstr("dhim-val.csv"), HasSubstr("DBpedia"),
                                                   HasSubstr("from 1"), HasSubstr("held out")),
                                             HasSubstr("from 0")));
  Write("d/dhim-val.csv", "\"1\",\"A firm\"\n\"2\",\"A car\"\n");
  EXPECT_THAT(TryImport(Path("d")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("from 0 or from 1")));
}

TEST_F(PublishedSets, AHeldOutFileMayNumberItsClassesOtherwise) {
  Write("d/classes.txt", "Fish\nBird\nTree\n");
  const auto table = [](const std::vector<size_t>& classes, int first, const std::string& word) {
    static const std::vector<std::string> kWords = {"swims in the sea", "flies over hills",
                                                    "grows green leaves"};
    std::string text;
    for (int i = 0; i < 90; ++i) {
      StrAppend(text, i % 3 + first, ",it ", kWords[classes[static_cast<size_t>(i % 3)]], " ", word,
                i, "\n");
    }
    return text;
  };
  Write("d/train.csv", table({0, 1, 2}, 0, "a"));
  Write("d/val.csv", table({2, 0, 1}, 1, "b"));  // 1 is Tree, 2 is Fish, 3 is Bird
  ImportResult result = ImportOk(Path("d"));
  EXPECT_THAT(Lines(result.data.held_out_path),
              Contains(R"({"text":"it grows green leaves b0","label":"Tree"})"));
  EXPECT_THAT(result.notes, Contains(AllOf(HasSubstr("val.csv numbers its classes otherwise"),
                                           HasSubstr("1 Tree, 2 Fish, 3 Bird"))));
  Write("d/val.csv", table({0, 1, 2}, 1, "b"));  // the same order: nothing to say
  result = ImportOk(Path("d"));
  EXPECT_THAT(Lines(result.data.held_out_path),
              Contains(R"({"text":"it swims in the sea b0","label":"Fish"})"));
  EXPECT_THAT(result.notes, testing::Not(Contains(HasSubstr("otherwise"))));
}

TEST_F(PublishedSets, TrecHasCoarseAndFineClasses) {
  Write("t/README", "about it");
  Write("t/train.txt",
        "DESC:manner How did it go ?\nHUM:ind Who is sister\xF0 city ?\n"
        "NUM:date When ?\nLOC:city Where ?\nABBR:exp What is .com ?\n"
        "ENTY:animal What ?\nDESC:def What is it ?\nHUM:gr Which team ?\n"
        "HUM:desc Who ?\nno label here\n");
  ImportResult result = ImportOk(Path("t"), All());
  EXPECT_THAT(result.data.labels, ElementsAre("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"));
  EXPECT_THAT(TrainLines(result),
              Contains("{\"text\":\"Who is sister\uFFFD city ?\",\"label\":\"HUM\"}"));
  EXPECT_EQ(result.report.repaired_utf8_bytes, 1);
  EXPECT_THAT(Problems(result), ElementsAre(HasSubstr("train.txt:10: is not \"COARSE:fine")));
  ImportOptions options = All();
  options.fine_labels = true;
  result = ImportOk(Path("t"), options);
  EXPECT_THAT(result.data.labels, SizeIs(9));
  EXPECT_THAT(result.data.labels, Contains("LOC:city"));
}

TEST_F(PublishedSets, ClincHoldsItsValidationOut) {
  const ImportResult result = ImportOk(
      Write("c.json", R"({"train":[["send money","transfer"],["hi","greeting"],["broken"]],)"
                      R"("val":[["hello","greeting"]],"oos_train":[["why is the sky blue","oos"]],)"
                      R"("oos_val":[["who won","oos"]],"test":[["x","greeting"]]})"));
  EXPECT_EQ(result.data.train.examples, 3);
  EXPECT_EQ(result.data.held_out.examples, 2);
  EXPECT_THAT(result.data.labels, ElementsAre("greeting", "oos", "transfer"));
  EXPECT_THAT(Problems(result), ElementsAre(HasSubstr("c.json:3: train[2] is not")));
  EXPECT_THAT(result.notes, Contains(HasSubstr("\"test\" of 1 examples")));
}

// --- the real ones

class RealSets : public ImportTest {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("SHOAL_DATA_DIR");
    if (folder == nullptr) {
      GTEST_SKIP() << "set SHOAL_DATA_DIR to a folder that holds classification/ and text/, whose "
                      "data are not part of the repository";
    }
    folder_ = folder;
  }
  ImportResult Set(const std::string& name) {
    ImportResult result = ImportOk(JoinPath(folder_, name));
    EXPECT_EQ(result.report.malformed, 0) << name;
    EXPECT_EQ(result.report.empty, 0) << name;
    return result;
  }
  std::string folder_;
};

TEST_F(RealSets, HaveTheirPublishedCounts) {
  ImportResult result = Set("classification/fewrel");
  EXPECT_EQ(result.report.examples, 11200);
  EXPECT_THAT(result.data.labels, AllOf(SizeIs(16), Contains("crosses")));
  for (const std::string& label : result.data.labels) {
    EXPECT_EQ(result.data.train.groups.at(label), 630) << label;
    EXPECT_EQ(result.data.held_out.groups.at(label), 70) << label;
  }
  result = Set("classification/agnews");
  EXPECT_EQ(result.report.examples, 11879);
  EXPECT_THAT(result.data.labels, ElementsAre("1", "2", "3", "4"));
  result = Set("classification/dbpedia");
  EXPECT_EQ(result.data.train.examples, 14000);
  EXPECT_EQ(result.data.held_out.examples, 5000);
  EXPECT_THAT(result.data.labels, SizeIs(14));
  for (const std::string& label : result.data.labels) {
    EXPECT_EQ(result.data.train.groups.at(label), 1000) << label;
  }
  // The copy that is held out has an order of its own: there, 9 are albums and 6 are plants.
  EXPECT_EQ(result.data.held_out.groups.at("Album"), 380);
  EXPECT_EQ(result.data.held_out.groups.at("Plant"), 372);
  EXPECT_THAT(Lines(result.data.held_out_path)[1],
              AllOf(HasSubstr("John Nagle House"), HasSubstr("\"label\":\"Building\"")));
  result = Set("classification/trec");
  EXPECT_EQ(result.report.examples, 5452);
  EXPECT_THAT(result.data.labels, SizeIs(6));
  EXPECT_EQ(result.report.repaired_utf8_bytes, 1);
  result = Set("classification/banking77");
  EXPECT_EQ(result.report.examples, 10003);
  EXPECT_THAT(result.data.labels, SizeIs(77));
  result = Set("classification/clinc150");
  EXPECT_EQ(result.data.train.examples, 7600);
  EXPECT_EQ(result.data.held_out.examples, 3100);
  EXPECT_THAT(result.data.labels, AllOf(SizeIs(151), Contains("oos")));
}

TEST_F(RealSets, TextsAndConversations) {
  ImportResult result = Set("text/tinyshakespeare.txt");
  EXPECT_EQ(result.data.kind, DatasetKind::kDocument);
  EXPECT_EQ(result.data.train.bytes, 1003854);  // as nanoGPT cuts it
  EXPECT_EQ(result.data.held_out.bytes, 111540);
  result = Set("text/sotu.jsonl");
  EXPECT_EQ(result.report.examples, 233);
  EXPECT_EQ(result.data.kind, DatasetKind::kText);
  result = Set("guppy");
  EXPECT_EQ(result.data.kind, DatasetKind::kConversations);
  EXPECT_EQ(result.data.train.examples, 57000);
  EXPECT_EQ(result.data.held_out.examples, 3000);
  EXPECT_THAT(result.notes, Contains(HasSubstr("held-out examples are in training too")));
}

}  // namespace
}  // namespace shoal::data
