#include "cli/analysis/grouping.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/status.h"
#include "core/spec/fields.h"

namespace shoal::analysis {
namespace {

constexpr std::string_view kSeed = "seed";

// Not part of what a run is, but of what it computed with.
bool SetsTheMachine(std::string_view path) {
  return path == "resources.backend" || path == "resources.threads";
}

bool Alike(const std::vector<FlatField>& values) {
  return std::all_of(values.begin(), values.end(),
                     [&](const FlatField& field) { return field.text == values.front().text; });
}

// The end of each path that no other path ends with.
void SetTitles(std::vector<Differing>& fields) {
  for (Differing& field : fields) {
    const std::string path = SpokenPath(field.path);
    for (size_t from = path.find_last_of('.');; from = path.find_last_of('.', from - 1)) {
      const std::string tail = from == std::string::npos ? path : path.substr(from);
      field.title = from == std::string::npos ? path : path.substr(from + 1);
      const bool unique = std::none_of(fields.begin(), fields.end(), [&](const Differing& other) {
        return &other != &field &&
               (SpokenPath(other.path).ends_with(tail) || other.title == field.title);
      });
      if (unique || from == std::string::npos || from == 0) break;
    }
  }
}

// Where one name stands for several digests, each gets the beginning of its digest.
void TellDigestsApart(Differing& field) {
  std::map<std::string, std::set<std::string>> digests;
  for (const FlatField& value : field.of_run) digests[value.shown].insert(value.text);
  for (FlatField& value : field.of_run) {
    if (value.text.empty()) {
      value.shown = "-";
    } else if (digests[value.shown].size() > 1) {
      value.shown += "@" + value.text.substr(0, 8);
    }
  }
}

template <typename Wanted>
std::vector<Differing> Select(std::span<const v1::RunDetail> runs, Wanted wanted) {
  std::vector<Differing> fields;
  std::map<std::string, size_t> index;
  for (size_t r = 0; r < runs.size(); ++r) {
    for (FlatField& value : Flatten(runs[r].spec(), runs[r].bindings())) {
      if (!wanted(value)) continue;
      const auto [at, is_new] = index.try_emplace(value.path, fields.size());
      if (is_new) {
        // Runs before, without such a binding, have no value there.
        FlatField none{value.path, "", true, value.identity, "-"};
        fields.push_back({value.path, "", std::vector<FlatField>(runs.size(), none)});
      }
      fields[at->second].of_run[r] = std::move(value);
    }
  }
  std::erase_if(fields, [](const Differing& field) { return Alike(field.of_run); });
  for (Differing& field : fields) {
    if (IsDigestPath(field.path)) TellDigestsApart(field);
  }
  SetTitles(fields);
  return fields;
}

// The values of run `r` in `fields`, as one text.
std::string Key(const std::vector<Differing>& fields, size_t r) {
  std::string key;
  for (const Differing& field : fields) {
    StrAppend(key, key.empty() ? "" : " ", SpokenPath(field.path), "=", field.of_run[r].shown);
  }
  return key;
}

// Whether what a run has there follows from what it has in `fields`.
bool FollowsFrom(const std::vector<Differing>& fields, const Differing& digest) {
  std::map<std::string, std::string> digest_of;
  for (size_t r = 0; r < digest.of_run.size(); ++r) {
    const auto [at, is_new] = digest_of.try_emplace(Key(fields, r), digest.of_run[r].text);
    if (!is_new && at->second != digest.of_run[r].text) return false;
  }
  return true;
}

// Splits `fields` into columns and the rest, by default.
void ChooseColumns(std::vector<Differing> fields, Grouping& grouping) {
  std::vector<Differing> digests;
  for (Differing& field : fields) {
    auto& where = IsDigestPath(field.path) ? digests
                  : field.path == kSeed    ? grouping.others
                                           : grouping.columns;
    where.push_back(std::move(field));
  }
  // The training text first: its held-out part and its tokenizer usually follow from it.
  for (Differing& digest : digests) {
    if (FollowsFrom(grouping.columns, digest)) continue;
    // Where the seed decides (a held-out part drawn by it), it is part of the repetition.
    auto with_seed = grouping.columns;
    with_seed.insert(with_seed.end(), grouping.others.begin(), grouping.others.end());
    if (with_seed.size() > grouping.columns.size() && FollowsFrom(with_seed, digest)) continue;
    grouping.columns.push_back(std::move(digest));
  }
}

absl::Status ChooseColumns(std::span<const v1::RunDetail> runs, std::vector<Differing> fields,
                           const std::vector<std::string>& by, Grouping& grouping) {
  std::vector<std::string> known;
  for (const FlatField& field : Flatten(runs.front().spec(), runs.front().bindings()))
    known.push_back(SpokenPath(field.path));
  std::vector<Differing> all = AllDifferingFields(runs);
  for (const std::string& path : by) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Differing& field) {
      return field.path == path || SpokenPath(field.path) == path;
    });
    if (found != all.end()) {
      grouping.columns.push_back(*found);
    } else if (std::find(known.begin(), known.end(), SpokenPath(path)) == known.end()) {
      const auto nearest = spec::Nearest(path, known);
      return absl::InvalidArgumentError(StrCat("--by: no field is called '", path, "'; ",
                                               nearest ? StrCat("did you mean '", *nearest, "'?")
                                                       : std::string("`shoal fields` lists them")));
    }
  }
  for (Differing& field : fields) {
    const bool chosen = std::any_of(by.begin(), by.end(), [&](const std::string& path) {
      return path == field.path || path == SpokenPath(field.path);
    });
    if (!chosen && !(IsDigestPath(field.path) && FollowsFrom(grouping.columns, field)))
      grouping.others.push_back(std::move(field));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Differing> DifferingFields(std::span<const v1::RunDetail> runs) {
  return Select(
      runs, [](const FlatField& field) { return field.identity || SetsTheMachine(field.path); });
}

std::vector<Differing> AllDifferingFields(std::span<const v1::RunDetail> runs) {
  return Select(runs, [](const FlatField&) { return true; });
}

absl::StatusOr<Grouping> GroupRuns(std::span<const v1::RunDetail> runs,
                                   const std::vector<std::string>& by) {
  Grouping grouping;
  if (runs.empty()) return grouping;
  if (by.empty()) {
    ChooseColumns(DifferingFields(runs), grouping);
  } else {
    SHOAL_RETURN_IF_ERROR(ChooseColumns(runs, DifferingFields(runs), by, grouping));
  }
  SetTitles(grouping.columns);
  std::map<std::string, size_t> index;
  for (size_t r = 0; r < runs.size(); ++r) {
    const std::string key = Key(grouping.columns, r);
    const auto [at, is_new] = index.try_emplace(key, grouping.settings.size());
    if (is_new) {
      Setting& setting = grouping.settings.emplace_back();
      setting.label = key.empty() ? "all runs" : key;
      for (const Differing& column : grouping.columns) setting.values.push_back(column.of_run[r]);
    }
    grouping.settings[at->second].runs.push_back(r);
    grouping.replicates.push_back(Key(grouping.others, r));
  }
  return grouping;
}

}  // namespace shoal::analysis
