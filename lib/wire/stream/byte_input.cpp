#include "wire/stream/byte_input.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"

namespace campipe::wire::stream {

ByteInput::ByteInput(Fd fd, std::string name, int stop_fd, std::function<void()> on_idle)
    : fd_(std::move(fd)), name_(std::move(name)), stop_fd_(stop_fd), on_idle_(std::move(on_idle)) {}

std::span<const std::byte> ByteInput::window() const noexcept {
  return {buffer_.data() + begin_, end_ - begin_};
}

bool ByteInput::is_file() const noexcept {
  struct stat about{};
  return ::fstat(fd_.get(), &about) == 0 && S_ISREG(about.st_mode);
}

Readable ByteInput::ready(int timeout_ms) const {
  return wait_readable(fd_.get(), stop_fd_, timeout_ms);
}

ByteInput::Got ByteInput::wait() {
  constexpr int kIdleMs = 1000;
  for (;;) {
    switch (wait_readable(fd_.get(), stop_fd_, kIdleMs)) {
      case Readable::ready:
        return Got::bytes;
      case Readable::stopped:
        return Got::stopped;
      case Readable::timeout:
        if (on_idle_) on_idle_();
    }
  }
}

ByteInput::Got ByteInput::read_some(std::span<std::byte> to, std::size_t& count) {
  count = 0;
  for (;;) {
    const ssize_t got = ::read(fd_.get(), to.data(), to.size());
    if (got > 0) {
      count = static_cast<std::size_t>(got);
      bytes_ += count;
      return Got::bytes;
    }
    if (got == 0) return Got::end;
    if (errno == EAGAIN) {  // somebody else made the shared file description non-blocking
      if (wait() == Got::stopped) return Got::stopped;
    } else if (errno != EINTR) {
      throw Error(ExitCode::io_error, name_ + ": cannot read: " + errno_text(errno));
    }
  }
}

void ByteInput::make_room(std::size_t bytes) {
  constexpr std::size_t kMostKept = 4 << 20;  // a replayed payload may be far bigger
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() > kMostKept) buffer_ = media::Buffer();
  }
  if (buffer_.size() - end_ >= bytes) return;
  const std::size_t kept = end_ - begin_;
  if (kept + bytes > buffer_.size() || buffer_.size() > kMostKept) {
    media::Buffer fresh;
    fresh.resize(std::max({kept + bytes, 2 * kept, 2 * kReadBytes}));
    if (kept > 0) std::memcpy(fresh.data(), buffer_.data() + begin_, kept);
    buffer_ = std::move(fresh);
  } else {
    std::memmove(buffer_.data(), buffer_.data() + begin_, kept);
  }
  begin_ = 0;
  end_ = kept;
}

ByteInput::Got ByteInput::more(std::size_t at_most) {
  if (wait() == Got::stopped) return Got::stopped;
  make_room(at_most);
  std::size_t count = 0;
  const Got got = read_some(buffer_.bytes().subspan(end_, at_most), count);
  end_ += count;
  return got;
}

ByteInput::Got ByteInput::read_into(std::span<std::byte> to, std::size_t& count) {
  count = 0;
  return wait() == Got::stopped ? Got::stopped : read_some(to, count);
}

ByteInput::Got ByteInput::read_into(std::span<std::byte> to, std::size_t& count, int timeout_ms) {
  count = 0;
  switch (wait_readable(fd_.get(), stop_fd_, timeout_ms)) {
    case Readable::ready:
      return read_some(to, count);
    case Readable::stopped:
      return Got::stopped;
    case Readable::timeout:
      break;
  }
  return Got::bytes;
}

void ByteInput::replay(media::Buffer buffer, std::size_t used) noexcept {
  buffer_ = std::move(buffer);
  begin_ = 0;
  end_ = used;
}

}  // namespace campipe::wire::stream
