// From a parsed JSON object to a record. Internal to core/data.
#pragma once

#include <simdjson.h>

#include <set>
#include <string>

#include "core/data/dataset/record.h"

namespace shoal::data {

// As ParseRecord. Returns the reason why the object is no record; empty when `record` is good.
std::string ReadRecord(const simdjson::dom::object& object, const RecordFields& fields,
                       Record& record, std::set<std::string>* unused);

}  // namespace shoal::data
