#include "core/join/join_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/join/address.h"
#include "core/join/certificate.h"
#include "core/join/key.h"
#include "core/spec/violations.h"
#include "core/spec/yaml_tree.h"

namespace shoal::join {
namespace {

using spec::Violations;
using spec::YamlNode;

constexpr std::string_view kVersion = "1";
constexpr std::array<std::string_view, 4> kFields = {"shoal_join", "address", "key", "certificate"};
constexpr int64_t kMostBytes = 64 << 10;

class Reader {
 public:
  Reader(std::string_view file, Violations& violations) : file_(file), violations_(violations) {}

  JoinFile Read(const YamlNode& root) {
    JoinFile join;
    if (root.kind != YamlNode::Kind::kMap) {
      if (violations_.empty()) violations_.Add(file_, "", "is not a join file");
      return join;
    }
    // First, since the rest may mean something else in another version.
    const YamlNode* version = Find(root, "shoal_join");
    if (version == nullptr || version->text != kVersion) {
      violations_.Add(file_, "",
                      version == nullptr ? std::string("is not a join file: it has no 'shoal_join'")
                                         : StrCat("is a join file of version '", version->text,
                                                  "', and this shoal reads version ", kVersion));
      return join;
    }
    Check(root, "address", join.address, [](std::string_view text) { return CheckAddress(text); });
    Check(root, "key", join.key, CheckKeyForm);
    Check(root, "certificate", join.certificate,
          [](std::string_view text) { return ReadCertificate(text).status(); });
    for (const YamlNode::Entry& entry : root.entries) {
      if (std::find(kFields.begin(), kFields.end(), entry.key) != kFields.end()) continue;
      violations_.Add(At(entry.line, entry.column), entry.key, "is no field of a join file");
    }
    return join;
  }

 private:
  static absl::Status CheckAddress(std::string_view text) {
    SHOAL_ASSIGN_OR_RETURN(const Address address, ParseAddress(text));
    if (address.port == 0) return absl::InvalidArgumentError("the port must not be 0");
    return absl::OkStatus();
  }

  std::string At(int line, int column) const { return StrCat(file_, ":", line, ":", column); }

  static const YamlNode* Find(const YamlNode& root, std::string_view key) {
    for (const YamlNode::Entry& entry : root.entries) {
      if (entry.key == key) return &entry.value;
    }
    return nullptr;
  }

  template <typename CheckText>
  void Check(const YamlNode& root, std::string_view key, std::string& out, const CheckText& check) {
    const YamlNode* node = Find(root, key);
    if (node == nullptr) {
      violations_.Add(file_, key, "is missing");
    } else if (node->kind != YamlNode::Kind::kScalar) {
      violations_.Add(At(node->line, node->column), key, "must be text");
    } else if (const absl::Status status = check(node->text); !status.ok()) {
      violations_.Add(At(node->line, node->column), key, StdView(status.message()));
    } else {
      out = node->text;
    }
  }

  const std::string file_;
  Violations& violations_;
};

}  // namespace

std::string JoinFileOf(const std::string& data_dir) { return JoinPath(data_dir, "lab.join"); }

std::string ToText(const JoinFile& join) {
  std::string text = StrCat(
      "# Lets a machine into the Shoal lab at ", join.address, ":\n",
      "#   shoal worker --join THIS_FILE        gives the lab a worker\n",
      "#   shoal --lab THIS_FILE list           talks to the lab\n",
      "# Whoever has this file commands the lab: keep it to yourself, and send it by scp or the "
      "like.\n",
      "shoal_join: ", kVersion, "\n", "address: \"", join.address, "\"\n", "key: \"", join.key,
      "\"\n", "certificate: |\n");
  for (const std::string_view line : StrSplit(StripSpace(join.certificate), '\n')) {
    StrAppend(text, "  ", line, "\n");
  }
  return text;
}

absl::StatusOr<JoinFile> ParseJoinFile(std::string_view text, std::string_view file_name) {
  Violations violations;
  const YamlNode root = spec::ParseYamlTree(text, file_name, violations);
  JoinFile join = Reader(file_name, violations).Read(root);
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  return join;
}

absl::StatusOr<JoinFile> ReadJoinFile(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) {
    const absl::Status status = ErrnoStatus(errno, StrCat("the join file ", path));
    return absl::Status(status.code(), StrCat(status.message(),
                                              "; `shoal coordinator --listen` "
                                              "writes one, lab.join: copy it from there"));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(StrCat(path, " is not a file, so it is no join file"));
  }
  if ((info.st_mode & S_IROTH) != 0) {
    return absl::PermissionDeniedError(StrCat("everybody on this machine can read ", path,
                                              ", and whoever does commands the lab: chmod o-rwx ",
                                              path));
  }
  if (info.st_size > kMostBytes) {
    return absl::InvalidArgumentError(
        StrCat(path, " has ", info.st_size, " bytes: it is no join file"));
  }
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const std::string text, files.ReadFile(path));
  return ParseJoinFile(text, path);
}

}  // namespace shoal::join
