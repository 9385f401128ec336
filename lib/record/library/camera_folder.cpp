#include "record/library/camera_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "record/segment/layout.hpp"

namespace campipe::record::library {

namespace {

constexpr const char* kMarker = ".camrec-root";
constexpr std::string_view kMarkerStart = "camrec-root ";
constexpr std::string_view kMarkerVersion = "1";

/// Writing somewhere failed: what the user's path is not is 73, what he may not is 77.
[[noreturn]] void fail(const std::string& path, int error) {
  ExitCode code = exit_code_for_errno(error);
  if (code == ExitCode::no_input || code == ExitCode::try_again) code = ExitCode::cannot_create;
  std::string remedy;
  if (error == EACCES || error == EPERM) remedy = ": give this user write access, or record elsewhere";
  if (error == EROFS) remedy = ": mount it read-write, or record elsewhere";
  if (error == ENOTDIR) remedy = ": name a folder to record into";
  if (error == ENOENT) remedy = ": its parent folder is missing: is the disk mounted?";
  if (error == ENOSPC || error == EDQUOT) remedy = ": free some space, or record elsewhere";
  throw Error(code, fmt::format("{}: {}{}", path, errno_text(error), remedy));
}

segment::Folder open_folder(const segment::Folder& in, const std::string& name) {
  int error = 0;
  auto folder = in.open(name, true, error);
  if (!folder) fail(in.path() + "/" + name, error);
  return std::move(*folder);
}

segment::Folder open_root(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) {
    if (::mkdir(path.c_str(), 0777) != 0) fail(path, errno);
    fd = Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  if (!fd) fail(path, errno);
  return {std::move(fd), path};
}

std::string random_uuid() {
  const std::string hex = random_hex(16);
  return fmt::format("{}-{}-4{}-8{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3), hex.substr(17, 3),
                     hex.substr(20, 12));
}

std::string read_marker(const Fd& fd, const std::string& path) {
  std::array<char, 256> text{};
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size < 0) fail(path, errno);
  return {text.data(), static_cast<std::size_t>(size)};
}

void write_marker(const Fd& fd, const std::string& path) {
  const std::string text = fmt::format("{}{} {}\n", kMarkerStart, kMarkerVersion, random_uuid());
  if (const int error = write_all(fd.get(), std::as_bytes(std::span(text))); error != 0) fail(path, error);
  if (::fsync(fd.get()) != 0) fail(path, errno);
}

/// Checks the marker, or writes it where that is right. Answers whether it is new.
bool check_marker(const segment::Folder& root) {
  const std::string path = root.path() + "/" + kMarker;
  Fd fd(::openat(root.fd(), kMarker, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno != ENOENT) fail(path, errno);
  std::string text;
  if (fd) {
    text = read_marker(fd, path);
  } else {
    auto entries = root.entries();
    std::erase(entries, "lost+found");
    if (!entries.empty()) {
      throw Error(
          ExitCode::cannot_create,
          fmt::format("{}: not empty and no recording folder (it has no {}): is the disk mounted? to record here "
                      "all the same: touch {}",
                      root.path(), kMarker, path));
    }
  }
  if (text.empty()) {  // also one made with touch(1)
    fd = Fd(::openat(root.fd(), kMarker, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) fail(path, errno);
    write_marker(fd, path);
    root.sync();
    return true;
  }
  const std::string expected = fmt::format("{}{} ", kMarkerStart, kMarkerVersion);
  if (!text.starts_with(expected)) {
    throw Error(ExitCode::config,
                fmt::format("{}: not of a version this camrec knows: use a newer camrec or another folder", path));
  }
  return false;
}

/// An OFD lock: it belongs to the open file, so the kernel drops it with the process, however that ends.
Fd lock_camera(const segment::Folder& folder) {
  const std::string path = folder.path() + "/.lock";
  Fd fd(::openat(folder.fd(), ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) fail(path, errno);
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) return fd;
  if (errno == EAGAIN || errno == EACCES) {
    throw Error(
        ExitCode::try_again,
        fmt::format("{}: another camrec records here: stop it, or give this one another --name", folder.path()));
  }
  fail(path, errno);
}

}  // namespace

CameraFolder::CameraFolder(const std::string& root, const std::string& name) {
  const segment::Folder base = open_root(root);
  made_root_ = check_marker(base);
  top_ = open_folder(base, name);
  lock_ = lock_camera(top_);
  live_ = open_folder(top_, segment::kLiveFolder);
  index_ = open_folder(top_, segment::kIndexFolder);
  quarantine_ = open_folder(top_, segment::kQuarantineFolder);
  // The folders may be there while the file system has become read-only or the user another one.
  if (::faccessat(live_.fd(), ".", W_OK | X_OK, AT_EACCESS) != 0) fail(live_.path(), errno);
}

}  // namespace campipe::record::library
