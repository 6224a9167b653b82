#include "cli/lab/shipped.h"

#include "core/base/file.h"
#include "core/base/install_paths.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::cli {

absl::StatusOr<std::vector<std::string>> ShippedNames(const std::string& folder) {
  SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> listed, files.ListDir(paths.Share(folder)));
  std::vector<std::string> names;
  for (const std::string& file : listed) {
    if (file.ends_with(".yaml")) names.push_back(file.substr(0, file.size() - 5));
  }
  return names;
}

namespace {

absl::StatusOr<std::string> FindShipped(const std::string& name, std::string_view folder) {
  RealFileSystem files;
  if (files.Exists(name)) {
    if (name.ends_with(".yaml") || name.ends_with(".yml")) return name;
    if (name.find('/') != std::string::npos) {
      return absl::InvalidArgumentError(
          StrCat(name, ": not a YAML file; a file of the ", folder, " ends in .yaml"));
    }
  }
  SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
  const std::string shipped = paths.Share(folder);
  std::string base = name;
  if (base.starts_with(StrCat(folder, "/"))) base = base.substr(folder.size() + 1);
  if (!base.ends_with(".yaml")) base += ".yaml";
  if (base.find('/') == std::string::npos && files.Exists(JoinPath(shipped, base)))
    return JoinPath(shipped, base);
  std::string known;
  for (const std::string& each :
       ShippedNames(std::string(folder)).value_or(std::vector<std::string>())) {
    StrAppend(known, known.empty() ? "" : ", ", each);
  }
  return absl::NotFoundError(StrCat(name, ": no such file, and no such name among the ", folder,
                                    " that ship with shoal",
                                    known.empty() ? "" : StrCat(" (", known, ")")));
}

}  // namespace

absl::StatusOr<std::string> FindPersona(const std::string& name) {
  return FindShipped(name, "personas");
}
absl::StatusOr<std::string> FindRecipe(const std::string& name) {
  return FindShipped(name, "recipes");
}

}  // namespace shoal::cli
