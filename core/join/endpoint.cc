#include "core/join/endpoint.h"

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/join/address.h"
#include "core/join/certificate.h"
#include "core/join/join_file.h"

namespace shoal::join {
namespace {

constexpr std::string_view kAnew =
    "`shoal coordinator join-file` on the lab's machine names the file to use";

bool Says(const absl::Status& status, std::string_view text) {
  return StdView(status.message()).find(text) != std::string_view::npos;
}

std::string FileText(const Endpoint& endpoint) {
  return endpoint.file.empty() ? std::string("the join file") : endpoint.file;
}

}  // namespace

std::string Endpoint::ToString() const {
  return file.empty() ? target : StrCat(target, " (", file, ")");
}

Endpoint UnixEndpoint(std::string_view socket_path) {
  Endpoint endpoint;
  endpoint.target = StrCat("unix:", socket_path);
  return endpoint;
}

absl::StatusOr<Endpoint> JoinEndpoint(const std::string& path, absl::Time now) {
  SHOAL_ASSIGN_OR_RETURN(JoinFile join, ReadJoinFile(path));
  SHOAL_ASSIGN_OR_RETURN(const Certificate certificate, ReadCertificate(join.certificate));
  const absl::Status dates = CheckDates(certificate, now);
  if (!dates.ok()) {
    return absl::FailedPreconditionError(
        StrCat(path, ": ", dates.message(),
               "; `shoal coordinator join-file --rotate` on the lab's machine makes it anew"));
  }
  return Endpoint{std::move(join.address), std::move(join.certificate), std::move(join.key), path};
}

absl::StatusOr<Endpoint> FindEndpoint(const std::string& lab, absl::Time now) {
  if (lab.starts_with("unix:")) return UnixEndpoint(std::string_view(lab).substr(5));
  RealFileSystem files;
  if (!files.Exists(lab) && ParseAddress(lab).ok()) {
    return absl::InvalidArgumentError(StrCat(
        "\"", lab, "\" names a place, but not who may enter: name the lab's join file instead (",
        kAnew, ")"));
  }
  return JoinEndpoint(lab, now);
}

absl::Status Check(const Endpoint& endpoint) {
  if (endpoint.is_local()) return absl::OkStatus();
  if (endpoint.target.empty()) return absl::InvalidArgumentError("no lab is named");
  if (!endpoint.certificate.empty() && !endpoint.key.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat("\"", endpoint.target,
                                           "\" is not on this machine: a lab elsewhere is entered "
                                           "with its join file, as in --join lab.join"));
}

absl::Status Explain(const absl::Status& status, const Endpoint& endpoint) {
  if (status.ok() || endpoint.is_local()) return status;
  if (absl::IsUnauthenticated(status)) {
    return absl::UnauthenticatedError(StrCat("the lab at ", endpoint.target,
                                             " does not accept the key of ", FileText(endpoint),
                                             ": it has a new one; ", kAnew));
  }
  if (!absl::IsUnavailable(status)) return status;
  if (Says(status, "CERTIFICATE_VERIFY_FAILED") || Says(status, "certificate verify failed")) {
    return absl::UnauthenticatedError(StrCat("what answers at ", endpoint.target,
                                             " is not the lab that ", FileText(endpoint),
                                             " was made by: its certificate is another; ", kAnew));
  }
  if (Says(status, "WRONG_VERSION_NUMBER") || Says(status, "wrong version number")) {
    return absl::UnavailableError(StrCat("what answers at ", endpoint.target,
                                         " speaks no TLS: it is no Shoal coordinator; ", kAnew));
  }
  return status;
}

}  // namespace shoal::join
