#include "watch/log/file.hpp"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <span>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"

namespace campipe::watch::log {

File::File(std::string path, Limits limits) : path_(std::move(path)), limits_(limits) {
  open();
  if (!fd_) throw Error(ExitCode::cannot_create, fmt::format("cannot write the log {}: {}", path_, errno_text(errno)));
}

Fd File::opened(const std::string& path) {
  return Fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
}

void File::open() {
  fd_ = opened(path_);
  struct stat info{};
  size_ = fd_ && ::fstat(fd_.get(), &info) == 0 ? info.st_size : 0;
}

void File::move_to(std::string path, Limits limits) {
  if (path != path_) {
    Fd next = opened(path);
    if (!next)
      throw Error(ExitCode::cannot_create, fmt::format("cannot write the log {}: {}", path, errno_text(errno)));
    fd_ = std::move(next);
    path_ = std::move(path);
    struct stat info{};
    size_ = ::fstat(fd_.get(), &info) == 0 ? info.st_size : 0;
  }
  limits_ = limits;
}

/// The present file becomes the newest of the older ones, which move only once it could: else each try would push one
/// of them off the end. Returns 0 or errno.
int File::rotate() {
  const auto name = [this](int i) { return fmt::format("{}.{}", path_, i); };
  const bool moved = limits_.keep == 0 ? ::unlink(path_.c_str()) == 0 : ::rename(path_.c_str(), name(0).c_str()) == 0;
  const int error = moved ? 0 : errno;
  for (int i = limits_.keep - 1; moved && i >= 0; --i) ::rename(name(i).c_str(), name(i + 1).c_str());
  open();
  return error;
}

/// For a line that the present file has no room for. Where the older files cannot be moved the present one starts over:
/// it must not grow without end.
void File::make_room() {
  const int error = rotate();
  if (!fd_ || size_ == 0) return;
  if (!std::exchange(told_of_rotation_, true))
    campipe::log::warning("cannot rotate the log {}: {}: it starts over", path_, errno_text(error));
  if (::ftruncate(fd_.get(), 0) == 0) size_ = 0;
}

bool File::is_in_place() const {
  struct stat own{}, there{};
  return ::fstat(fd_.get(), &own) == 0 && ::stat(path_.c_str(), &there) == 0 && own.st_ino == there.st_ino &&
         own.st_dev == there.st_dev;
}

void File::tick() {
  if (!fd_) return;  // tried again with the next line
  struct stat info{};
  if (::fstat(fd_.get(), &info) == 0) size_ = info.st_size;  // somebody may have cut it (copytruncate)
  if (is_in_place()) return;
  Fd next = opened(path_);
  if (!next) return;  // the lines go where the file is now, which is better than nowhere
  campipe::log::info("the log {} was moved or deleted: it goes on in a new file", path_);
  fd_ = std::move(next);
  size_ = ::fstat(fd_.get(), &info) == 0 ? info.st_size : 0;
}

void File::write(std::string_view source, std::string_view line) {
  const std::string text =
      fmt::format("{} {}: {}\n", format_utc(realtime_us()), source, campipe::log::printable(redact_url(line)));
  const auto length = static_cast<std::int64_t>(text.size());
  if (!fd_) open();
  if (fd_ && size_ > 0 && size_ + length > limits_.max_size_bytes) make_room();
  const int error = fd_ ? write_all(fd_.get(), std::as_bytes(std::span(text))) : errno;
  if (error == 0) {
    size_ += length;
    if (lost_ > 0) campipe::log::info("the log {} goes on: {} lines are missing", path_, lost_);
    lost_ = 0;
  } else if (++lost_ == 1) {
    campipe::log::warning("cannot write the log {}: {}: lines are left out", path_, errno_text(error));
  }
}

std::string format_utc(std::int64_t realtime_us) {
  const std::time_t seconds = realtime_us / 1'000'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, realtime_us / 1000 % 1000);
}

}  // namespace campipe::watch::log
