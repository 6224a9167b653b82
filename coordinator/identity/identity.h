// Who a lab is to other machines, in its data folder:
//
//   access/certificate.pem    made once, for ten years (certificate_maker.h)
//   access/private-key.pem    of the certificate, 0600
//   access/key.sha256         of the key that every call over the network shows; the key itself is
//                             in the join file only
//   access/address            what other machines call the lab
//   lab.join                  the join file (core/join/join_file.h), 0600
//
// lab.join may be taken away: the lab goes on with those who have it, until Rotate.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/digest.h"
#include "core/join/address.h"
#include "core/join/certificate.h"

namespace shoal::identity {

struct Identity {
  std::string certificate;  // PEM
  std::string private_key;  // PEM
  join::Certificate facts;
};

std::string KeyDigestPath(const std::string& data_dir);

// The identity of the lab in `data_dir`; what is missing of it is made, for a lab that listens on
// `listen` and is reached as `advertised` (may be empty). For the one coordinator of that folder.
// Errors: FailedPrecondition when the certificate is not valid at `now`, with the remedy; DataLoss
// when its files do not fit together; those of writing.
absl::StatusOr<Identity> LoadOrMake(const std::string& data_dir, const std::string& listen,
                                    const std::string& advertised, absl::Time now);

// Writes down what other machines call the lab, once the port is known. When there is no key yet,
// makes one; a join file that is there is brought up to date. Answers whether there is one.
absl::StatusOr<bool> WriteJoinFile(const std::string& data_dir, const Identity& identity,
                                   const join::Address& address);

struct Rotated {
  bool certificate = false;  // was made anew too: a coordinator that runs must start again
};
// Makes a new key and a new join file; also a new certificate when it has less than a year to live.
// A running coordinator refuses the old key from the next call on. Errors: FailedPrecondition when
// the lab has never listened.
absl::StatusOr<Rotated> Rotate(const std::string& data_dir, absl::Time now);

// The digest in `path`. Errors: those of reading; DataLoss.
absl::StatusOr<Digest> ReadKeyDigest(const std::string& path);

}  // namespace shoal::identity
