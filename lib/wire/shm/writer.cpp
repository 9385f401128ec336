#include "wire/shm/writer.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "media/inter_coded.hpp"
#include "ring/read/reader.hpp"
#include "wire/shm/format.hpp"

namespace campipe::wire::shm {

namespace {

using media::Track;
using media::VideoCodec;

ring::layout::UnitInfo info_of(const media::Packet& packet) {
  ring::layout::UnitInfo info;
  info.pts_us = packet.pts_us;
  info.dts_us = packet.dts_us.value_or(0);
  info.captured_ns = packet.captured_ns.value_or(0);
  info.source_sequence = packet.sequence.value_or(0);
  if (packet.dts_us) info.flags |= ring::layout::kHasDts;
  if (packet.captured_ns) info.flags |= ring::layout::kHasCapture;
  if (packet.sequence) info.flags |= ring::layout::kHasSequence;
  if (packet.keyframe) info.flags |= ring::layout::kKeyframe;
  if (packet.corrupt) info.flags |= ring::layout::kCorrupt;
  if (packet.discontinuity) info.flags |= ring::layout::kDiscontinuity;
  if (packet.track == Track::audio) info.flags |= ring::layout::kAudio;
  return info;
}

/// Of the video that a ring holds, of which we are the writer.
std::optional<std::int64_t> newest_pts(const std::string& name) {
  std::optional<std::int64_t> newest;
  try {
    ring::read::Reader there({.name = name, .leases = 0, .want = false, .skip_stale = false});
    for (auto event = there.next(0); event != ring::read::Event::timeout; event = there.next(0)) {
      const ring::layout::UnitInfo& info = there.unit().info;
      if (event == ring::read::Event::unit && (info.flags & ring::layout::kAudio) == 0)
        newest = std::max(newest.value_or(info.pts_us), info.pts_us);
    }
  } catch (const Error&) {  // what cannot be read is made anew with the first packet
  }
  return newest;
}

}  // namespace

Writer::Writer(ring::write::Writer::Options options)
    : name_("shm:" + options.name), ring_(std::move(options)), mark_next_(ring_.inherited().has_value()) {
  if (!ring_.inherited()) return;
  if (const auto clock = from_ring(*ring_.inherited(), name_).clock)
    inherited_ = stream::Inherited{*clock, newest_pts(ring_.name())};
}

void Writer::set_format(const media::StreamFormat& format) {
  const bool raw = format.video.codec == VideoCodec::raw;
  if (raw && format.audio && !std::exchange(said_no_audio_, true)) {
    log::warning("{}: a ring of raw pictures carries no sound: it is left out", name_);
  }
  if (!has_format_ || !format.video.same_stream(format_.video)) wait_key_ = media::is_inter_coded(format.video.codec);
  if (has_format_ && format == format_) return;
  ring_.set_format(to_ring(format, name_));
  format_ = format;
  has_format_ = true;
}

void Writer::write(const media::Packet& packet) {
  if (packet.payload.empty() || !has_format_) return;
  if (packet.track == Track::audio) {
    if (format_.audio && format_.video.codec != VideoCodec::raw &&
        ring_.publish(info_of(packet), packet.payload.bytes()))
      bytes_ += packet.payload.size();
    return;
  }
  if (wait_key_ && !packet.keyframe) {
    ++dropped_;
    mark_next_ = true;
    return;
  }
  ring::layout::UnitInfo info = info_of(packet);
  if (mark_next_) info.flags |= ring::layout::kDiscontinuity;
  if (!ring_.publish(info, packet.payload.bytes())) {
    ++dropped_;
    mark_next_ = true;
    wait_key_ = media::is_inter_coded(format_.video.codec);
    return;
  }
  wait_key_ = mark_next_ = false;
  ++packets_;
  bytes_ += packet.payload.size();
}

std::shared_ptr<media::Buffer> Writer::room(std::size_t bytes) {
  const bool picture = has_format_ && format_.video.codec == VideoCodec::raw &&
                       bytes == media::picture_bytes(format_.video.pixel_format, format_.video.size);
  if (!picture) return nullptr;
  auto room = ring_.room(bytes);
  return room ? std::make_shared<media::Buffer>(room->bytes, std::move(room->owner)) : nullptr;
}

}  // namespace campipe::wire::shm
