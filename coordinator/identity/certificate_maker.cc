#include "coordinator/identity/certificate_maker.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/join/address.h"
#include "core/join/certificate.h"

namespace shoal::identity {
namespace {

constexpr absl::Duration kClockSlack = absl::Hours(24);
constexpr absl::Duration kLifetime = absl::Hours(24 * 3652);  // ten years, two leap days

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* x509) const { X509_free(x509); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

absl::Status Failed(std::string_view what) {
  char text[256] = {};
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return absl::InternalError(StrCat(what, ": ", text));
}

// X509V3_EXT_conf_nid's language: "DNS:laptop,IP:10.0.0.7".
std::string AlternativeNames(const std::vector<std::string>& names) {
  std::string text = StrCat("DNS:", join::kLabName);
  for (const std::string& name : names) {
    if (name == join::kLabName) continue;
    StrAppend(text, join::IsIpAddress(name) ? ",IP:" : ",DNS:", name);
  }
  return text;
}

absl::Status AddExtension(X509* cert, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (extension == nullptr || X509_add_ext(cert, extension.get(), -1) != 1) {
    return Failed(StrCat("adding ", OBJ_nid2sn(kind), "=", value, " to the certificate"));
  }
  return absl::OkStatus();
}

// 127 random bits, never zero: unique without a register.
absl::Status SetSerial(X509* cert) {
  const Owned<BIGNUM> number(BN_new());
  if (number == nullptr || BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert)) == nullptr) {
    return Failed("drawing the certificate's serial number");
  }
  return absl::OkStatus();
}

absl::Status Fill(X509* cert, EVP_PKEY* key, const std::vector<std::string>& names,
                  absl::Time now) {
  X509_NAME* name = X509_get_subject_name(cert);
  const auto* common = reinterpret_cast<const unsigned char*>(join::kLabName);
  const bool filled =
      X509_set_version(cert, X509_VERSION_3) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(cert), absl::ToTimeT(now - kClockSlack)) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(cert), absl::ToTimeT(now + kLifetime)) != nullptr &&
      X509_set_pubkey(cert, key) == 1 &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1 &&
      X509_set_issuer_name(cert, name) == 1;
  if (!filled) return Failed("filling in the certificate");
  SHOAL_RETURN_IF_ERROR(SetSerial(cert));
  SHOAL_RETURN_IF_ERROR(AddExtension(cert, NID_basic_constraints, "critical,CA:FALSE"));
  SHOAL_RETURN_IF_ERROR(AddExtension(cert, NID_key_usage, "critical,digitalSignature"));
  SHOAL_RETURN_IF_ERROR(AddExtension(cert, NID_ext_key_usage, "serverAuth"));
  return AddExtension(cert, NID_subject_alt_name, AlternativeNames(names));
}

template <typename Write>
absl::StatusOr<std::string> ToPem(const Write& write) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || write(bio.get()) != 1) return Failed("writing PEM");
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<MadeCertificate> MakeCertificate(const std::vector<std::string>& names,
                                                absl::Time now) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("making a P-256 key");
  const Owned<X509> cert(X509_new());
  if (cert == nullptr) return Failed("making a certificate");
  SHOAL_RETURN_IF_ERROR(Fill(cert.get(), key.get(), names, now));
  if (X509_sign(cert.get(), key.get(), EVP_sha256()) == 0) return Failed("signing the certificate");
  MadeCertificate made;
  SHOAL_ASSIGN_OR_RETURN(made.certificate,
                         ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, cert.get()); }));
  SHOAL_ASSIGN_OR_RETURN(made.private_key, ToPem([&](BIO* bio) {
                           return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0,
                                                           nullptr, nullptr);
                         }));
  return made;
}

}  // namespace shoal::identity
