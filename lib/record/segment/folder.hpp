#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "base/fd.hpp"

namespace campipe::record::segment {

/// A folder held open: all work happens relative to it, so that a disk that is unmounted and a path that is replaced
/// under us cannot send files elsewhere. Errors come back as errno, 0 = done.
class Folder {
public:
  Folder() = default;
  /// @param path  What messages call it.
  Folder(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  int fd() const noexcept { return fd_.get(); }
  const std::string& path() const noexcept { return path_; }

  /// Opens the folder `name` in this one; makes it first (mode 0777 less umask) when it is not there and `create` is
  /// set, and syncs this one then. Symbolic links are not followed. `error` gets the errno of a failure.
  std::optional<Folder> open(const std::string& name, bool create, int& error) const;

  /// Opens the folder that the symbolic link `name` leads to. Only a link that root, this folder's owner or this
  /// process's user made is followed; EPERM for others.
  std::optional<Folder> open_link(const std::string& name, int& error) const;

  /// Whether `name` in this folder is still the folder `held`. @param follow  `name` may be a symbolic link.
  bool leads_to(const std::string& name, const Folder& held, bool follow = false) const;

  /// Makes this the folder that `other` is; messages keep the path. Other threads may use this one meanwhile: their
  /// calls go to the one or the other. errno or 0.
  int become(const Folder& other) noexcept;

  /// Names in it but "." and "..", sorted; empty when it cannot be read.
  std::vector<std::string> entries() const;

  std::optional<struct stat> status(const std::string& name) const;  ///< of the entry itself, links not followed
  int remove(const std::string& name) const;                         ///< a file
  int remove_folder(const std::string& name) const;                  ///< an empty folder
  int sync() const;                                                  ///< fsync: the names in it survive a power cut

  /// Moves an entry to `to`; EEXIST when the name is taken there, which is never replaced.
  int move(const std::string& name, const Folder& to, const std::string& new_name) const;

private:
  Fd fd_;
  std::string path_;
};

}  // namespace campipe::record::segment
