#include "record/segment/folder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace campipe::record::segment {

namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

int errno_of(int result) noexcept {
  return result == 0 ? 0 : errno;
}

}  // namespace

std::optional<Folder> Folder::open(const std::string& name, bool create, int& error) const {
  Fd fd(::openat(fd_.get(), name.c_str(), kFolderFlags));
  if (!fd && errno == ENOENT && create) {
    if (::mkdirat(fd_.get(), name.c_str(), 0777) != 0 && errno != EEXIST) {
      error = errno;
      return std::nullopt;
    }
    sync();
    fd = Fd(::openat(fd_.get(), name.c_str(), kFolderFlags));
  }
  if (!fd) {
    error = errno;
    return std::nullopt;
  }
  return Folder(std::move(fd), path_ + "/" + name);
}

std::optional<Folder> Folder::open_link(const std::string& name, int& error) const {
  const auto link = status(name);
  struct stat ours{};
  if (!link || ::fstat(fd_.get(), &ours) != 0) {
    error = link ? errno : ENOENT;
    return std::nullopt;
  }
  if (link->st_uid != 0 && link->st_uid != ours.st_uid && link->st_uid != ::geteuid()) {
    error = EPERM;
    return std::nullopt;
  }
  Fd fd(::openat(fd_.get(), name.c_str(), kFolderFlags & ~O_NOFOLLOW));
  if (!fd) {
    error = errno;
    return std::nullopt;
  }
  return Folder(std::move(fd), path_ + "/" + name);
}

bool Folder::leads_to(const std::string& name, const Folder& held, bool follow) const {
  struct stat there{};
  struct stat ours{};
  if (::fstatat(fd_.get(), name.c_str(), &there, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) return false;
  return ::fstat(held.fd_.get(), &ours) == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

int Folder::become(const Folder& other) noexcept {
  return ::dup3(other.fd_.get(), fd_.get(), O_CLOEXEC) >= 0 ? 0 : errno;
}

std::vector<std::string> Folder::entries() const {
  std::vector<std::string> names;
  Fd again(::openat(fd_.get(), ".", kFolderFlags));  // a position of its own
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(again ? ::fdopendir(again.get()) : nullptr, ::closedir);
  if (!dir) return names;
  again.release();
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::optional<struct stat> Folder::status(const std::string& name) const {
  struct stat info{};
  if (::fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return info;
}

int Folder::remove(const std::string& name) const {
  return errno_of(::unlinkat(fd_.get(), name.c_str(), 0));
}

int Folder::remove_folder(const std::string& name) const {
  return errno_of(::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR));
}

int Folder::sync() const {
  return errno_of(::fsync(fd_.get()));
}

int Folder::move(const std::string& name, const Folder& to, const std::string& new_name) const {
  if (::renameat2(fd_.get(), name.c_str(), to.fd(), new_name.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system that cannot do it in one step (vfat, some network ones): one camera has one writer, so nobody else
  // makes this name between the two calls.
  if (to.status(new_name)) return EEXIST;
  return errno_of(::renameat(fd_.get(), name.c_str(), to.fd(), new_name.c_str()));
}

}  // namespace campipe::record::segment
