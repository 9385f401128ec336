#include "record/library/camera_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

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

/// ROOT/NAME: also where NAME is a symbolic link, which is never made whole: what it leads to may be a disk that is not
/// mounted.
segment::Folder open_camera(const segment::Folder& root, const std::string& name) {
  const auto info = root.status(name);
  if (!info || !S_ISLNK(info->st_mode)) return open_folder(root, name);
  int error = 0;
  auto folder = root.open_link(name, error);
  if (folder) return std::move(*folder);
  const std::string path = root.path() + "/" + name;
  if (error == EPERM) {
    throw Error(ExitCode::cannot_create,
                path + ": a symbolic link that another user made is not followed: make it anew, or use a bind mount");
  }
  throw Error(
      ExitCode::cannot_create,
      fmt::format("{}: a symbolic link that leads to no folder: {}: is the disk mounted?", path, errno_text(error)));
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

segment::Folder open_root(const std::string& path) {
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

CameraFolder::CameraFolder(const std::string& root, const std::string& name)
    : root_path_(without_slashes(root)), name_(name), root_(open_root(root_path_)) {
  made_root_ = check_marker(root_);
  top_ = open_camera(root_, name_);
  lock_ = lock_camera(top_);
  live_ = open_folder(top_, segment::kLiveFolder);
  index_ = open_folder(top_, segment::kIndexFolder);
  quarantine_ = open_folder(top_, segment::kQuarantineFolder);
  // The folders may be there while the file system has become read-only or the user another one.
  if (::faccessat(live_.fd(), ".", W_OK | X_OK, AT_EACCESS) != 0) fail(live_.path(), errno);
}

bool CameraFolder::refresh() {
  try {
    bool another = refresh_root();
    another = refresh_top() || another;
    another = refresh_part(live_, segment::kLiveFolder) || another;
    another = refresh_part(index_, segment::kIndexFolder) || another;
    another = refresh_part(quarantine_, segment::kQuarantineFolder) || another;
    if (told_ && another) log::info("{}: can be used again", top_.path());
    told_ = false;
    return another;
  } catch (const Error& error) {
    if (!std::exchange(told_, true)) log::warning("{}: nothing new can be recorded until that is mended", error.what());
    return false;
  }
}

/// A folder without the marker is not taken: the disk that had it may come back.
bool CameraFolder::refresh_root() {
  struct stat there{};
  struct stat ours{};
  if (::stat(root_path_.c_str(), &there) != 0) throw Error(ExitCode::cannot_create, root_path_ + ": is gone");
  if (::fstat(root_.fd(), &ours) == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino) return false;
  segment::Folder now = open_root(root_path_);
  if (!now.status(kMarker)) {
    throw Error(ExitCode::cannot_create, fmt::format("{}: is another folder now, without {}", root_path_, kMarker));
  }
  check_marker(now);
  if (const int error = root_.become(now); error != 0) fail(root_path_, error);
  log::warning("{}: is another folder now: recording goes on there", root_path_);
  return true;
}

bool CameraFolder::refresh_top() {
  if (root_.leads_to(name_, top_, true)) return false;
  const segment::Folder now = open_camera(root_, name_);
  Fd lock = lock_camera(now);
  if (const int error = top_.become(now); error != 0) fail(top_.path(), error);
  lock_ = std::move(lock);
  log::warning("{}: was deleted or replaced: recording goes on in the folder that is there now", top_.path());
  return true;
}

bool CameraFolder::refresh_part(segment::Folder& part, const char* name) {
  if (top_.leads_to(name, part)) return false;
  if (const int error = part.become(open_folder(top_, name)); error != 0) fail(part.path(), error);
  log::warning("{}: was deleted or replaced: recording goes on in the folder that is there now", part.path());
  return true;
}

}  // namespace campipe::record::library
