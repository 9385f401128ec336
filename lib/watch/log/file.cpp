#include "watch/log/file.hpp"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"

namespace campipe::watch::log {

File::File(std::string path, std::int64_t max_size_bytes, int keep)
    : path_(std::move(path)), max_size_(max_size_bytes), keep_(keep) {
  open();
  if (!fd_) throw Error(ExitCode::cannot_create, fmt::format("cannot write the log {}: {}", path_, errno_text(errno)));
}

void File::open() {
  fd_ = Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  struct stat info{};
  size_ = fd_ && ::fstat(fd_.get(), &info) == 0 ? info.st_size : 0;
}

void File::rotate() {
  fd_.reset();
  if (keep_ == 0) ::unlink(path_.c_str());
  for (int i = keep_ - 1; i >= 0; --i) {
    const std::string from = i == 0 ? path_ : fmt::format("{}.{}", path_, i);
    ::rename(from.c_str(), fmt::format("{}.{}", path_, i + 1).c_str());  // one that is not there yet
  }
  open();
}

void File::write(std::string_view source, std::string_view line) {
  const std::string text =
      fmt::format("{} {}: {}\n", format_utc(realtime_us()), source, campipe::log::printable(redact_url(line)));
  const auto length = static_cast<std::int64_t>(text.size());
  if (!fd_ || (size_ > 0 && size_ + length > max_size_)) rotate();
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
