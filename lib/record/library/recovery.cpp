#include "record/library/recovery.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "base/log.hpp"
#include "ffmpeg/mkv_writer.hpp"
#include "mp4/hybrid.hpp"
#include "record/segment/mp4_writer.hpp"

namespace campipe::record::library {

namespace {

constexpr std::string_view kRemuxSuffix = ".remux";

mp4::ReadAt reader_of(const segment::File& file) {
  return [&file](std::uint64_t offset, std::span<std::byte> into) { return file.read_at(offset, into); };
}

/// Times, count and keyframes of the video track.
void describe(const mp4::Scan& scan, segment::SegmentRecord& record) {
  record.start_us = scan.movie.start_unix_us;
  for (std::size_t i = 0; i < scan.movie.tracks.size(); ++i) {
    const mp4::Track& track = scan.movie.tracks[i];
    if (track.handler != mp4::Handler::video) continue;
    record.frames = scan.samples[i].size();
    for (const mp4::Sample& sample : scan.samples[i]) {
      const std::int64_t at = sample.dts + sample.composition - track.edit_ticks;
      if (sample.keyframe) record.keyframes.push_back({at, sample.offset});
      record.duration_us = std::max<std::int64_t>(record.duration_us, at + sample.duration);
    }
  }
}

/// One file of live/ and what is to be done with it.
class LiveFile {
public:
  LiveFile(const CameraFolder& camera, Publisher& publisher, std::string file, segment::SegmentName name)
      : camera_(camera), publisher_(publisher), file_(std::move(file)), whole_(file_), segment_(camera.live(), file_) {
    record_.name = std::move(name);
    record_.start_us = record_.name.start_ms * 1000;
    record_.end_reason = "recovered";
  }

  Repair recover() {
    if (const int error = segment_.open_existing(); error != 0) return failed(error);
    record_.bytes = segment_.size();
    switch (record_.name.container) {
      case segment::Container::mp4:
        return publish_after(repair_mp4(segment_, record_));
      case segment::Container::mkv:
        return publish_after(repair_mkv());
      case segment::Container::ts:
        return publish_after(repair_ts());
    }
    return Repair::not_ours;
  }

private:
  Repair failed(int error) {
    log::warning("{}: cannot be recovered now: {}: it stays for the next start", segment_.path(), errno_text(error));
    return Repair::failed;
  }

  Repair publish_after(Repair repair) {
    if (repair != Repair::done) return repair;
    if (const int error = publisher_.publish(whole_, record_); error != 0) return failed(error);
    if (whole_ != file_) camera_.live().remove(file_);
    return Repair::done;
  }

  /// Through libavformat into a new file, which gets the index and the duration that the old one never had.
  Repair repair_mkv() {
    if (record_.bytes == 0) return Repair::no_frames;
    const std::string copy_name = to_string(record_.name) + std::string(kRemuxSuffix);
    segment::File copy(camera_.live(), copy_name);
    if (const int error = copy.create(); error != 0) return failed(error);
    int sink_error = 0;
    ffmpeg::RemuxResult result;
    const int error = ffmpeg::remux_matroska(
        segment_.path(),
        [&](std::int64_t offset, std::span<const std::byte> bytes) {
          sink_error = copy.write_at(static_cast<std::uint64_t>(offset), bytes);
          return sink_error;
        },
        result);
    if (error == 0 && result.frames > 0 && copy.sync() == 0) {
      record_.bytes = copy.size();
      record_.frames = result.frames;
      record_.duration_us = result.duration_us;
      whole_ = copy_name;
      return Repair::done;
    }
    camera_.live().remove(copy_name);
    if (sink_error != 0) return Repair::done;  // no room for a copy: as it is, players take it
    return error != 0 ? Repair::not_ours : Repair::no_frames;
  }

  /// A transport stream is whole up to its last packet.
  Repair repair_ts() {
    constexpr std::uint64_t kPacket = 188;
    record_.bytes -= record_.bytes % kPacket;
    if (record_.bytes == 0) return Repair::no_frames;
    const int error = segment_.truncate(record_.bytes);
    return error == 0 && segment_.sync() == 0 ? Repair::done : failed(error != 0 ? error : EIO);
  }

  const CameraFolder& camera_;
  Publisher& publisher_;
  std::string file_;
  std::string whole_;  // what is published in its place
  segment::File segment_;
  segment::SegmentRecord record_;
};

}  // namespace

Repair repair_mp4(segment::File& file, segment::SegmentRecord& record) {
  const std::uint64_t size = file.size();
  if (size == 0) return Repair::no_frames;
  const auto scan = mp4::scan_hybrid(reader_of(file), size);
  if (!scan) return scan.error() == mp4::ScanError::no_frames ? Repair::no_frames : Repair::not_ours;
  describe(*scan, record);
  const mp4::Finish closing = mp4::finish_hybrid(scan->end, mp4::make_final_moov(scan->movie, scan->samples));
  // What is behind the last whole fragment may be read as boxes otherwise.
  int error = file.truncate(scan->end);
  if (error == 0) error = apply(file, closing);
  if (error != 0) {
    log::warning("{}: cannot be recovered now: {}: it stays for the next start", file.path(), errno_text(error));
    return Repair::failed;
  }
  record.bytes = closing.size;
  return Repair::done;
}

Recovered recover_live(const CameraFolder& camera, Publisher& publisher, const std::vector<std::string>& files) {
  Recovered total;
  for (const std::string& file : files) {
    if (file.ends_with(kRemuxSuffix)) camera.live().remove(file);  // a recovery that did not end
  }
  for (const std::string& file : files) {
    if (file.ends_with(kRemuxSuffix)) continue;
    const bool part = file.ends_with(segment::kPartSuffix);
    const auto name = segment::parse_segment_name(
        std::string_view(file).substr(0, file.size() - (part ? segment::kPartSuffix.size() : 0)));
    const auto info = camera.live().status(file);
    const bool usable = part && name && info && S_ISREG(info->st_mode);
    const Repair repair = usable ? LiveFile(camera, publisher, file, *name).recover() : Repair::not_ours;
    if (repair == Repair::done) ++total.published;
    if (repair == Repair::no_frames && camera.live().remove(file) == 0) ++total.removed;
    if (repair == Repair::not_ours) {
      log::warning("{}/{}: not a segment that can be played: moved to {}", camera.live().path(), file,
                   camera.quarantine().path());
      publisher.quarantine(file);
      ++total.quarantined;
    }
  }
  return total;
}

int rebuild_index(const segment::Folder& top, const Catalogue& catalogue, segment::Index& index) {
  int lines = 0;
  std::vector<std::string> missing;
  for (const std::string& day : catalogue.days()) {
    if (!index.has_day(day)) missing.push_back(day);
  }
  if (missing.empty()) return 0;
  for (const Published& published : catalogue.oldest_first()) {
    if (!std::ranges::binary_search(missing, segment::day_folder(published.name.start_ms))) continue;
    segment::SegmentRecord record;
    record.name = published.name;
    record.bytes = published.bytes;
    record.start_us = published.name.start_ms * 1000;
    record.end_reason = "unknown";
    record.stamp = published.stamp;
    segment::File file(top, published.path());
    if (published.name.container == segment::Container::mp4 && file.open_existing() == 0) {
      if (const auto summary = mp4::summarise(reader_of(file), file.size())) {
        record.start_us = summary->start_unix_us;
        record.duration_us = summary->duration_us;
        record.frames = summary->frames;
      }
    }
    index.published(record);
    ++lines;
  }
  return lines;
}

}  // namespace campipe::record::library
