#include "worker/runner/shard_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/data/training_text.h"

namespace shoal::runner {
namespace {

constexpr std::string_view kShardVersion = "shards 2";

// An exclusive flock, so that one process at a time makes a key's shards.
class FolderLock {
 public:
  static absl::StatusOr<FolderLock> Take(const std::string& path) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return ErrnoStatus(errno, StrCat("opening ", path));
    while (flock(file, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      const absl::Status status = ErrnoStatus(errno, StrCat("locking ", path));
      close(file);
      return status;
    }
    futimens(file, nullptr);  // when it was last used: the agent removes what is oldest
    return FolderLock(file);
  }
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (file_ >= 0) close(file_);
  }

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

std::string KeyOf(const v1::AttemptOrder& order) {
  std::string inputs = StrCat(kShardVersion, "\n", order.spec().model().max_seq(), "\n");
  const std::string& head = order.spec().model().head();
  if (!head.empty() && head != "lm") StrAppend(inputs, head, "\n");
  bool separate = false;
  for (const v1::LocalFile& file : order.files()) {
    if (file.role() == v1::BINDING_ROLE_INIT_FROM || file.role() == v1::BINDING_ROLE_TEACHER) {
      continue;  // no text
    }
    const size_t dot = file.file_name().rfind('.');
    StrAppend(inputs, file.role(), " ", file.sha256(), " ",
              dot == std::string::npos ? std::string() : file.file_name().substr(dot), "\n");
    separate = separate || file.role() == v1::BINDING_ROLE_HELD_OUT;
  }
  if (!separate) StrAppend(inputs, order.spec().data().held_out_fraction(), "\n");
  return Sha256Of(inputs).Hex().substr(0, 32);
}

void TellReport(Reporter& reporter, std::string_view what, const data::SourceReport& source,
                const data::TokenizeReport& report) {
  reporter.Info(StrCat(what, ": ", report.examples, " examples, ", report.tokens,
                       " tokens, longest ", report.longest));
  if (report.truncated > 0) {
    reporter.Log("warn", StrCat(what, ": ", report.truncated,
                                " conversations were longer than the context; ",
                                report.truncated_tokens, " tokens were cut off"));
  }
  if (report.too_short > 0) {
    reporter.Log("warn", StrCat(what, ": ", report.too_short,
                                " examples of fewer than two tokens were left out"));
  }
  if (report.without_label > 0) {
    reporter.Log("warn", StrCat(what, ": ", report.without_label,
                                " examples have no label of the training data; left out"));
  }
  if (report.dropped_bytes > 0) {
    reporter.Log("warn", StrCat(what, ": the tokenizer has no token for ", report.dropped_bytes,
                                " bytes; they were left out"));
  }
  if (source.malformed_lines > 0) {
    reporter.Log(
        "warn",
        StrCat(what, ": ", source.malformed_lines, " malformed lines were left out; first: ",
               source.problems.empty() ? std::string() : source.problems.front().reason));
  }
}

absl::Status MakeShards(const v1::AttemptOrder& order, const data::Tokenizer& tokenizer,
                        const std::string& folder, Reporter& reporter) {
  const v1::LocalFile* train = FindFile(order, v1::BINDING_ROLE_TRAIN);
  const v1::LocalFile* held_out = FindFile(order, v1::BINDING_ROLE_HELD_OUT);
  data::TextFile held_out_file;
  if (held_out != nullptr) held_out_file = {held_out->path(), held_out->file_name()};
  reporter.Progress(0, order.spec().train().steps(), "tokenizing");
  SHOAL_ASSIGN_OR_RETURN(const data::SplitSource split,
                         data::ReadTrainingText({train->path(), train->file_name()}, held_out_file,
                                                order.spec().data().held_out_fraction()));
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(folder, 0700));
  data::TokenizeOptions options;
  options.max_seq = order.spec().model().max_seq();
  options.whole = order.spec().model().head() != "lm";
  if (order.spec().model().head() == "classifier") {
    options.classes = data::ClassesOf(split.train.examples);
    if (options.classes.size() < 2) {
      return absl::InvalidArgumentError(
          StrCat("a classifier needs examples of at least two labels; the training data has ",
                 options.classes.size()));
    }
  }
  const auto tokenize = [&](const data::Source& source, std::string_view name) -> absl::Status {
    SHOAL_ASSIGN_OR_RETURN(const data::TokenizeReport report,
                           data::Tokenize(source.examples, tokenizer, options, files,
                                          JoinPath(folder, StrCat(name, ".shard"))));
    TellReport(reporter, name, source.report, report);
    return absl::OkStatus();
  };
  SHOAL_RETURN_IF_ERROR(tokenize(split.held_out, "held_out"), "held-out data");
  return Annotate(tokenize(split.train, "train"), "training data");
}

}  // namespace

const v1::LocalFile* FindFile(const v1::AttemptOrder& order, v1::BindingRole role) {
  for (const v1::LocalFile& file : order.files()) {
    if (file.role() == role) return &file;
  }
  return nullptr;
}

absl::StatusOr<PreparedText> PrepareText(const v1::AttemptOrder& order, Reporter& reporter) {
  const v1::LocalFile* tokenizer_file = FindFile(order, v1::BINDING_ROLE_TOKENIZER);
  if (tokenizer_file == nullptr || FindFile(order, v1::BINDING_ROLE_TRAIN) == nullptr) {
    return absl::NotFoundError("the order names no training data or no tokenizer");
  }
  SHOAL_ASSIGN_OR_RETURN(data::Tokenizer tokenizer, data::Tokenizer::Load(tokenizer_file->path()));
  RealFileSystem files;
  const std::string shards = JoinPath(order.cache_dir(), "shards");
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(shards, 0700));
  const std::string folder = JoinPath(shards, KeyOf(order));
  SHOAL_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder + ".lock"));
  const auto open = [&](std::string_view name) {
    return data::Shard::Open(JoinPath(folder, StrCat(name, ".shard")));
  };
  absl::StatusOr<data::Shard> train = open("train");
  absl::StatusOr<data::Shard> held_out = open("held_out");
  if (!train.ok() || !held_out.ok()) {
    if (absl::IsDataLoss(train.status()))
      reporter.Log("warn", std::string(train.status().message()));
    SHOAL_RETURN_IF_ERROR(MakeShards(order, tokenizer, folder, reporter));
    train = open("train");
    held_out = open("held_out");
  }
  SHOAL_RETURN_IF_ERROR(train);
  SHOAL_RETURN_IF_ERROR(held_out);
  return PreparedText{std::move(tokenizer), tokenizer_file->sha256(), *std::move(train),
                      *std::move(held_out)};
}

}  // namespace shoal::runner
