#include "base/standard_fds.hpp"

#include <array>

#include <fcntl.h>
#include <unistd.h>

namespace campipe {

namespace {

std::array<bool, 3> closed{};

}  // namespace

void fill_standard_descriptors() noexcept {
  for (int fd = 0; fd < static_cast<int>(closed.size()); ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    closed[static_cast<std::size_t>(fd)] = true;
    const int null = ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);  // the lowest free number: this one
    if (null >= 0 && null != fd) {
      ::dup2(null, fd);
      ::close(null);
    }
  }
}

bool standard_was_closed(int fd) noexcept {
  return fd >= 0 && fd < static_cast<int>(closed.size()) && closed[static_cast<std::size_t>(fd)];
}

}  // namespace campipe
