#include "wire/endpoint.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/missing_folder.hpp"
#include "base/nearest.hpp"
#include "base/redact.hpp"
#include "base/standard_fds.hpp"
#include "base/units.hpp"
#include "ring/kernel/names.hpp"

namespace campipe::wire {

namespace {

constexpr std::size_t kMaxName = 64;

bool is_name_letter(char letter) noexcept {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '-';
}

/// "rtsp" of "rtsp://…", nothing for what is no URL.
std::string_view url_scheme(std::string_view text) noexcept {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return {};
  const auto scheme = text.substr(0, colon);
  const bool good = std::ranges::all_of(scheme, [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '+' || letter == '-' || letter == '.';
  });
  return good ? scheme : std::string_view{};
}

[[noreturn]] void refuse_url(std::string_view text, std::string_view scheme) {
  if (scheme == "file") {
    throw Error(ExitCode::usage, std::string(text) + " is a URL: give the path itself, " + std::string(text.substr(7)));
  }
  throw Error(ExitCode::usage, redact_url(text) + " is a URL, and " + log::tool() + " reads streams: camgrab '" +
                                   redact_url(text) + "' | " + log::tool());
}

Endpoint ring_endpoint(Endpoint endpoint, std::string_view name) {
  ring::kernel::require_name(name);
  endpoint.kind = Endpoint::Kind::ring;
  endpoint.name = name;
  return endpoint;
}

[[noreturn]] void no_descriptor(const Endpoint& endpoint) {
  throw Error(ExitCode::internal, endpoint.text + ": a ring has no descriptor");
}

/// A duplicate, so that closing ours leaves the process's own open. Flags that duplicates share are not touched.
Fd duplicate(int fd, const std::string& name, bool for_reading) {
  const ExitCode missing = for_reading ? ExitCode::no_input : ExitCode::cannot_create;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || standard_was_closed(fd)) throw Error(missing, name + ": no such descriptor is open");
  const int wrong_mode = for_reading ? O_WRONLY : O_RDONLY;
  if ((flags & O_ACCMODE) == wrong_mode) {
    throw Error(missing, name + (for_reading ? ": not open for reading" : ": not open for writing"));
  }
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) throw_errno(errno, name + ": cannot duplicate the descriptor");
  return copy;
}

std::string shown_name(const Endpoint& endpoint, bool input) {
  return endpoint.kind == Endpoint::Kind::standard ? (input ? "stdin" : "stdout") : endpoint.text;
}

Fd checked_input(Fd fd, const std::string& name) {
  constexpr unsigned kVideoMajor = 81;
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0) throw_errno(errno, name);
  if (S_ISDIR(about.st_mode)) throw Error(ExitCode::no_input, name + ": is a directory, not a stream");
  if (S_ISCHR(about.st_mode) && major(about.st_rdev) == kVideoMajor) {
    throw Error(ExitCode::no_input, name + ": is a camera: camgrab " + name + " | " + log::tool());
  }
  if (::isatty(fd.get()) != 0) {
    throw Error(ExitCode::usage, name + " is a terminal: give it a stream, as in camgrab | " + log::tool());
  }
  return fd;
}

/// The rings that there are; none where they cannot be looked for.
std::vector<std::string> rings() {
  try {
    return ring::kernel::all_names();
  } catch (const Error&) {
    return {};
  }
}

/// Why an input is not there, as far as that can be told, and what to do.
std::string missing_input(const std::string& path) {
  if (const std::string folder = missing_folder(path); !folder.empty()) return folder;
  if (path.starts_with("/dev/")) return ": cameras are listed by camgrab --list";
  if (path.find('/') == std::string::npos) {
    const std::vector<std::string> names = rings();
    if (std::ranges::find(names, path) != names.end()) return ": there is a ring of that name: shm:" + path;
    if (std::string meant = did_you_mean(path, names, "shm:"); !meant.empty()) return meant;
  }
  return ": a FIFO has to be made first: mkfifo " + path;
}

