#include "wire/stream/byte_output.hpp"

#include <cerrno>

#include "base/error.hpp"
#include "media/inter_coded.hpp"

namespace campipe::wire::stream {

namespace {

[[noreturn]] void throw_write_error(int error, const std::string& name) {
  switch (error) {
    case EPIPE:
    case ECONNRESET:
      throw OutputClosed(name);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      throw Error(ExitCode::cannot_create, name + ": no room to write: " + errno_text(error));
    default:
      throw Error(ExitCode::io_error, name + ": cannot write: " + errno_text(error));
  }
}

}  // namespace

ByteOutput::ByteOutput(Fd fd, std::string name, std::function<void(bool)> blocking)
    : fd_(std::move(fd)), name_(std::move(name)), blocking_(std::move(blocking)) {}

void ByteOutput::write(std::span<iovec> parts) {
  std::uint64_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  tell(true);
  const int error = write_all(fd_.get(), parts);
  tell(false);
  if (error != 0) throw_write_error(error, name_);
  bytes_ += size;
}

void ByteOutput::tell(bool blocked) {
  const std::lock_guard lock(mutex_);
  if (blocking_) blocking_(blocked);
}

void ByteOutput::abandon() noexcept {
  const std::lock_guard lock(mutex_);
  blocking_ = nullptr;
}

void ByteOutput::fit_pipe(media::VideoCodec codec) noexcept {
  constexpr int kFrames = 1 << 20;
  constexpr int kCoded = 64 << 10;  // 1 MiB would hold seconds of stale video
  set_pipe_size(fd_.get(), media::is_inter_coded(codec) ? kCoded : kFrames);
}

}  // namespace campipe::wire::stream
