#pragma once
#include <functional>
#include <string>

#include "record/library/camera_folder.hpp"
#include "record/library/catalogue.hpp"
#include "record/segment/index.hpp"

namespace campipe::record::library {

/// Moves finished files from live/ to where everybody sees them. Used from one thread.
class Publisher {
public:
  /// @param now  What the clocks say; the index keeps it with each file.
  Publisher(const CameraFolder& camera, Catalogue& catalogue, segment::Index& index,
            std::function<segment::Moment()> now)
      : camera_(camera), catalogue_(catalogue), index_(index), now_(std::move(now)) {}

  /// live/`file` becomes DAY/HOUR/NAME, with its line in the index and in the log. errno or 0; a name that is taken (it
  /// cannot be, but for a hand that made it) sends the file to quarantine.
  int publish(const std::string& file, segment::SegmentRecord segment);

  /// Moves live/`file` to quarantine/, and deletes the oldest there over 1 GiB.
  void quarantine(const std::string& file);

private:
  const CameraFolder& camera_;
  Catalogue& catalogue_;
  segment::Index& index_;
  std::function<segment::Moment()> now_;
};

}  // namespace campipe::record::library
