// Each rule catches its violation, and lets what is right pass.

#include "tests/tidy/source_rules.h"

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal {
namespace {

using testing::HasSubstr;

SourceFile Including(const std::string& path, const std::string& header) {
  return {path, StrCat("#pragma once\n#include \"", header, "\"\n")};
}

bool MayInclude(const std::string& path, const std::string& header) {
  return CheckIncludes(Including(path, header)).empty();
}

TEST(IncludeRulesTest, CoreIsLayered) {
  EXPECT_TRUE(MayInclude("core/base/clock.cc", "core/base/check.h"));
  EXPECT_TRUE(MayInclude("core/spec/a.cc", "core/base/check.h"));
  EXPECT_TRUE(MayInclude("core/data/import/a.cc", "core/data/tokenizer/b.h"));
  EXPECT_FALSE(MayInclude("core/data/a.cc", "core/spec/b.h"));
  EXPECT_FALSE(MayInclude("core/data/a.cc", "shoal/v1/dataset.pb.h"));
  EXPECT_FALSE(MayInclude("core/base/clock.cc", "core/spec/a.h"));
  EXPECT_FALSE(MayInclude("core/base/clock.cc", "shoal/v1/job.pb.h"));
  EXPECT_FALSE(MayInclude("core/spec/a.cc", "core/data/a.h"));
  EXPECT_FALSE(MayInclude("core/checkpoint/a.cc", "core/data/a.h"));
  EXPECT_FALSE(MayInclude("core/spec/a.cc", "worker/engine/model.h"));
}

TEST(IncludeRulesTest, NoProgramIncludesAnother) {
  EXPECT_FALSE(MayInclude("coordinator/rpc/a.cc", "worker/agent/a.h"));
  EXPECT_FALSE(MayInclude("worker/agent/a.cc", "coordinator/store/a.h"));
  EXPECT_FALSE(MayInclude("cli/commands/up.cc", "coordinator/coordinator.h"));
  EXPECT_FALSE(MayInclude("web/gateway/a.cc", "cli/output/table.h"));
  EXPECT_TRUE(MayInclude("cli/main.cc", "coordinator/coordinator.h"));
  EXPECT_TRUE(MayInclude("cli/main.cc", "worker/agent/agent.h"));
}

TEST(IncludeRulesTest, CoordinatorNeedsOnlyBaseAndSpec) {
  EXPECT_TRUE(MayInclude("coordinator/store/a.cc", "core/spec/a.h"));
  EXPECT_TRUE(MayInclude("coordinator/rpc/a.cc", "coordinator/store/a.h"));
  EXPECT_FALSE(MayInclude("coordinator/store/a.cc", "core/data/a.h"));
  EXPECT_FALSE(MayInclude("coordinator/rpc/a.cc", "core/checkpoint/a.h"));
}

TEST(IncludeRulesTest, CoordinatorIsLayered) {
  EXPECT_TRUE(MayInclude("coordinator/store/a.cc", "coordinator/scheduler/b.h"));
  EXPECT_TRUE(MayInclude("coordinator/loop/a.cc", "coordinator/store/b.h"));
  EXPECT_TRUE(MayInclude("coordinator/rpc/a.cc", "coordinator/identity/b.h"));
  EXPECT_TRUE(MayInclude("coordinator/coordinator.cc", "coordinator/rpc/b.h"));
  EXPECT_FALSE(MayInclude("coordinator/store/a.cc", "coordinator/loop/b.h"));
  EXPECT_FALSE(MayInclude("coordinator/loop/a.cc", "coordinator/rpc/b.h"));
  EXPECT_FALSE(MayInclude("coordinator/loop/a.cc", "core/join/b.h"));
  EXPECT_FALSE(MayInclude("coordinator/identity/a.cc", "coordinator/store/b.h"));
  EXPECT_FALSE(MayInclude("coordinator/rpc/a.cc", "migrations/b.h"));
}

TEST(IncludeRulesTest, CommandsBringTheCommandLineTogether) {
  EXPECT_TRUE(MayInclude("cli/commands/a.cc", "cli/report/b.h"));
  EXPECT_TRUE(MayInclude("cli/lab/a.cc", "cli/output/b.h"));
  EXPECT_FALSE(MayInclude("cli/lab/a.cc", "cli/commands/b.h"));
  EXPECT_FALSE(MayInclude("cli/analysis/a.cc", "cli/lab/b.h"));
  EXPECT_FALSE(MayInclude("cli/output/a.cc", "cli/lab/lab.h"));
  EXPECT_FALSE(MayInclude("cli/report/a.cc", "cli/lab/b.h"));
  EXPECT_FALSE(MayInclude("cli/completion/a.cc", "cli/commands/b.h"));
}

TEST(IncludeRulesTest, SchedulerIsPure) {
  EXPECT_TRUE(MayInclude("coordinator/scheduler/a.cc", "coordinator/scheduler/b.h"));
  EXPECT_FALSE(MayInclude("coordinator/scheduler/a.cc", "coordinator/store/b.h"));
  EXPECT_FALSE(MayInclude("coordinator/scheduler/a.cc", "grpcpp/grpcpp.h"));
  EXPECT_FALSE(MayInclude("coordinator/search/a.cc", "sqlite3.h"));
}

TEST(IncludeRulesTest, EngineAndRunnerHaveNoRpc) {
  EXPECT_TRUE(MayInclude("worker/engine/model/a.cc", "worker/engine/program/b.h"));
  EXPECT_TRUE(MayInclude("worker/engine/a.cc", "plugins/abi/shoal_backend.h"));
  EXPECT_TRUE(MayInclude("worker/runner/a.cc", "worker/engine/a.h"));
  EXPECT_FALSE(MayInclude("worker/engine/a.cc", "grpcpp/grpcpp.h"));
  EXPECT_FALSE(MayInclude("worker/runner/a.cc", "shoal/v1/worker_service.grpc.pb.h"));
  EXPECT_TRUE(MayInclude("worker/agent/a.cc", "shoal/v1/worker_service.grpc.pb.h"));
  EXPECT_FALSE(MayInclude("worker/agent/a.cc", "worker/engine/a.h"));
  EXPECT_FALSE(MayInclude("worker/engine/a.cc", "worker/runner/a.h"));
  EXPECT_FALSE(MayInclude("worker/runner/a.cc", "core/join/a.h"));
}

TEST(IncludeRulesTest, PluginsKnowOnlyTheAbi) {
  EXPECT_TRUE(MayInclude("plugins/onednn/a.cc", "plugins/abi/shoal_backend.h"));
  EXPECT_TRUE(MayInclude("plugins/onednn/a.cc", "plugins/onednn/b.h"));
  EXPECT_TRUE(MayInclude("plugins/onednn/a.cc", "oneapi/dnnl/dnnl.h"));
  EXPECT_FALSE(MayInclude("plugins/onednn/a.cc", "plugins/reference/b.h"));
  EXPECT_FALSE(MayInclude("plugins/onednn/a.cc", "core/base/check.h"));
  EXPECT_FALSE(MayInclude("plugins/mock/a.cc", "absl/status/status.h"));
  EXPECT_FALSE(MayInclude("worker/engine/a.cc", "oneapi/dnnl/dnnl.h"));
}

TEST(IncludeRulesTest, PathsBeginAtTheRoot) {
  EXPECT_FALSE(MayInclude("core/base/a.cc", "../spec/a.h"));
  EXPECT_FALSE(MayInclude("tests/unit/core_base/a.cc", "../b.h"));
  EXPECT_FALSE(MayInclude("core/base/a.cc", "clock.h"));
  EXPECT_TRUE(MayInclude("coordinator/store/a.cc", "sqlite3.h"));
}

TEST(IncludeRulesTest, OnlyTestsIncludeTests) {
  EXPECT_FALSE(MayInclude("core/base/a.cc", "tests/support/fake_clock.h"));
  EXPECT_FALSE(MayInclude("core/base/a.cc", "gtest/gtest.h"));
  EXPECT_TRUE(MayInclude("tests/unit/core_base/a.cc", "worker/engine/a.h"));
}

TEST(IncludeRulesTest, SaysWhere) {
  const std::vector<Violation> found =
      CheckIncludes({"core/base/a.cc", "#include <string>\n# include <grpcpp/grpcpp.h>\n"});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].line, 2);
  EXPECT_THAT(StrCat(found[0]), HasSubstr("core/base/a.cc:2: includes grpcpp/grpcpp.h"));
}

