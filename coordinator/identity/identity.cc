#include "coordinator/identity/identity.h"

#include "coordinator/identity/certificate_maker.h"
#include "coordinator/identity/host_names.h"
#include "coordinator/identity/secret_file.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/join/join_file.h"
#include "core/join/key.h"

namespace shoal::identity {
namespace {

constexpr absl::Duration kRenewBefore = absl::Hours(24 * 365);

std::string Folder(const std::string& data_dir) { return JoinPath(data_dir, "access"); }
std::string CertificatePath(const std::string& data_dir) {
  return JoinPath(Folder(data_dir), "certificate.pem");
}
std::string PrivateKeyPath(const std::string& data_dir) {
  return JoinPath(Folder(data_dir), "private-key.pem");
}
std::string AddressPath(const std::string& data_dir) {
  return JoinPath(Folder(data_dir), "address");
}

// Private key first: a crash in between leaves no certificate, and both are made anew.
absl::Status MakeAnew(const std::string& data_dir, const std::vector<std::string>& names,
                      absl::Time now) {
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.RemoveFile(CertificatePath(data_dir)));
  SHOAL_ASSIGN_OR_RETURN(const MadeCertificate made, MakeCertificate(names, now));
  SHOAL_RETURN_IF_ERROR(WriteSecretFile(PrivateKeyPath(data_dir), made.private_key));
  return WriteSecretFile(CertificatePath(data_dir), made.certificate);
}

absl::StatusOr<Identity> Load(const std::string& data_dir) {
  RealFileSystem files;
  Identity identity;
  SHOAL_ASSIGN_OR_RETURN(identity.certificate, files.ReadFile(CertificatePath(data_dir)));
  SHOAL_ASSIGN_OR_RETURN(identity.private_key, files.ReadFile(PrivateKeyPath(data_dir)));
  absl::StatusOr<join::Certificate> facts = join::ReadCertificate(identity.certificate);
  if (!facts.ok()) {
    return absl::DataLossError(StrCat(CertificatePath(data_dir), " ", facts.status().message(),
                                      "; remove it, and the lab makes a new one"));
  }
  identity.facts = *std::move(facts);
  return identity;
}

absl::Status NewKeyFile(const std::string& data_dir, const Identity& identity,
                        const std::string& address) {
  const join::JoinFile join{address, join::NewKey(), identity.certificate};
  // Should the second not happen, the first is a file that does not work, which its user is told.
  SHOAL_RETURN_IF_ERROR(WriteSecretFile(join::JoinFileOf(data_dir), join::ToText(join)));
  return WriteSecretFile(KeyDigestPath(data_dir), StrCat(join::KeyDigest(join.key).Hex(), "\n"));
}

// True when `join` is the join file of this lab's present key.
absl::StatusOr<bool> IsOurs(const std::string& data_dir, const join::JoinFile& join) {
  SHOAL_ASSIGN_OR_RETURN(const Digest digest, ReadKeyDigest(KeyDigestPath(data_dir)));
  return join::SameDigest(digest, join::KeyDigest(join.key));
}

}  // namespace

std::string KeyDigestPath(const std::string& data_dir) {
  return JoinPath(Folder(data_dir), "key.sha256");
}

absl::StatusOr<Identity> LoadOrMake(const std::string& data_dir, const std::string& listen,
                                    const std::string& advertised, absl::Time now) {
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(Folder(data_dir), 0700));
  if (!files.Exists(CertificatePath(data_dir))) {
    SHOAL_RETURN_IF_ERROR(MakeAnew(data_dir, NamesFor(listen, advertised), now));
    LogInfo("certificate made", {"file", CertificatePath(data_dir)});
  }
  SHOAL_ASSIGN_OR_RETURN(Identity identity, Load(data_dir));
  if (const absl::Status dates = join::CheckDates(identity.facts, now); !dates.ok()) {
    return absl::FailedPreconditionError(
        StrCat(dates.message(),
               "; `shoal coordinator join-file --rotate` makes a new one, and everybody who joined "
               "needs the new join file"));
  }
  if (now + kRenewBefore > identity.facts.not_after) {
    LogWarning("certificate expires within a year",
               {"expires", join::DateText(identity.facts.not_after)},
               {"remedy", "shoal coordinator join-file --rotate"});
  }
  return identity;
}

absl::StatusOr<bool> WriteJoinFile(const std::string& data_dir, const Identity& identity,
                                   const join::Address& address) {
  RealFileSystem files;
  const std::string path = join::JoinFileOf(data_dir);
  const std::string text = address.ToString();
  SHOAL_RETURN_IF_ERROR(WriteSecretFile(AddressPath(data_dir), text + "\n"));
  if (!files.Exists(KeyDigestPath(data_dir))) {
    SHOAL_RETURN_IF_ERROR(NewKeyFile(data_dir, identity, text));
    LogInfo("join file made", {"file", path}, {"address", text});
    return true;
  }
  if (!files.Exists(path)) return false;
  SHOAL_ASSIGN_OR_RETURN(join::JoinFile join, join::ReadJoinFile(path));
  SHOAL_ASSIGN_OR_RETURN(const bool ours, IsOurs(data_dir, join));
  if (!ours) {
    LogWarning("join file has another key than this lab", {"file", path},
               {"remedy", "shoal coordinator join-file --rotate"});
    return false;
  }
  if (join.address == text && join.certificate == identity.certificate) return true;
  join.address = text;
  join.certificate = identity.certificate;
  SHOAL_RETURN_IF_ERROR(WriteSecretFile(path, join::ToText(join)));
  LogInfo("join file brought up to date", {"file", path}, {"address", text});
  return true;
}

absl::StatusOr<Rotated> Rotate(const std::string& data_dir, absl::Time now) {
  RealFileSystem files;
  if (!files.Exists(AddressPath(data_dir)) || !files.Exists(CertificatePath(data_dir))) {
    return absl::FailedPreconditionError(
        StrCat("the lab in ", data_dir,
               " has never listened for other machines: `shoal coordinator --listen HOST:PORT` or "
               "`shoal up --listen HOST:PORT` makes its join file"));
  }
  SHOAL_ASSIGN_OR_RETURN(std::string address, files.ReadFile(AddressPath(data_dir)));
  address = std::string(StripSpace(address));
  SHOAL_ASSIGN_OR_RETURN(Identity identity, Load(data_dir));
  Rotated rotated;
  if (now + kRenewBefore > identity.facts.not_after) {
    SHOAL_RETURN_IF_ERROR(MakeAnew(data_dir, identity.facts.names, now));
    SHOAL_ASSIGN_OR_RETURN(identity, Load(data_dir));
    rotated.certificate = true;
  }
  SHOAL_RETURN_IF_ERROR(NewKeyFile(data_dir, identity, address));
  return rotated;
}

absl::StatusOr<Digest> ReadKeyDigest(const std::string& path) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const std::string text, files.ReadFile(path));
  absl::StatusOr<Digest> digest = Digest::FromHex(StripSpace(text));
  if (digest.ok()) return digest;
  return absl::DataLossError(
      StrCat(path, " holds no digest; `shoal coordinator join-file --rotate` makes a new key"));
}

}  // namespace shoal::identity
