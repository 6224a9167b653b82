#include "coordinator/store/request_rows.h"

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace shoal::store {

std::string RequestSha256(const google::protobuf::Message& request) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);  // maps in order of their keys
    request.SerializeToCodedStream(&coded);
  }
  return Sha256Of(bytes).Hex();
}

absl::StatusOr<std::optional<std::string>> FindRequest(Database& db, const std::string& request_id,
                                                       const std::string& method,
                                                       const std::string& request_sha256) {
  std::optional<std::string> response;
  bool same = true;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT method, request_sha256, response_pb FROM request WHERE request_id = ?",
      [&](const Statement& row) {
        same = row.Text(0) == method && row.Text(1) == request_sha256;
        response = std::string(row.Blob(2));
      },
      request_id));
  if (same) return response;
  return absl::InvalidArgumentError(
      StrCat("request_id ", request_id,
             " was used before for another request; choose a new one for each request"));
}

absl::Status InsertRequest(Database& db, const std::string& request_id, const std::string& method,
                           const std::string& request_sha256,
                           const google::protobuf::Message& response, absl::Time now) {
  return db.Run(
      R"sql(INSERT INTO request (request_id, method, request_sha256, response_pb, created_at_us)
            VALUES (?, ?, ?, ?, ?))sql",
      request_id, method, request_sha256, AsBlob{response.SerializeAsString()}, now);
}

}  // namespace shoal::store