TEST(LengthRuleTest, CodeAndTestsHaveTheirLimits) {
  const auto lines = [](const std::string& path, int count) {
    SourceFile file{path, ""};
    for (int i = 0; i < count; ++i) file.text += "x\n";
    return file;
  };
  std::vector<Violation> soft;
  EXPECT_TRUE(CheckLength(lines("core/base/a.cc", 500), &soft).empty());
  EXPECT_TRUE(soft.empty());
  EXPECT_TRUE(CheckLength(lines("core/base/a.cc", 700), &soft).empty());
  EXPECT_EQ(soft.size(), 1u);
  EXPECT_FALSE(CheckLength(lines("core/base/a.cc", 701), &soft).empty());
  EXPECT_TRUE(CheckLength(lines("tests/unit/a_test.cc", 900), &soft).empty());
  EXPECT_FALSE(CheckLength(lines("tests/unit/a_test.cc", 901), &soft).empty());
  EXPECT_TRUE(CheckLength(lines("README.md", 2000), &soft).empty());
}

TEST(NameRuleTest, EmptyNamesAreRefused) {
  EXPECT_FALSE(CheckName({"core/base/utils.h", ""}).empty());
  EXPECT_FALSE(CheckName({"core/common/a.h", ""}).empty());
  EXPECT_FALSE(CheckName({"tests/unit/helpers_test.cc", ""}).empty());
  EXPECT_TRUE(CheckName({"core/base/utilization.h", ""}).empty());
}

