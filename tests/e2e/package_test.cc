// What a distribution sees: the package's contents, its units, and the completions of each shell.

#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "core/base/strings.h"
#include "core/base/subprocess.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/e2e/processes.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

CapturedRun RunProgram(const std::vector<std::string>& arguments, const std::string& folder = "") {
  SubprocessOptions options;
  options.args = arguments;
  options.working_directory = folder;
  absl::StatusOr<CapturedRun> run = RunAndCapture(std::move(options), kSafetyNet);
  EXPECT_OK(run) << arguments.front();
  return run.ok() ? *std::move(run) : CapturedRun();
}

bool HasProgram(const std::string& name) {
  return RunProgram({"sh", "-c", StrCat("command -v ", name)}).exit.code == 0;
}

TEST(Package, TheDebHoldsProgramsUnitsAndSettings) {
  if (!HasProgram("dpkg-deb") || !HasProgram("dpkg-shlibdeps"))
    GTEST_SKIP() << "no dpkg-deb or no dpkg-shlibdeps here";
  const TempDir dir = *TempDir::Make("", "shoal-deb-");
  const CapturedRun packed = RunProgram(
      {"cpack", "--config", BuildPath("CPackConfig.cmake"), "-B", dir.path()}, dir.path());
  ASSERT_EQ(packed.exit.code, 0) << packed.out << packed.err;
  std::string deb;
  for (const auto& entry : fs::directory_iterator(dir.path())) {
    if (entry.path().extension() == ".deb") deb = entry.path().string();
  }
  ASSERT_NE(deb, "") << packed.out;
  const std::string contents = RunProgram({"dpkg-deb", "--contents", deb}).out;
  for (const char* file :
       {"/usr/bin/shoal", "/usr/bin/shoal-runner", "/usr/share/shoal/recipes/tiny.yaml",
        "/lib/systemd/system/shoal-coordinator.service", "/lib/systemd/system/shoal-worker.service",
        "/etc/default/shoal-coordinator", "/etc/default/shoal-worker", "onednn.so",
        "reference.so"}) {
    EXPECT_THAT(contents, HasSubstr(file));
  }
  EXPECT_THAT(contents, Not(ContainsRegex("_test\n"))) << "tests are not installed";
  EXPECT_THAT(contents, Not(HasSubstr(SourcePath("")))) << "nothing of this machine";
  const std::string control = RunProgram({"dpkg-deb", "--info", deb}).out;
  EXPECT_THAT(control, ContainsRegex("Package: shoal"));
  EXPECT_THAT(control, ContainsRegex("Depends: .*libgrpc"));
  for (const char* script : {"postinst", "prerm", "postrm", "conffiles"})
    EXPECT_THAT(control, HasSubstr(script));
}

TEST(Package, SystemdFindsNothingWrongWithTheUnits) {
  if (!HasProgram("systemd-analyze")) GTEST_SKIP() << "no systemd-analyze here";
  const TempDir dir = *TempDir::Make("", "shoal-units-");
  RealFileSystem files;
  std::vector<std::string> verify = {"systemd-analyze", "verify"};
  for (const char* unit : {"shoal-coordinator.service", "shoal-worker.service"}) {
    ASSERT_OK_AND_ASSIGN(std::string text, files.ReadFile(SourcePath(StrCat("packaging/", unit))));
    // It looks whether the program is there.
    const std::string program = "=/usr/bin/shoal ";
    ASSERT_NE(text.find(program), text.npos) << unit;
    text.replace(text.find(program), program.size(), StrCat("=", BuildPath("bin/shoal"), " "));
    ASSERT_OK(files.WriteFileAtomic(dir.File(unit), text));
    verify.push_back(dir.File(unit));
  }
  const CapturedRun good = RunProgram(verify);
  EXPECT_EQ(good.exit.code, 0);
  EXPECT_THAT(good.out + good.err, Not(HasSubstr(dir.path())));
  // Its warnings do not change the exit code: they are seen.
  ASSERT_OK_AND_ASSIGN(const std::string text, files.ReadFile(verify.back()));
  ASSERT_OK(files.WriteFileAtomic(verify.back(), text + "\n[Service]\nRestrat=yes\n"));
  const CapturedRun bad = RunProgram(verify);
  EXPECT_THAT(bad.out + bad.err, HasSubstr("Restrat"));
}

// The commands that --help lists, without those of its groups.
std::set<std::string> Commands(LabDriver& lab) {
  std::set<std::string> names;
  const CapturedRun offered = lab.Shoal({"complete", "--", ""});
  for (const std::string_view line : StrSplit(offered.out, '\n')) {
    if (!line.empty()) names.emplace(line.substr(0, line.find('\t')));
  }
  return names;
}

TEST(Completion, OffersEveryCommandOfHelp) {
  LabDriver lab;
  const std::set<std::string> offered = Commands(lab);
  int listed = 0;
  const std::string help = lab.Shoal({"--help"}).out;
  bool commands = false;
  for (const std::string_view line : StrSplit(help, '\n')) {
    if (!line.starts_with(' ')) commands = absl::StartsWith(AbslView(line), "Train:") || commands;
    if (line.starts_with("First steps:")) commands = false;
    if (!commands || !line.starts_with("  ") || line.substr(2, 1) == " ") continue;
    const std::string name(line.substr(2, line.find(' ', 2) - 2));
    EXPECT_TRUE(offered.contains(name)) << name;
    ++listed;
  }
  EXPECT_GT(listed, 20) << help;
}

TEST(Completion, EachShellReadsItsScript) {
  LabDriver lab;
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    if (!HasProgram(shell)) {
      std::printf("no %s here: its script is not read\n", shell.c_str());
      continue;
    }
    const CapturedRun script = lab.Shoal({"completion", shell});
    ASSERT_EQ(script.exit.code, 0) << script.err;
    const std::string path = lab.data_dir() + "/completion." + shell;
    ASSERT_OK(RealFileSystem().WriteFileAtomic(path, script.out));
    const CapturedRun read = RunProgram({shell, "-n", path});
    EXPECT_EQ(read.exit.code, 0) << shell << ": " << read.err;
    EXPECT_THAT(read.err, IsEmpty()) << shell;
  }
}

// Asks the shell itself what it would offer.
TEST(Completion, BashAndFishOfferEveryCommand) {
  LabDriver lab;
  const std::set<std::string> offered = Commands(lab);
  ASSERT_GT(offered.size(), 20U);
  const std::string path = StrCat("PATH=", BuildPath("bin"), ":$PATH; ");
  const std::string bash = StrCat(path,
                                  "source <(shoal completion bash); COMP_WORDS=(shoal ''); "
                                  "COMP_CWORD=1; _shoal; printf '%s\\n' \"${COMPREPLY[@]}\"");
  std::map<std::string, std::string> answers = {{"bash", RunProgram({"bash", "-c", bash}).out}};
  if (HasProgram("fish")) {
    answers["fish"] =
        RunProgram({"fish", "-c",
                    StrCat("set -x PATH ", BuildPath("bin"),
                           " $PATH; shoal completion fish | source; complete -C 'shoal '")})
            .out;
  }
  for (const auto& [shell, answer] : answers) {
    for (const std::string& name : offered)
      EXPECT_THAT(StrCat("\n", answer), ContainsRegex(StrCat("\n", name, "[\t\n]"))) << shell;
  }
}

}  // namespace
}  // namespace shoal::e2e
