// The rules of the house that a program can check. A rule looks at one file of a tree and says what
// is wrong with it, and how to put it right.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shoal {

struct SourceFile {
  std::string path;  // from the root of the repository: "core/base/clock.h"
  std::string text;

  // Lines without their ends.
  std::vector<std::string_view> Lines() const;
};

struct Violation {
  std::string path;
  int line = 0;  // from 1; 0: the file as a whole
  std::string text;

  friend std::ostream& operator<<(std::ostream& out, const Violation& v) {
    return out << v.path << ":" << v.line << ": " << v.text;
  }
};

// The text files under `root` that rules look at, sorted by path; build folders, node_modules,
// fixtures (testdata/) and names that begin with a dot are passed over.
absl::StatusOr<std::vector<SourceFile>> ReadTree(const std::string& root);

// Includes follow the arrows of ARCHITECTURE.md, are written from the root, and reach gRPC, SQLite
// and the vendor libraries only where these belong.
std::vector<Violation> CheckIncludes(const SourceFile& file);

// Sizes: code has at most 700 lines, tests 900. `soft` receives code files of more than 500.
std::vector<Violation> CheckLength(const SourceFile& file, std::vector<Violation>* soft);

// Names that say nothing (utils, helpers, common, misc), of a file or a folder.
std::vector<Violation> CheckName(const SourceFile& file);

// Text: absolute paths of somebody's machine, calls that belong elsewhere (fork, the real time), a
// reminder (to-do) without an owner, a header without #pragma once.
std::vector<Violation> CheckText(const SourceFile& file);

}  // namespace shoal
