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
///
/// ROOT may be a symbolic link, and so may NAME, if ROOT's owner, root or this process's user made the link; what is in
/// ROOT/NAME may not. The folders may be read by any thread while refresh() runs in another.
class CameraFolder {
public:
  /// Throws Error: ROOT's parent missing 73, no folder 73, not empty and without marker 73, read-only 73, no permission
  /// 77, a marker of another version 78, another writer has the lock 75, NAME a link to nothing or of a stranger 73.
  CameraFolder(const std::string& root, const std::string& name);

  /// Looks whether the folders that are held are still those behind their paths: somebody may have deleted them, or
  /// mounted another disk. Takes what is there now, and makes what is missing below a ROOT with its marker. Answers
  /// whether one is another now. Tells each change once; what cannot be taken stays as it is, told once. One thread.
  bool refresh();

  const segment::Folder& top() const noexcept { return top_; }
  const segment::Folder& live() const noexcept { return live_; }
  const segment::Folder& index() const noexcept { return index_; }
  const segment::Folder& quarantine() const noexcept { return quarantine_; }
  const std::string& path() const noexcept { return top_.path(); }
  bool made_root() const noexcept { return made_root_; }  ///< the marker was written now

private:
  bool refresh_root();
  bool refresh_top();
  bool refresh_part(segment::Folder& part, const char* name);

  std::string root_path_, name_;
  segment::Folder root_;
  bool told_ = false;  // why the folders cannot be used now
  segment::Folder top_, live_, index_, quarantine_;
  Fd lock_;
  bool made_root_ = false;
};

}  // namespace campipe::record::library
