// Imports small files in a folder of the test's own.
#pragma once

#include <zlib.h>
#include <zstd.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/base/strings.h"
#include "core/data/import/import.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::data {

inline std::string Gzip(std::string_view text) {
  z_stream zlib = {};
  EXPECT_EQ(deflateInit2(&zlib, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&zlib, text.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

inline std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

class ImportTest : public TempDirTest {
 protected:
  std::string Write(const std::string& name, std::string_view text) {
    EXPECT_OK(files_.MakeDirs(DirName(Path(name))));
    EXPECT_OK(files_.WriteFileAtomic(Path(name), text));
    return Path(name);
  }

  absl::StatusOr<ImportResult> TryImport(const std::string& path,
                                         const ImportOptions& options = {}) {
    EXPECT_OK(files_.MakeDirs(Path("out")));
    absl::StatusOr<ImportResult> result = Import({path}, options, Path("out"));
    if (result.ok()) {
      const ImportReport& report = result->report;
      EXPECT_EQ(report.records, report.examples + report.malformed + report.empty);
      EXPECT_EQ(static_cast<int64_t>(report.problems.size()), report.malformed);
      if (result->data.kind != DatasetKind::kDocument) {
        EXPECT_EQ(result->data.train.examples + result->data.held_out.examples, report.examples);
      }
    }
    return result;
  }

  ImportResult ImportOk(const std::string& path, const ImportOptions& options = {}) {
    absl::StatusOr<ImportResult> result = TryImport(path, options);
    EXPECT_OK(result);
    return result.ok() ? *std::move(result) : ImportResult();
  }
  // Everything on the training side.
  static ImportOptions All() {
    ImportOptions options;
    options.held_out_share = 0;
    return options;
  }

  std::string Text(const std::string& path) {
    absl::StatusOr<std::string> text = files_.ReadFile(path);
    EXPECT_OK(text);
    return text.ok() ? *text : "";
  }
  std::vector<std::string> Lines(const std::string& path) {
    if (path.empty()) return {};
    std::string text = Text(path);
    if (text.ends_with('\n')) text.pop_back();
    std::vector<std::string> lines;
    for (const std::string_view line : StrSplit(text, '\n')) lines.emplace_back(line);
    return lines;
  }
  std::vector<std::string> TrainLines(const ImportResult& result) {
    return Lines(result.data.train_path);
  }
  // "file:line: reason" of every problem.
  static std::vector<std::string> Problems(const ImportResult& result) {
    std::vector<std::string> problems;
    for (const LineProblem& problem : result.report.problems) {
      problems.push_back(StrCat(problem.file, ":", problem.line, ": ", problem.reason));
    }
    return problems;
  }
};

}  // namespace shoal::data