/// A device that is not there would be made as a regular file, in memory, until it is full.
void refuse_missing_device(const std::string& path, const std::string& name) {
  std::error_code error;
  if (std::filesystem::exists(path, error) || error) return;  // open(2) says what is wrong
  // Also at the end of links that lead to nothing: weakly_canonical() goes as far as there is something.
  std::filesystem::path target = path;
  constexpr int kMostLinks = 40;
  for (int i = 0; i < kMostLinks && std::filesystem::is_symlink(target, error); ++i)
    target = target.parent_path() / std::filesystem::read_symlink(target, error);
  const std::string where = std::filesystem::weakly_canonical(std::filesystem::absolute(target, error), error).string();
  const bool device = where.starts_with("/dev/") && !where.starts_with("/dev/shm/");
  if (!device) return;
  const char* const remedy = where.starts_with("/dev/video") ? ": modprobe v4l2loopback makes one" : "";
  throw Error(ExitCode::cannot_create, name + ": there is no such device, and a file does not belong there" + remedy);
}

Fd checked_output(Fd fd, const std::string& name) {
  if (::isatty(fd.get()) != 0) {
    throw Error(ExitCode::usage, name + " is a terminal, and a stream is not for the eye: pipe it on or give -o FILE");
  }
  return fd;
}

ExitCode code_for_creating(int error) noexcept {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ENXIO:
      return ExitCode::cannot_create;
    default:
      return exit_code_for_errno(error);
  }
}

}  // namespace

bool is_stream_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, is_name_letter);
}

Endpoint parse_endpoint(std::string_view text) {
  Endpoint endpoint;
  endpoint.text = std::string(text);  // moved in: GCC 12 at -O3 takes an assignment into "-" for an uninitialised read
  if (text.empty()) throw Error(ExitCode::usage, "an endpoint is empty: give -, fd:N, a path or shm:NAME");
  if (text == "-") return endpoint;
  if (text.starts_with("fd:")) {
    constexpr std::int64_t kMaxFd = 1 << 20;
    const auto number = parse_integer(text.substr(3), 0, kMaxFd);
    if (!number)
      throw Error(ExitCode::usage, endpoint.text + ": fd: wants the number of an open descriptor, as in fd:3");
    endpoint.kind = Endpoint::Kind::fd;
    endpoint.fd = static_cast<int>(*number);
    return endpoint;
  }
  if (text.starts_with("shm:")) return ring_endpoint(std::move(endpoint), text.substr(4));
  if (const auto scheme = url_scheme(text); !scheme.empty()) refuse_url(text, scheme);
  endpoint.kind = Endpoint::Kind::path;
  endpoint.path = text;
  return endpoint;
}

Fd open_input(const Endpoint& endpoint) {
  const std::string name = shown_name(endpoint, true);
  switch (endpoint.kind) {
    case Endpoint::Kind::ring:
      no_descriptor(endpoint);
    case Endpoint::Kind::standard:
      return checked_input(duplicate(STDIN_FILENO, name, true), name);
    case Endpoint::Kind::fd:
      return checked_input(duplicate(endpoint.fd, name, true), name);
    case Endpoint::Kind::path:
      break;
  }
  Fd fd(::open(endpoint.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd && errno == ENOENT)
    throw Error(ExitCode::no_input, name + ": cannot open: " + errno_text(ENOENT) + missing_input(endpoint.path));
  if (!fd) throw_errno(errno, name + ": cannot open");
  return checked_input(std::move(fd), name);
}

Fd open_output(const Endpoint& endpoint) {
  const std::string name = shown_name(endpoint, false);
  switch (endpoint.kind) {
    case Endpoint::Kind::ring:
      no_descriptor(endpoint);
    case Endpoint::Kind::standard:
      return checked_output(duplicate(STDOUT_FILENO, name, false), name);
    case Endpoint::Kind::fd:
      return checked_output(duplicate(endpoint.fd, name, false), name);
    case Endpoint::Kind::path:
      break;
  }
  refuse_missing_device(endpoint.path, name);
  constexpr mode_t kMode = 0666;  // less the umask
  Fd fd(::open(endpoint.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, kMode));
  if (!fd) {
    const int error = errno;
    const std::string why = error == ENOENT ? missing_folder(endpoint.path) : "";
    throw Error(code_for_creating(error), name + ": cannot create: " + errno_text(error) + why);
  }
  return checked_output(std::move(fd), name);
}

}  // namespace campipe::wire
