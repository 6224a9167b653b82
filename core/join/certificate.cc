#include "core/join/certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "absl/time/civil_time.h"
#include "core/base/strings.h"

namespace shoal::join {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* x509) const { X509_free(x509); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Cert = std::unique_ptr<X509, Free>;

Cert ReadOne(BIO* bio) {
  Cert cert(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
  ERR_clear_error();  // "no more" is an error to OpenSSL
  return cert;
}

// A name or an address of subjectAltName; "" of any other kind.
std::string NameText(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.dNSName)),
            static_cast<size_t>(ASN1_STRING_length(name.d.dNSName))};
  }
  if (name.type != GEN_IPADD) return "";
  const int size = ASN1_STRING_length(name.d.iPAddress);
  char text[INET6_ADDRSTRLEN] = {};
  if (size != 4 && size != 16) return "";
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name.d.iPAddress), text,
            sizeof text);
  return text;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  tm parts = {};
  ASN1_TIME_to_tm(time, &parts);
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<Certificate> ReadCertificate(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Cert cert = ReadOne(bio.get());
  if (cert == nullptr) return absl::InvalidArgumentError("is not a certificate in PEM form");
  if (ReadOne(bio.get()) != nullptr) {
    return absl::InvalidArgumentError("holds more than one certificate");
  }
  Certificate out;
  const std::unique_ptr<GENERAL_NAMES, Free> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(cert.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    std::string name = NameText(*sk_GENERAL_NAME_value(names.get(), i));
    if (!name.empty()) out.names.push_back(std::move(name));
  }
  out.not_before = TimeOf(X509_get0_notBefore(cert.get()));
  out.not_after = TimeOf(X509_get0_notAfter(cert.get()));
  unsigned char* der = nullptr;
  const int size = i2d_X509(cert.get(), &der);
  if (size <= 0) return absl::InvalidArgumentError("is a certificate that cannot be encoded");
  out.fingerprint =
      Sha256Of(std::string_view(reinterpret_cast<const char*>(der), static_cast<size_t>(size)));
  OPENSSL_free(der);
  return out;
}

absl::Status CheckDates(const Certificate& certificate, absl::Time now) {
  if (now > certificate.not_after) {
    return absl::FailedPreconditionError(StrCat("the lab's certificate expired on ",
                                                DateText(certificate.not_after), "; today is ",
                                                DateText(now)));
  }
  if (now < certificate.not_before) {
    return absl::FailedPreconditionError(
        StrCat("the lab's certificate is valid from ", DateText(certificate.not_before),
               " on, and this machine's clock says ", DateText(now), ": one of the two is wrong"));
  }
  return absl::OkStatus();
}

std::string DateText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone());
}

}  // namespace shoal::join