TEST(TextRuleTest, MachinePathsAreRefused) {
  const std::string home = StrCat("/ho", "me/");
  EXPECT_EQ(CheckText({"README.md", StrCat("cd ", home, "me\n")}).size(), 1u);
  EXPECT_EQ(CheckText({"a.cmake", StrCat("set(x \"/wo", "rk/y\")\n")}).size(), 1u);
  EXPECT_TRUE(CheckText({"a.cc",
                         "use(\"~/"
                         "work/x\"); use(\"a/home/b\");\n"})
                  .empty());
}

TEST(TextRuleTest, CallsHaveTheirPlace) {
  EXPECT_FALSE(CheckText({"worker/agent/a.cc", StrCat("if (fo", "rk() == 0) {\n")}).empty());
  EXPECT_FALSE(CheckText({"coordinator/a.cc", "auto t = absl::Now();\n"}).empty());
  EXPECT_TRUE(CheckText({"core/base/clock.cc", "return absl::Now();\n"}).empty());
  EXPECT_TRUE(CheckText({"worker/agent/a.cc", "pitchfork();  // never fork()\n"}).empty());
}

TEST(TextRuleTest, HeadersAndReminders) {
  const std::string todo = StrCat("TO", "DO");
  EXPECT_FALSE(CheckText({"a.h", "int x;\n"}).empty());
  EXPECT_TRUE(CheckText({"a.h", "#pragma once\n"}).empty());
  EXPECT_FALSE(CheckText({"a.cc", StrCat("// ", todo, ": later\n")}).empty());
  EXPECT_TRUE(CheckText({"a.cc", StrCat("// ", todo, "(ada): later\n")}).empty());
}

class ReadTreeTest : public TempDirTest {};

TEST_F(ReadTreeTest, FindsAPlantedViolation) {
  for (const char* folder : {"core/base", "build/x", "node_modules/y", ".git"}) {
    ASSERT_OK(files_.MakeDirs(Path(folder)));
  }
  const std::string bad = "#include \"worker/engine/model.h\"\n";
  for (const char* path :
       {"core/base/a.cc", "build/x/a.cc", "node_modules/y/a.cc", ".git/a.cc", "core/base/a.png"}) {
    ASSERT_OK(files_.WriteFileAtomic(Path(path), bad));
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<SourceFile> files, ReadTree(dir()));
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].path, "core/base/a.cc");
  EXPECT_EQ(CheckIncludes(files[0]).size(), 1u);
}

}  // namespace
}  // namespace shoal
