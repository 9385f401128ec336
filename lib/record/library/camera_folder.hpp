#pragma once
#include <string>

#include "base/fd.hpp"
#include "record/segment/folder.hpp"

namespace campipe::record::library {

/// ROOT/NAME: the folder of one camera, locked for one writer for as long as this lives.
///
/// ROOT carries the marker file .camrec-root with a uuid: a disk that is not mounted has none, and what is not empty
/// and has none is refused, so that a recording never lands on the disk below the mount point. ROOT is made when only
/// its last component is missing; the marker is written into a ROOT that is empty (lost+found does not count).
class CameraFolder {
public:
  /// Throws Error: ROOT's parent missing 73, no folder 73, not empty and without marker 73, read-only 73, no permission
  /// 77, a marker of another version 78, another writer has the lock 75.
  CameraFolder(const std::string& root, const std::string& name);

  const segment::Folder& top() const noexcept { return top_; }
  const segment::Folder& live() const noexcept { return live_; }
  const segment::Folder& index() const noexcept { return index_; }
  const segment::Folder& quarantine() const noexcept { return quarantine_; }
  const std::string& path() const noexcept { return top_.path(); }
  bool made_root() const noexcept { return made_root_; }  ///< the marker was written now

private:
  segment::Folder top_, live_, index_, quarantine_;
  Fd lock_;
  bool made_root_ = false;
};

}  // namespace campipe::record::library
