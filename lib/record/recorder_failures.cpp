// The recorder's side for disks that are full, slow, broken or taken away.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "record/recorder.hpp"

namespace campipe::record {

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kTellAgainNs = 60 * kSecondNs;

bool no_space(int error) noexcept {
  return error == ENOSPC || error == EDQUOT;
}

std::string reason_of(int error) {
  if (error == EFBIG) return "file too large";
  return no_space(error) ? "disk full" : "write error";
}

}  // namespace

void Recorder::failed(cut::OpenSegment& segment, int error, std::int64_t now_ns) {
  constexpr std::int64_t kWanted = 16 << 20;
  last_error_ = error;
  lost_reason_ = reason_of(error);
  const bool had_more = !segment.only_group();
  // Sound that comes late is not worth a file; a group of pictures that fills a whole file does not fit into the next.
  const bool keep = &segment == &current_ && !(error == EFBIG && segment.only_group());
  const std::uint64_t taken_back = segment.group_pictures();
  std::vector<media::Packet> packets = keep ? segment.take_back(cut::OpenSegment::File::shorten) : decltype(packets){};
  const bool held = !packets.empty();
  if (held) written_ -= taken_back;
  if (!held) lose(segment.give_up(), lost_reason_);
  tell_failure(segment.writer(), error, held, now_ns);
  close(segment, lost_reason_);
  const bool another_folder = store_.look();
  if (no_space(error)) store_.want_space(kWanted);
  // A file that has taken a group ends there for good: another one may well take the next.
  const bool at_once = another_folder || (had_more && !no_space(error));
  if (held) return hold(std::move(packets), at_once ? now_ns : now_ns + kSecondNs, now_ns);
  if (error == EFBIG) retry_at_ns_ = now_ns + kSecondNs;  // it will not fit then either
}

void Recorder::tell_failure(const segment::Writer& segment, int error, bool held, std::int64_t now_ns) {
  const std::string path = segment.file()->path();
  if (error == EFBIG && held) {
    if (!std::exchange(told_too_large_, true)) {
      log::warning("{}: {}: the file ends here and the next one begins without a gap, as with all of that size", path,
                   errno_text(error));
    }
    return;
  }
  if (error == told_error_ && now_ns - told_at_ns_ <= kTellAgainNs) return;
  told_error_ = error;
  told_at_ns_ = now_ns;
  log::warning("{}: {}: {}", path, errno_text(error),
               held             ? "frames wait in memory until it can be written"
               : error == EFBIG ? "a group of pictures is larger than the largest file: its rest is lost"
                                : "frames are lost up to the next keyframe");
}

void Recorder::hold(std::vector<media::Packet> packets, std::int64_t until_ns, std::int64_t now_ns) {
  held_ = std::move(packets);
  held_until_ns_ = until_ns;
  held_by_backlog_ = false;
  last_dts_us_.reset();  // they come again
  deadline_ns_.reset();
  if (!failing_since_ns_) failing_since_ns_ = now_ns;
}

void Recorder::resume(std::int64_t now_ns) {
  if (!held_until_ns_) return;
  std::vector<media::Packet> packets = std::exchange(held_, {});
  held_until_ns_.reset();
  for (media::Packet& packet : packets) add(std::move(packet), now_ns);  // keeps what cannot be written again
}

void Recorder::give_up_waiting() {
  lose(std::exchange(held_, {}), lost_reason_);
  held_until_ns_.reset();
  failing_since_ns_.reset();
}

void Recorder::look_after_files(std::int64_t now_ns) {
  look_at_ns_ = now_ns + kSecondNs;
  store_.look();
  for (cut::OpenSegment* segment : {&previous_, &current_}) {
    if (*segment && segment->writer().has_frames() && !store_.in_place(segment->writer())) gone(*segment, now_ns);
  }
}

/// What the file had is deleted, but for the group that is still in memory.
void Recorder::gone(cut::OpenSegment& segment, std::int64_t now_ns) {
  const segment::SegmentRecord record = segment.writer().record();
  const std::uint64_t in_memory = &segment == &current_ ? segment.group_pictures() : 0;
  lost_reason_ = "deleted";
  log::warning("{}: was deleted or moved while it was open: {} frames went with it", segment.writer().file()->path(),
               record.frames - in_memory);
  losses_.lose(record.frames - in_memory, record.start_us, lost_reason_);
  written_ -= record.frames;
  std::vector<media::Packet> packets = segment.take_back(cut::OpenSegment::File::leave);
  if (packets.empty()) lose(segment.give_up(), lost_reason_);
  segment.release();
  if (!packets.empty() && &segment == &current_) hold(std::move(packets), now_ns, now_ns);
}

}  // namespace campipe::record
