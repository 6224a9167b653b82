// A message as JSON: the mapping of proto3 with fields named as in the .proto and scalars always
// there, but that 64-bit integers are numbers, as everywhere else in JSON. Only one whose magnitude
// is above 2^53, which a reader's double would change, stays the text that the mapping makes of it.
#pragma once

#include <string>

#include "google/protobuf/message.h"

namespace shoal::cli {

// One line. The same text for the same message: maps come in the order of their keys.
std::string MessageJson(const google::protobuf::Message& message);

}  // namespace shoal::cli
