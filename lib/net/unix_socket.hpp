#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/fd.hpp"
#include "net/address.hpp"

namespace campipe::net {

/// The file of a listening unix socket: removed with this, as long as it is still the one that was made.
class SocketFile {
public:
  SocketFile(std::string path, dev_t device, ino_t inode) : path_(std::move(path)), device_(device), inode_(inode) {}
  SocketFile(SocketFile&& other) noexcept
      : path_(std::move(other.path_)), device_(other.device_), inode_(other.inode_) {
    other.path_.clear();
  }
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

private:
  std::string path_;  // empty: nothing to remove
  dev_t device_;
  ino_t inode_;
};

struct UnixListener {
  Fd fd;
  SocketFile file;
};

/// A listening unix socket at `address`. A socket file that nobody listens to any more is replaced. Throws Error: 75
/// when somebody does, 73 when there is something else of that name, others by what bind(2) says.
/// @param mode    permissions, set before anybody can connect; absent: what the umask leaves of 0777.
/// @param option  "--http", for messages.
UnixListener listen_unix(const Address& address, std::optional<mode_t> mode, std::string_view option);

}  // namespace campipe::net
