#include "net/unix_socket.hpp"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.hpp"

namespace campipe::net {

namespace {

constexpr int kBacklog = 4096;

/// Holds the folder of a socket file, so that of two servers which find a dead one's file one looks after the other.
/// Best effort: where the folder cannot be locked nothing else changes.
Fd lock_folder(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::flock(fd.get(), LOCK_EX);
  return fd;
}

bool has_listener(const Address& address, std::string_view what) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw_errno(errno, std::string(what));                                           // it is not known
  return ::connect(fd.get(), address.get(), address.length) == 0 || errno != ECONNREFUSED;  // EAGAIN: a full queue
}

/// Takes a dead server's socket file away.
void make_room(const Address& address, const std::string& path, std::string_view what) {
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0) return;
  if (!S_ISSOCK(about.st_mode)) {
    throw Error(ExitCode::cannot_create,
                fmt::format("{}: there is something of this name, and it is no socket: give another path", what));
  }
  if (has_listener(address, what)) {
    throw Error(ExitCode::try_again,
                fmt::format("{}: another program listens there ('ss -lxp' names it): give another path", what));
  }
  ::unlink(path.c_str());
}

}  // namespace

SocketFile::~SocketFile() {
  struct stat about{};
  if (!path_.empty() && ::lstat(path_.c_str(), &about) == 0 && about.st_dev == device_ && about.st_ino == inode_)
    ::unlink(path_.c_str());
}

UnixListener listen_unix(const Address& address, std::optional<mode_t> mode, std::string_view option) {
  const std::string path = reinterpret_cast<const sockaddr_un*>(address.get())->sun_path;
  const std::string what = fmt::format("{} unix:{}", option, path);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw_errno(errno, what);
  const Fd locked = lock_folder(path);
  make_room(address, path, what);
  if (::bind(fd.get(), address.get(), address.length) != 0) throw_errno(errno, what);
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0) throw_errno(errno, what);
  SocketFile file(path, about.st_dev, about.st_ino);
  if ((mode && ::chmod(path.c_str(), *mode) != 0) || ::listen(fd.get(), kBacklog) != 0) throw_errno(errno, what);
  return {std::move(fd), std::move(file)};
}

}  // namespace campipe::net
