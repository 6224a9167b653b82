#include "coordinator/rpc/listening.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::rpc {
namespace {

// True when something answers at the socket: it is not a leftover.
bool SomeoneListens(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

// 0, or the errno of binding to it.
int TryToBind(const addrinfo& info) {
  const int fd = socket(info.ai_family, info.ai_socktype | SOCK_CLOEXEC, info.ai_protocol);
  if (fd < 0) return errno;
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // as gRPC: connections that linger
  const bool bound = bind(fd, info.ai_addr, info.ai_addrlen) == 0 && listen(fd, 1) == 0;
  const int error = bound ? 0 : errno;
  close(fd);
  return error;
}

absl::Status ExplainBind(const join::Address& address, int error) {
  const std::string text = address.ToString();
  switch (error) {
    case EADDRINUSE:
      return absl::UnavailableError(
          StrCat("port ", address.port, " is in use: another program listens on ", text,
                 "; name another port with --listen, or end that program (`ss -ltnp` names it)"));
    case EADDRNOTAVAIL:
      return absl::UnavailableError(
          StrCat("cannot listen on ", text, ": ", address.host,
                 " is no address of this machine; --listen 0.0.0.0:", address.port,
                 " takes all it has, and --advertise names it to others"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(StrCat("only root may listen on port ", address.port,
                                                ": name one from 1024 on with --listen, as in ",
                                                address.host, ":7411"));
    default:
      return absl::Status(absl::StatusCode::kUnavailable,
                          ErrnoStatus(error, StrCat("listening on ", text)).message());
  }
}

}  // namespace

absl::Status PrepareSocket(const std::string& path) {
  if (path.size() > 107) {
    return absl::InvalidArgumentError(StrCat("the socket's path has ", path.size(),
                                             " bytes, the system allows 107: ", path,
                                             "; use a shorter data folder"));
  }
  const std::string folder = DirName(path);
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(folder, 0700));
  struct stat info = {};
  if (stat(folder.c_str(), &info) != 0) return ErrnoStatus(errno, StrCat("looking at ", folder));
  if ((info.st_mode & 0077) != 0 || info.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        StrCat("others may enter ", folder,
               ", and whoever can open the socket commands the lab: chmod 700 ", folder));
  }
  if (SomeoneListens(path))
    return absl::UnavailableError(StrCat("another process listens on ", path));
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, StrCat("removing the old ", path));
  return absl::OkStatus();
}

absl::Status CheckPort(const join::Address& address) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failed != 0) {
    return absl::UnavailableError(StrCat("cannot listen on ", address.ToString(), ": the name ",
                                         address.host, " is not known here (", gai_strerror(failed),
                                         "); 0.0.0.0:", address.port,
                                         " takes every address of this machine"));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    error = TryToBind(*one);
    if (error == 0) return absl::OkStatus();
  }
  return ExplainBind(address, error);
}

}  // namespace shoal::rpc
