#include <algorithm>
#include <optional>

#include "core/base/file.h"
#include "core/base/strings.h"
#include "tests/tidy/source_rules.h"

namespace shoal {
namespace {

using Prefixes = std::vector<std::string_view>;

// A folder, and what of this repository it may include. The first row that fits a path counts.
// Its own folder is always allowed, "*" is everything but tests. The table of ARCHITECTURE.md says
// the same; coordinator/search, web and plugins/cuda are reserved by the design and not there yet.
struct Arrow {
  std::string_view folder;
  Prefixes reaches;
};

const std::vector<Arrow>& Arrows() {
  static const std::vector<Arrow>* arrows = new std::vector<Arrow>{
      {"core/base/", {}},
      {"core/spec/", {"core/base/", "shoal/v1/"}},
      {"core/join/", {"core/base/", "core/spec/"}},
      {"core/data/", {"core/base/"}},
      {"core/checkpoint/", {"core/base/", "core/spec/", "shoal/v1/"}},
      {"plugins/", {"plugins/abi/", "plugins/support/"}},
      {"coordinator/identity/", {"core/base/", "core/join/"}},
      // Pure: no store, no RPC.
      {"coordinator/scheduler/", {"core/base/", "core/spec/", "coordinator/search/", "shoal/v1/"}},
      {"coordinator/search/", {"core/base/", "core/spec/", "shoal/v1/"}},
      {"coordinator/store/",
       {"core/base/", "core/spec/", "coordinator/scheduler/", "migrations/", "shoal/v1/"}},
      {"coordinator/loop/",
       {"core/base/", "core/spec/", "coordinator/scheduler/", "coordinator/search/",
        "coordinator/store/", "shoal/v1/"}},
      {"coordinator/rpc/",
       {"core/base/", "core/join/", "core/spec/", "coordinator/identity/", "coordinator/loop/",
        "coordinator/scheduler/", "coordinator/store/", "shoal/v1/"}},
      {"coordinator/", {"core/base/", "core/join/", "core/spec/", "coordinator/", "shoal/v1/"}},
      // Computing has no network: no core/join.
      {"worker/engine/",
       {"core/base/", "core/checkpoint/", "core/data/", "core/spec/", "plugins/abi/", "shoal/v1/"}},
      {"worker/frames/", {"core/base/", "shoal/v1/"}},
      {"worker/runner/",
       {"core/base/", "core/checkpoint/", "core/data/", "core/spec/", "worker/engine/",
        "worker/frames/", "plugins/abi/", "shoal/v1/"}},
      {"worker/agent/", {"core/", "worker/frames/", "shoal/v1/"}},
      {"cli/main.cc", {"*"}},
      // Values to statements about them, and to text; only commands bring both and a lab together.
      {"cli/analysis/", {"core/base/", "core/spec/", "cli/output/json.h", "shoal/v1/"}},
      {"cli/output/",
       {"core/base/", "core/data/", "core/spec/", "cli/analysis/", "cli/lab/follow.h",
        "shoal/v1/"}},
      {"cli/report/",
       {"core/base/", "core/data/", "core/spec/", "cli/analysis/", "cli/output/", "shoal/v1/"}},
      {"cli/completion/", {"core/base/"}},
      {"cli/lab/", {"core/", "cli/analysis/", "cli/output/", "cli/programs.h", "shoal/v1/"}},
      {"cli/commands/",
       {"core/", "cli/analysis/", "cli/completion/", "cli/lab/", "cli/output/", "cli/programs.h",
        "cli/report/", "shoal/v1/"}},
      {"cli/", {"core/", "shoal/v1/"}},
      {"web/", {"core/", "shoal/v1/"}},
  };
  return *arrows;
}

// A foreign header, and the only folders that may include it.
struct Foreign {
  std::string_view header;  // a beginning of the included path
  Prefixes folders;
};

const std::vector<Foreign>& Foreigners() {
  static const Prefixes* talkers = new Prefixes{"core/join/channel",
                                                "coordinator/rpc/",
                                                "coordinator/coordinator",
                                                "worker/agent/",
                                                "cli/",
                                                "web/"};
  static const std::vector<Foreign>* foreigners = new std::vector<Foreign>{
      {"grpc/", *talkers},
      {"grpcpp/", *talkers},
      {"sqlite3", {"coordinator/store/"}},
      {"spdlog/", {"core/base/"}},
      {"oneapi/", {"plugins/onednn/"}},
      {"dnnl", {"plugins/onednn/"}},
      {"cuda", {"plugins/cuda/"}},
      {"cublas", {"plugins/cuda/"}},
      {"boost/", {"cli/analysis/", "web/"}},
      {"CLI/", {"cli/"}},
      {"gtest/", {}},
      {"gmock/", {}},
  };
  return *foreigners;
}

bool BeginsWithAny(std::string_view text, const Prefixes& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [text](std::string_view prefix) { return text.starts_with(prefix); });
}

// The folder of a path with its slash, for plugins/ one level deeper: files of one folder may
// always include one another.
std::string OwnFolder(const std::string& path) { return DirName(path) + "/"; }

struct Include {
  std::string_view path;
  bool quoted = false;
};

std::optional<Include> ParseInclude(std::string_view line) {
  line = StripSpace(line);
  if (!line.starts_with("#")) return std::nullopt;
  line = StripSpace(line.substr(1));
  if (!line.starts_with("include")) return std::nullopt;
  line = StripSpace(line.substr(7));
  if (line.size() < 2 || (line[0] != '"' && line[0] != '<')) return std::nullopt;
  const size_t end = line.find(line[0] == '"' ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{line.substr(1, end - 1), line[0] == '"'};
}

bool IsOurs(std::string_view include) {
  return BeginsWithAny(include, {"core/", "coordinator/", "worker/", "plugins/", "cli/", "web/",
                                 "migrations/", "tests/", "proto/", "shoal/"});
}

// What is wrong with including `include` from `path`; "" when nothing is.
std::string Judge(const std::string& path, const Include& include) {
  const std::string_view header = include.path;
  if (header.find("../") != std::string_view::npos) {
    return StrCat("includes ", header, ": write the path from the root of the repository");
  }
  if (path.starts_with("tests/")) return "";
  if (header.starts_with("tests/")) return StrCat("includes ", header, ": only tests may");
  for (const Foreign& foreign : Foreigners()) {
    if (header.starts_with(foreign.header) && !BeginsWithAny(path, foreign.folders)) {
      return StrCat("includes ", header, ", which belongs in ",
                    foreign.folders.empty() ? "tests/" : StrJoin(foreign.folders, ", "));
    }
  }
  if (header.ends_with(".grpc.pb.h") && !BeginsWithAny(path, Foreigners().front().folders)) {
    return StrCat("includes ", header, ": this folder has no gRPC");
  }
  if (path.starts_with("plugins/") && BeginsWithAny(header, {"absl/", "google/"})) {
    return StrCat("includes ", header, ": a plugin needs nothing but the ABI and its vendor");
  }
  if (!IsOurs(header)) {
    const bool local = include.quoted && header.find('/') == std::string_view::npos &&
                       header.ends_with(".h") && header != "sqlite3.h";
    return local ? StrCat("includes ", header, ": write the path from the root, or <", header,
                          "> for a system header")
                 : "";
  }
  for (const Arrow& arrow : Arrows()) {
    if (!path.starts_with(arrow.folder)) continue;
    const bool allowed = header.starts_with(arrow.folder == "plugins/" || arrow.reaches.empty()
                                                ? OwnFolder(path)
                                                : std::string(arrow.folder)) ||
                         header.starts_with(OwnFolder(path)) || (arrow.reaches == Prefixes{"*"}) ||
                         BeginsWithAny(header, arrow.reaches);
    return allowed ? "" : StrCat("includes ", header, ", against the arrows of ARCHITECTURE.md");
  }
  return "";
}

}  // namespace

std::vector<Violation> CheckIncludes(const SourceFile& file) {
  std::vector<Violation> violations;
  const bool code = file.path.ends_with(".cc") || file.path.ends_with(".h") ||
                    file.path.ends_with(".cu") || file.path.ends_with(".cuh") ||
                    file.path.ends_with(".c");
  if (!code) return violations;
  int number = 0;
  for (std::string_view line : file.Lines()) {
    ++number;
    const std::optional<Include> include = ParseInclude(line);
    if (!include) continue;
    std::string wrong = Judge(file.path, *include);
    if (!wrong.empty()) violations.push_back({file.path, number, std::move(wrong)});
  }
  return violations;
}

}  // namespace shoal
