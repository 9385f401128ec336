#pragma once
#include <string>
#include <vector>

#include "record/library/camera_folder.hpp"
#include "record/library/catalogue.hpp"
#include "record/library/publisher.hpp"
#include "record/segment/file.hpp"
#include "record/segment/index.hpp"

namespace campipe::record::library {

/// What a start finds and does about it.
struct Recovered {
  int published = 0;    ///< files that were open when camrec or the machine died, now whole
  int removed = 0;      ///< files without a picture
  int quarantined = 0;  ///< files that are not what their name says
};

/// For each of `files` in live/: keeps what is whole up to its last fragment or cluster, makes it an ordinary file and
/// publishes it. A file that cannot be dealt with now (the disk is full) stays for the next start.
Recovered recover_live(const CameraFolder& camera, Publisher& publisher, const std::vector<std::string>& files);

/// Makes one MP4 file that was cut off whole, in place. The record's times and counts are filled in.
enum class Repair { done, no_frames, not_ours, failed };
Repair repair_mp4(segment::File& file, segment::SegmentRecord& record);

/// Writes the lines of days whose index is missing, from the files' names and headers. Answers how many.
int rebuild_index(const segment::Folder& top, const Catalogue& catalogue, segment::Index& index);

}  // namespace campipe::record::library
