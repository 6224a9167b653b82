// shoal doctor: is everything that shoal needs here and well? Each line says what was looked at,
// what was found, and, where something is wrong, what to do.

#include <sys/statvfs.h>

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/lab/embedded.h"
#include "cli/output/format.h"
#include "core/base/build_info.h"
#include "core/base/file.h"
#include "core/base/host_info.h"
#include "core/base/install_paths.h"
#include "core/base/net_fs.h"
#include "core/base/status.h"
#include "core/base/subprocess.h"
#include "core/join/certificate.h"
#include "core/join/join_file.h"
#include "google/protobuf/util/json_util.h"
#include "shoal/v1/runner.pb.h"

namespace shoal::cli {
namespace {

enum class Verdict { kOk, kNote, kBad };

struct Finding {
  std::string subject;
  Verdict verdict = Verdict::kOk;
  std::string text;
};

std::vector<Finding> CheckInstallation() {
  std::vector<Finding> findings = {{"build", Verdict::kOk, ThisBuild().ToString()}};
  const absl::StatusOr<InstallPaths> paths = InstallPaths::OfThisProgram();
  RealFileSystem files;
  if (!paths.ok() || !files.Exists(paths->Program("shoal-runner"))) {
    findings.push_back(
        {"installation", Verdict::kBad,
         "shoal-runner is missing beside shoal: install or build the whole project"});
    return findings;
  }
  findings.push_back({"installation", Verdict::kOk, paths->prefix});
  return findings;
}

Finding CheckMachine() {
  const HostInfo host = ReadHostInfo();
  return {"machine", Verdict::kOk,
          StrCat(host.cpu_model, ", ", host.UsableCpus(), " cores, ", HumanBytes(host.memory_bytes),
                 ", ", host.isa)};
}

// Asks a runner what its backends find, as a worker does.
std::vector<Finding> CheckBackends() {
  const absl::StatusOr<InstallPaths> paths = InstallPaths::OfThisProgram();
  if (!paths.ok()) return {{"backends", Verdict::kBad, std::string(paths.status().message())}};
  SubprocessOptions probe;
  probe.args = {paths->Program("shoal-runner"), "--probe"};
  const absl::StatusOr<CapturedRun> run = RunAndCapture(probe, absl::Seconds(30));
  if (!run.ok()) return {{"backends", Verdict::kBad, std::string(run.status().message())}};
  v1::Capabilities capabilities;
  if (!run->exit.ok() ||
      !google::protobuf::util::JsonStringToMessage(run->out, &capabilities).ok()) {
    return {{"backends", Verdict::kBad,
             StrCat("shoal-runner --probe ", run->exit.ToString(), ": ", run->err)}};
  }
  std::vector<Finding> findings;
  bool any = false;
  for (const v1::BackendInfo& backend : capabilities.backends()) {
    if (backend.available()) {
      any = any || backend.name() != "mock";
      findings.push_back(
          {"backend " + backend.name(), Verdict::kOk,
           StrCat(backend.device_name(), ", ", backend.isa(),
                  backend.supports_bf16() ? ", bf16" : "", ", version ", backend.version())});
    } else {
      findings.push_back({"backend " + backend.name(), Verdict::kNote, backend.reason()});
    }
  }
  if (!any)
    findings.push_back(
        {"backends", Verdict::kBad, "none can be used: nothing can be trained here"});
  return findings;
}

std::vector<Finding> CheckDataFolder(const std::string& data_dir) {
  if (const absl::Status status = CheckDataDir(data_dir); !status.ok())
    return {{"data folder", Verdict::kBad, std::string(status.message())}};
  RealFileSystem files;
  std::vector<Finding> findings;
  if (!files.Exists(data_dir))
    return {{"data folder", Verdict::kNote,
             data_dir + " will be made by the first command that needs it"}};
  struct statvfs stats {};
  if (statvfs(data_dir.c_str(), &stats) == 0) {
    const auto free = static_cast<int64_t>(stats.f_bavail) * static_cast<int64_t>(stats.f_frsize);
    const bool low = free < (int64_t{2} << 30);
    findings.push_back({"data folder", low ? Verdict::kBad : Verdict::kOk,
                        StrCat(data_dir, ", ", HumanBytes(free), " free",
                               low ? ": too little for checkpoints; make room" : "")});
  }
  return findings;
}

// The join file that --lab names, or that this machine's lab hands out.
std::vector<Finding> CheckJoinFile(const Globals& globals) {
  const LabOptions& options = globals.lab;
  const bool own = options.address.empty();
  const std::string path = own ? join::JoinFileOf(options.data_dir) : options.address;
  RealFileSystem files;
  if (path.starts_with("unix:") || (own && !files.Exists(path))) return {};
  const absl::StatusOr<join::Endpoint> endpoint = join::FindEndpoint(path, globals.clock().Now());
  if (!endpoint.ok())
    return {{"join file", Verdict::kBad, std::string(endpoint.status().message())}};
  const absl::StatusOr<join::Certificate> certificate =
      join::ReadCertificate(endpoint->certificate);
  if (!certificate.ok())
    return {{"join file", Verdict::kBad, std::string(certificate.status().message())}};
  const bool soon = globals.clock().Now() + absl::Hours(24 * 365) > certificate->not_after;
  return {{"join file", Verdict::kOk, StrCat(path, ", for ", endpoint->target)},
          {"certificate", soon ? Verdict::kNote : Verdict::kOk,
           StrCat(certificate->fingerprint.Hex().substr(0, 16), ", good until ",
                  join::DateText(certificate->not_after),
                  soon ? "; `shoal coordinator join-file --rotate` on the lab's machine renews it"
                       : "")}};
}

// Leases do not care about wall clocks; times in tables and logs do.
std::vector<Finding> CheckClock(const v1::GetLabResponse& lab, absl::Time asked, absl::Time now) {
  if (!lab.has_now()) return {};
  const absl::Time theirs =
      absl::FromUnixSeconds(lab.now().seconds()) + absl::Nanoseconds(lab.now().nanos());
  absl::Duration off = absl::ZeroDuration();  // between asking and the answer: no difference
  if (theirs < asked) off = theirs - asked;
  if (theirs > now) off = theirs - now;
  const bool much = absl::AbsDuration(off) > absl::Seconds(30);
  if (!much) return {{"clock", Verdict::kOk, "this machine's and the lab's agree"}};
  return {{"clock", Verdict::kNote,
           StrCat("the lab's is ", HumanDuration(absl::AbsDuration(off)),
                  off > absl::ZeroDuration() ? " ahead of" : " behind",
                  " this machine's: set both by NTP, or times will not fit together")}};
}

std::vector<Finding> CheckLab(const Globals& globals) {
  LabOptions options = globals.lab;
  options.start = false;
  absl::StatusOr<Lab> lab = Lab::Connect(options);
  if (!lab.ok()) {
    const bool expected = options.address.empty() && !EmbeddedLabRuns(options.data_dir);
    return {{"lab", expected ? Verdict::kNote : Verdict::kBad,
             expected ? "not running; commands start it when they need it"
                      : std::string(lab.status().message())}};
  }
  const absl::Time asked = globals.clock().Now();
  const auto info = Call(lab->service(), &v1::LabService::Stub::GetLab, v1::GetLabRequest());
  if (!info.ok()) return {{"lab", Verdict::kBad, std::string(info.status().message())}};
  std::vector<Finding> findings = {{"lab", Verdict::kOk,
                                    StrCat(lab->endpoint().target, ", version ", info->version(),
                                           ", schema ", info->schema_version())}};
  if (info->build_id() != ThisBuild().ToString()) {
    findings.push_back(
        {"versions", Verdict::kNote,
         StrCat("the lab runs ", info->build_id(), ", this is ", ThisBuild().ToString(),
                options.address.empty() ? "; `shoal down` and the next command runs the new one"
                                        : "; older and newer ones may not understand each other")});
  }
  if (!lab->endpoint().is_local()) {
    for (Finding& finding : CheckClock(*info, asked, globals.clock().Now()))
      findings.push_back(std::move(finding));
  }
  findings.push_back(
      {"workers", info->ready_workers() > 0 ? Verdict::kOk : Verdict::kBad,
       info->ready_workers() > 0 ? StrCat(info->ready_workers(), " ready, ", info->slots_used(),
                                          " of ", info->slots(), " slots in use")
       : options.address.empty() && EmbeddedLabRuns(options.data_dir)
           ? StrCat("none is ready; see ", JoinPath(EmbeddedLogDir(options.data_dir), "worker.log"))
           : "none is ready; `shoal worker --join FILE` adds one"});
  return findings;
}

}  // namespace

void AddDoctor(CLI::App& app, Globals& globals) {
  AddCommand(app, globals,
             {"doctor",
              "Check the installation, the machine, its backends and the lab",
              {"shoal doctor", "shoal doctor --lab lab.join  # can this machine reach that lab?"}},
             [&globals]() -> absl::Status {
               std::vector<Finding> findings = CheckInstallation();
               findings.push_back(CheckMachine());
               for (auto& finding : CheckBackends()) findings.push_back(std::move(finding));
               for (auto& finding : CheckDataFolder(globals.lab.data_dir))
                 findings.push_back(std::move(finding));
               for (auto& finding : CheckJoinFile(globals)) findings.push_back(std::move(finding));
               for (auto& finding : CheckLab(globals)) findings.push_back(std::move(finding));
               std::string json = "[";
               bool bad = false;
               for (const Finding& finding : findings) {
                 bad = bad || finding.verdict == Verdict::kBad;
                 const char* word = finding.verdict == Verdict::kOk     ? "ok"
                                    : finding.verdict == Verdict::kNote ? "note"
                                                                        : "BAD";
                 const Style style = finding.verdict == Verdict::kOk     ? Style::kGreen
                                     : finding.verdict == Verdict::kNote ? Style::kYellow
                                                                         : Style::kRed;
                 if (!globals.json) {
                   std::printf(
                       "%s  %-18s %s\n",
                       Styled(globals.terminal, style,
                              StrCat(word, std::string(4 - std::string_view(word).size(), ' ')))
                           .c_str(),
                       finding.subject.c_str(), Printable(finding.text, false).c_str());
                 }
                 StrAppend(json, json.size() > 1 ? "," : "",
                           "{\"subject\":", JsonReply::Quote(finding.subject),
                           ",\"verdict\":", JsonReply::Quote(word),
                           ",\"text\":", JsonReply::Quote(finding.text), "}");
               }
               if (globals.json) JsonReply().AddRaw("findings", json + "]").Print();
               if (bad) globals.exit_code = kInfrastructure;
               return absl::OkStatus();
             });
}

}  // namespace shoal::cli
