#include "net/inherited.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/units.hpp"

namespace campipe::net {

namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_set(int fd, int option, int wanted) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

}  // namespace

std::vector<InheritedSocket> inherited_listeners() {
  std::vector<InheritedSocket> found;
  const auto pid = parse_integer(environment("LISTEN_PID"), 1, 1 << 30);
  const auto count = parse_integer(environment("LISTEN_FDS"), 0, 1 << 16);
  if (!pid || *pid != ::getpid() || !count) return found;
  std::string_view names = environment("LISTEN_FDNAMES");
  for (int fd = kFirst; fd < kFirst + *count; ++fd) {
    const std::string_view name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    if (!is_set(fd, SO_ACCEPTCONN, 1) || !is_set(fd, SO_TYPE, SOCK_STREAM)) continue;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    found.push_back({Fd(fd), std::string(name)});
  }
  return found;
}

}  // namespace campipe::net
