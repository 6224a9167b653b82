#include "core/spec/fingerprint.h"

#include <algorithm>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/print.h"

namespace shoal::spec {
namespace {

// "Train.JSONL" -> ".jsonl", "corpus" -> "-".
std::string ExtensionOf(const std::string& file_name) {
  const std::string base = BaseName(file_name);
  const size_t dot = base.find_last_of('.');
  if (dot == std::string::npos || dot == 0) return "-";
  std::string extension = base.substr(dot);
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (static_cast<unsigned char>(c) <= ' ') c = '_';
  }
  return extension;
}

// "BINDING_ROLE_HELD_OUT" -> "HELD_OUT"
std::string RoleText(v1::BindingRole role) {
  return v1::BindingRole_Name(role).substr(std::string_view("BINDING_ROLE_").size());
}

}  // namespace

absl::StatusOr<std::string> RequestDigest(const v1::RunSpec& spec,
                                          std::span<const v1::DataBinding> bindings) {
  std::vector<std::string> lines;
  for (const v1::DataBinding& binding : bindings) {
    if (!v1::BindingRole_IsValid(binding.role()) ||
        binding.role() == v1::BINDING_ROLE_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          StrCat("the data file '", binding.file_name(), "' has no role (", binding.role(), ")"));
    }
    SHOAL_ASSIGN_OR_RETURN(const Digest digest, Digest::FromHex(binding.sha256()),
                           "the digest of data file '", binding.file_name(), "'");
    lines.push_back(StrCat(RoleText(binding.role()), " ", digest.Hex(), " ",
                           ExtensionOf(binding.file_name()), "\n"));
  }
  std::sort(lines.begin(), lines.end());
  SHOAL_ASSIGN_OR_RETURN(const std::string canonical, CanonicalJson(spec));
  return Sha256Of(StrCat("shoal request 1\n", canonical, "\n", StrJoin(lines, ""))).Hex();
}

absl::StatusOr<std::string> RequestDigest(
    const v1::RunSpec& spec, const google::protobuf::RepeatedPtrField<v1::DataBinding>& bindings) {
  return RequestDigest(spec, std::vector<v1::DataBinding>(bindings.begin(), bindings.end()));
}

absl::StatusOr<std::string> Fingerprint(std::string_view request_digest,
                                        const v1::NumericsClass& numerics) {
  SHOAL_ASSIGN_OR_RETURN(const Digest digest, Digest::FromHex(request_digest), "request digest");
  if (numerics.backend().empty() || numerics.dtype().empty()) {
    return absl::InvalidArgumentError(
        StrCat("a numerics class needs a backend and a dtype, is: ", NumericsLine(numerics)));
  }
  SHOAL_ASSIGN_OR_RETURN(const std::string canonical, CanonicalJson(numerics));
  return Sha256Of(StrCat("shoal fingerprint 1\n", digest.Hex(), "\n", canonical, "\n")).Hex();
}

bool MayStandFor(const v1::NumericsClass& numerics, const v1::ResourceSpec& computed,
                 const v1::ResourceSpec& asked) {
  const std::string& backend = asked.backend();
  const bool is_auto = backend.empty() || backend == "auto";
  const bool plain = computed.backend().rfind("check:", 0) != 0 && numerics.backend() != "mock";
  if (is_auto ? !plain : backend != numerics.backend() && backend != computed.backend())
    return false;
  return computed.threads() == asked.threads() &&
         computed.backend_options() == asked.backend_options();
}

std::string NumericsLine(const v1::NumericsClass& numerics) {
  return StrCat("backend=", numerics.backend(), " version=", numerics.numerics_version(),
                " isa=", numerics.isa(), " dtype=", numerics.dtype(),
                " threads=", numerics.threads(), " l1d=", numerics.l1d_bytes(),
                " l2=", numerics.l2_bytes(), " l3=", numerics.l3_bytes());
}

std::string NumericsName(const v1::NumericsClass& numerics) {
  return StrCat(numerics.backend(), " v", numerics.numerics_version(), " ", numerics.isa(), " ",
                numerics.dtype(), " ", numerics.threads(),
                numerics.threads() == 1 ? " thread" : " threads");
}

}  // namespace shoal::spec
