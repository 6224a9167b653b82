// The embedded lab: a coordinator and a worker of one person on one machine, in a data folder.
//
//   <data_dir>/run/lab.sock       the coordinator's Unix socket (folder 0700)
//   <data_dir>/run/up.lock        held by the living `shoal up`, with its process id
//   <data_dir>/run/up.options     how it was started (cli/lab/up_options.h)
//   <data_dir>/worker/            the worker's spool and cache; the living worker holds worker.lock
//   <data_dir>/log/               up.log, worker.log
//
// `shoal up` runs the coordinator in its own process and supervises the worker, which is spawned
// beside it in a session of its own: killing the coordinator never kills training. A new `up` finds
// a living worker by its lock and leaves it alone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/programs.h"
#include "core/base/clock.h"

namespace shoal::cli {

// $SHOAL_HOME, else $XDG_DATA_HOME/shoal, else ~/.local/share/shoal, where ~ is $HOME or what the
// system's user database says. Empty when none of them is known.
std::string DefaultDataDir();
// Whether a lab can be in this folder: it is named, and the path of its socket is not too long.
// Errors: FailedPrecondition saying how to name another.
absl::Status CheckDataDir(const std::string& data_dir);
// The same, and makes the folders that the lab writes to before it runs. Errors:
// FailedPrecondition, whatever it is about the folder that does not allow it.
absl::Status PrepareDataDir(const std::string& data_dir);
std::string EmbeddedSocket(const std::string& data_dir);
std::string EmbeddedLogDir(const std::string& data_dir);

// Whether a living `shoal up` holds the folder; its process id.
std::optional<pid_t> EmbeddedLabPid(const std::string& data_dir);
inline bool EmbeddedLabRuns(const std::string& data_dir) {
  return EmbeddedLabPid(data_dir).has_value();
}

// Whether a coordinator answers at the folder's socket, `shoal up`'s or another.
bool LabAnswers(const std::string& data_dir);

// The name of the embedded lab's worker.
inline constexpr std::string_view kEmbeddedWorker = "local";

// What is zero or empty was not asked for: it is as before a crash (cli/lab/up_options.h), else as
// said here.
struct EmbeddedOptions {
  int slots = 0;          // of the worker; the machine's cores
  absl::Duration lease;   // 5 minutes
  std::string listen;     // HOST:PORT for other machines; this machine only
  std::string advertise;  // what they call it; found out
};

// Starts `shoal up --foreground` in the background, unless it runs, and waits until it answers.
// Errors: FailedPrecondition when the folder cannot be used; what it said when it ended at once;
// Unavailable with the end of its log.
absl::Status EnsureEmbeddedLab(const std::string& data_dir, bool quiet, const Clock& clock,
                               const EmbeddedOptions& options = {});

// Runs coordinator and worker supervision until SIGINT, SIGTERM or a Shutdown call. Says on stdout
// where the lab is.
absl::Status RunEmbeddedLab(const std::string& data_dir, const EmbeddedOptions& options,
                            const Programs& programs, const Clock& clock);

// Asks the lab to stop, waits for it and for the worker (which saves a checkpoint of each running
// job). Errors: DeadlineExceeded naming what is still alive.
absl::Status StopEmbeddedLab(const std::string& data_dir, absl::Duration timeout,
                             const Clock& clock);

// The process that holds the flock on `path`, if any; what it wrote there.
std::optional<pid_t> LockHolder(const std::string& path);

}  // namespace shoal::cli
