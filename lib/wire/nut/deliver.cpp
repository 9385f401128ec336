// The second half of Reader: what becomes of a frame that came whole.
#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/jpeg.hpp"
#include "wire/nut/reader.hpp"
#include "wire/stream/on_change.hpp"

namespace campipe::wire::nut {

namespace {

using media::VideoCodec;

/// Frames that a sequence number may jump before it is taken for a new count.
constexpr std::uint64_t kMostMissing = 1'000'000;

bool may_reorder(VideoCodec codec) noexcept {
  return codec == VideoCodec::h264 || codec == VideoCodec::h265;
}

/// A payload of version 4 without the side data at its start (behind the elided bytes).
std::optional<media::Payload> without_side_data(const media::Payload& payload, std::size_t prefix) {
  const auto bytes = payload.bytes();
  const auto length = nut::side_data_bytes(bytes.subspan(prefix));
  if (!length) return std::nullopt;
  if (prefix == 0) return payload.part(*length, bytes.size() - *length);
  std::vector<std::byte> joined(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(prefix));
  joined.insert(joined.end(), bytes.begin() + static_cast<std::ptrdiff_t>(prefix + *length), bytes.end());
  return media::Payload::from(std::move(joined));
}

}  // namespace

void Reader::deliver(const nut::FrameHead& head, std::int64_t pts_us, media::Payload payload) {
  media::Packet packet;
  packet.track = is_video(head.stream) ? media::Track::video : media::Track::audio;
  packet.pts_us = pts_us;
  packet.keyframe = head.keyframe() || packet.track == media::Track::audio;
  if ((head.flags & nut::kSideData) != 0) {
    const auto bare = without_side_data(payload, layout_->main.elision[head.header_idx].size());
    if (!bare) {
      if (packet.track == media::Track::video) lost(1);
      return;
    }
    payload = *bare;
  }
  packet.payload = std::move(payload);
  if (layout_->main.ours) own_fields(head, packet);
  if (packet.track == media::Track::video) {
    deliver_video(head, std::move(packet));
  } else if (told_format_) {
    if (!layout_->main.ours) foreign_times(packet);
    in_order(packet, tracks_[head.stream]);
    ++stats_.audio_packets;
    packet_ = std::move(packet);
    packet_due_ = true;
  }
}

void Reader::deliver_video(const nut::FrameHead& head, media::Packet packet) {
  count_gap(packet);
  if (!canonical(packet)) return lost(1);
  if (!layout_->main.ours) foreign_times(packet);  // when the parameter sets are known, which have a say in it
  if (wait_key_ && !packet.keyframe) {
    ++stats_.dropped;
    return;
  }
  wait_key_ = false;
  if (std::exchange(mark_next_, false)) packet.discontinuity = true;
  in_order(packet, tracks_[head.stream]);
  ++stats_.packets;
  packet_ = std::move(packet);
  packet_due_ = true;
}

/// Brings a payload into the form of media/format.hpp and takes over what it says about the format. False when it
/// cannot be a picture of this stream.
bool Reader::canonical(media::Packet& packet) {
  media::VideoFormat& video = layout_->format.video;
  const auto bytes = packet.payload.bytes();
  if (video.codec == VideoCodec::raw) {
    packet.keyframe = true;
    return bytes.size() == media::picture_bytes(video.pixel_format, video.size);
  }
  if (video.codec == VideoCodec::mjpeg) {
    packet.keyframe = true;
    if (layout_->main.ours) return true;
    const auto info = media::jpeg::parse(bytes);
    if (!info) return false;
    packet.corrupt = !info->complete;
    if (auto fixed = media::jpeg::canonical(bytes, *info, true))
      packet.payload = media::Payload::from(std::move(*fixed));
    return true;
  }
  const bool h264 = video.codec == VideoCodec::h264;
  if (!layout_->main.ours) {
    std::optional<std::vector<std::byte>> annex_b;
    if (layout_->nal_length_bytes > 0) {
      annex_b = media::annex_b_from_length_prefixed(bytes, layout_->nal_length_bytes);
      if (!annex_b) return false;
    }
    const std::span<const std::byte> unit = annex_b ? std::span<const std::byte>(*annex_b) : bytes;
    const auto& sets = format_.video.parameter_sets;
    packet.payload =
        media::Payload::from(h264 ? media::h264::canonical(unit, sets) : media::h265::canonical(unit, sets));
    if (packet.payload.empty()) return false;
  }
  if (packet.keyframe) {
    auto sets = h264 ? media::h264::parameter_sets_of(packet.payload.bytes())
                     : media::h265::parameter_sets_of(packet.payload.bytes());
    if (!sets.empty() && sets != format_.video.parameter_sets) {
      media::StreamFormat changed = format_;
      changed.video.parameter_sets = std::move(sets);
      adopt(std::move(changed));
    }
  }
  return true;
}

/// Makes `format` the one that holds, and tells when it differs.
void Reader::adopt(media::StreamFormat format) {
  const bool changed = !told_format_ || format != format_;
  if (told_format_) stream::obey_on_change(options_.on_change, format_, format, input_->name());
  if (told_format_ && !format.video.same_stream(format_.video)) wait_key_ = true;
  if (!format.video.same_stream(format_.video)) depth_ = {};
  format_ = std::move(format);
  const unsigned before = decode_delay();
  depth_.promise(format_.video);
  if (decode_delay() != before) dts_rule_.restart(decode_delay());
  if (!changed) return;
  format_due_ = told_format_ = true;
}

void Reader::own_fields(const nut::FrameHead& head, media::Packet& packet) {
  const std::uint64_t flags = head.reserved[nut::kFieldFlags];
  packet.corrupt = (flags & nut::kIsCorrupt) != 0;
  packet.discontinuity = (flags & nut::kIsDiscontinuity) != 0;
  if ((flags & nut::kSequenceKnown) != 0) packet.sequence = head.reserved[nut::kFieldSequence];
  if ((flags & nut::kCaptureKnown) != 0) {
    const std::int64_t implied = layout_->format.clock ? layout_->format.clock->captured_ns(packet.pts_us) : 0;
    std::int64_t captured = 0;
    const bool sums = !__builtin_add_overflow(implied, nut::unfold(head.reserved[nut::kFieldCapture]), &captured);
    // Never negative, and far from where differences overflow: a ring takes no other.
    if (sums && captured >= 0 && captured <= nut::kMaxPtsUs * 1000) packet.captured_ns = captured;
  }
  if ((flags & nut::kDtsKnown) != 0) {
    const std::int64_t ahead = nut::unfold(head.reserved[nut::kFieldDts]);
    if (ahead >= -nut::kMaxPtsUs && ahead <= nut::kMaxPtsUs) packet.dts_us = packet.pts_us - ahead;
  } else if (is_video(head.stream) && layout_->streams[head.stream].decode_delay > 0) {
    packet.dts_us = dts_rule_.next(packet.pts_us, frame_us());
  }
}

/// libavformat writes a decode_delay of 0 for encoders that do not tell it (libx265): parameter sets know better, and
/// where they do not tell either, it shows in pictures that come behind others which are shown later.
unsigned Reader::decode_delay() const noexcept {
  if (!layout_) return 0;
  const unsigned told = layout_->streams[layout_->video].decode_delay;
  return layout_->main.ours ? told : std::max(told, depth_.frames());
}

void Reader::foreign_times(media::Packet& packet) {
  const auto mapped = foreign_.map(packet.pts_us, clock_.pts_us(monotonic_ns()));
  packet.pts_us += mapped.shift_us;
  packet.discontinuity = mapped.jumped;
  if (packet.track != media::Track::video || !may_reorder(format_.video.codec)) return;
  if (!depth_.is_promised()) {
    const unsigned before = decode_delay();
    depth_.take(packet, {});
    if (decode_delay() != before) dts_rule_.restart(decode_delay());
  }
  if (decode_delay() > 0) packet.dts_us = dts_rule_.next(packet.pts_us, frame_us());
}

/// Decoding times increase, or the packet says that something happened.
void Reader::in_order(media::Packet& packet, TrackState& track) {
  const std::int64_t dts_us = media::decode_time_us(packet);
  if (track.last_dts_us && dts_us <= *track.last_dts_us) {
    constexpr std::int64_t kSmallStep = 1'000'000;
    if (!layout_->main.ours && *track.last_dts_us - dts_us < kSmallStep) {
      const bool reordered = packet.dts_us.has_value();  // its time to be shown is its own
      packet.dts_us = *track.last_dts_us + 1;
      if (!reordered) packet.pts_us = *packet.dts_us;
    } else {
      packet.discontinuity = true;
    }
  }
  track.last_dts_us = media::decode_time_us(packet);
}

void Reader::count_gap(const media::Packet& packet) {
  if (!packet.sequence) return;
  if (last_sequence_ && *packet.sequence > *last_sequence_) {
    const std::uint64_t missing = *packet.sequence - *last_sequence_ - 1;
    const bool rest = rested_ && packet.discontinuity;
    if (missing < kMostMissing && !rest) stats_.gaps += missing;
  }
  if (packet.discontinuity) rested_ = false;
  last_sequence_ = packet.sequence;
}

std::int64_t Reader::frame_us() const {
  const Rational rate = format_.video.frame_rate ? format_.video.frame_rate : options_.assumed_rate;
  return rate ? 1'000'000 * rate.den / rate.num : 33'333;
}

}  // namespace campipe::wire::nut
