#include "coordinator/identity/certificate_maker.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "coordinator/identity/host_names.h"
#include "core/join/certificate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::identity {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAreArray;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);  // 2027-01-15

class MadeCertificateTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto made = MakeCertificate({"laptop", "10.0.0.7", "::1"}, kNow);
    ASSERT_OK(made);
    made_ = *made;
    const auto bio = Bio(made_.certificate);
    x509_.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    ASSERT_NE(x509_, nullptr);
  }

  static std::shared_ptr<BIO> Bio(const std::string& text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
  }

  MadeCertificate made_;
  std::unique_ptr<X509, decltype(&X509_free)> x509_{nullptr, X509_free};
};

TEST_F(MadeCertificateTest, IsMadeOutToEveryNameAndTheLabsOwn) {
  ASSERT_OK_AND_ASSIGN(const join::Certificate read, join::ReadCertificate(made_.certificate));
  EXPECT_THAT(read.names, ElementsAre(join::kLabName, "laptop", "10.0.0.7", "::1"));
  EXPECT_EQ(X509_check_host(x509_.get(), "laptop", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(x509_.get(), join::kLabName, 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(x509_.get(), "desktop", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(x509_.get(), "10.0.0.7", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(x509_.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(x509_.get(), "10.0.0.8", 0), 0);
}

TEST_F(MadeCertificateTest, LivesTenYearsFromADayAgo) {
  ASSERT_OK_AND_ASSIGN(const join::Certificate read, join::ReadCertificate(made_.certificate));
  EXPECT_EQ(read.not_before, kNow - absl::Hours(24));
  EXPECT_EQ(join::DateText(read.not_after), "2037-01-14");
}

TEST_F(MadeCertificateTest, IsP256SelfSignedAndNoAuthority) {
  EVP_PKEY* key = X509_get0_pubkey(x509_.get());
  char curve[32] = {};
  ASSERT_EQ(EVP_PKEY_get_group_name(key, curve, sizeof curve, nullptr), 1);
  EXPECT_STREQ(curve, "prime256v1");
  EXPECT_EQ(X509_verify(x509_.get(), key), 1);
  EXPECT_EQ(X509_check_ca(x509_.get()), 0);
  EXPECT_EQ(X509_check_purpose(x509_.get(), X509_PURPOSE_SSL_SERVER, 0), 1);
  EXPECT_EQ(X509_check_purpose(x509_.get(), X509_PURPOSE_SSL_CLIENT, 0), 0);
}

TEST_F(MadeCertificateTest, ItsPrivateKeyFitsAndIsOfItsOwn) {
  const auto bio = Bio(made_.private_key);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(X509_check_private_key(x509_.get(), key.get()), 1);
  ASSERT_OK_AND_ASSIGN(const MadeCertificate other, MakeCertificate({"laptop"}, kNow));
  EXPECT_NE(other.private_key, made_.private_key);
  EXPECT_NE(other.certificate, made_.certificate);
}

TEST(NamesForTest, HoldsWhatWasGivenAndThisMachine) {
  const std::vector<std::string> names = NamesFor("laptop", "lab.example.org");
  for (const char* name : {"laptop", "lab.example.org", "localhost", "127.0.0.1", "::1"}) {
    EXPECT_THAT(names, Contains(name).Times(1));
  }
  for (const std::string& address : OwnAddresses()) EXPECT_THAT(names, Contains(address));
  EXPECT_THAT(NamesFor("0.0.0.0", ""), Not(Contains("0.0.0.0")));
  EXPECT_THAT(NamesFor("localhost", "localhost"), Contains("localhost").Times(1));
}

TEST(ReachableNameTest, IsAnAddressOfThisMachineWhereAllAreMeant) {
  EXPECT_EQ(ReachableName("laptop"), "laptop");
  const std::vector<std::string> own = OwnAddresses();
  EXPECT_EQ(ReachableName("0.0.0.0"), own.empty() ? "127.0.0.1" : own.front());
}

}  // namespace
}  // namespace shoal::identity
