#include "wire/nut/writer.hpp"

#include <algorithm>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "wire/nut/headers.hpp"
#include "wire/nut/tags.hpp"

namespace campipe::wire::nut {

namespace {

// Whoever joins in the middle waits this long, plus the distance of keyframes (docs/decisions/0002).
constexpr std::int64_t kHeaderInterval = 500'000;

std::int64_t on_the_wire(std::int64_t time_us) noexcept {
  return std::clamp<std::int64_t>(time_us, 0, nut::kMaxPtsUs);
}

}  // namespace

void KeyPosition::keyframe(std::int64_t pts_us, std::uint64_t position) noexcept {
  if (ahead_) reached_ = ahead_->position;
  ahead_ = Place{pts_us, position};
}

std::optional<std::uint64_t> KeyPosition::at(std::int64_t key_pts_us) noexcept {
  if (ahead_ && ahead_->pts_us <= key_pts_us) {
    reached_ = ahead_->position;
    ahead_.reset();
  }
  return reached_;
}

Writer::Writer(Fd fd, std::string name, std::function<void(bool)> blocking)
    : out_(std::move(fd), std::move(name), std::move(blocking)) {}

void Writer::set_format(const media::StreamFormat& format) {
  if (nut::video_tag(format.video) == 0) {
    throw Error(ExitCode::bad_data, out_.name() + ": NUT has no tag for " + media::describe(format.video));
  }
  if (started_ && format == format_) return;
  if (format.video.codec != format_.video.codec || !started_) out_.fit_pipe(format.video.codec);
  format_ = format;
  depth_.promise(format.video);
  headers_due_ = true;
}

void Writer::write(const media::Packet& packet) {
  const bool video = packet.track == media::Track::video;
  if (packet.payload.empty() || (!video && !format_.audio)) return;  // an empty frame would mean the track's end
  head_.clear();
  add_headers(packet);
  add_syncpoint(packet);
  add_frame_head(packet);
  std::array<iovec, 2> parts{stream::part(head_.bytes()), stream::part(packet.payload.bytes())};
  out_.write(parts);
  if (video) ++packets_;
}

void Writer::set_source(const SourceStatus& status) {
  if (!started_) {  // without headers it would be no NUT
    source_due_ = status;
    return;
  }
  head_.clear();
  nut::write_source(head_, status);
  std::array<iovec, 1> parts{stream::part(head_.bytes())};
  out_.write(parts);
}

void Writer::add_headers(const media::Packet& packet) {
  if (packet.track == media::Track::video) {
    const bool deeper = depth_.take(packet, format_.video.frame_rate);
    const bool old = std::abs(packet.pts_us - headers_at_us_) >= kHeaderInterval;
    if (deeper || (packet.keyframe && old)) headers_due_ = true;
  }
  if (!headers_due_) return;
  if (!started_) head_.raw(nut::kFileId);
  nut::write_headers(head_, format_, depth_.frames());
  if (source_due_) nut::write_source(head_, *source_due_);
  source_due_.reset();
  headers_due_ = false;
  started_ = true;
  headers_at_us_ = packet.pts_us;
}

void Writer::add_syncpoint(const media::Packet& packet) {
  const std::uint64_t position = out_.bytes() + head_.size();
  key_pts_us_ = std::max(key_pts_us_, on_the_wire(media::decode_time_us(packet)));
  if (packet.keyframe) keys_[packet.track == media::Track::video ? 0 : 1].keyframe(packet.pts_us, position);
  std::uint64_t back = position;
  for (std::size_t track = 0; track < (format_.audio ? 2U : 1U); ++track) {
    back = std::min(back, keys_[track].at(key_pts_us_).value_or(position));
  }
  nut::ByteWriter body;
  body.v(static_cast<std::uint64_t>(key_pts_us_));
  body.v((position - back) / 16);
  head_.packet(nut::kSyncStart, body);
}

std::uint64_t Writer::capture_field(const media::Packet& packet) const noexcept {
  const std::int64_t implied = format_.clock ? format_.clock->captured_ns(on_the_wire(packet.pts_us)) : 0;
  return nut::fold(*packet.captured_ns - implied);
}

void Writer::add_frame_head(const media::Packet& packet) {
  const auto payload = packet.payload.bytes();
  const bool reordered = packet.dts_us && *packet.dts_us != packet.pts_us;
  std::uint64_t flags = 0;
  if (packet.corrupt) flags |= nut::kIsCorrupt;
  if (packet.discontinuity) flags |= nut::kIsDiscontinuity;
  if (packet.sequence) flags |= nut::kSequenceKnown;
  if (packet.captured_ns) flags |= nut::kCaptureKnown;
  if (packet.dts_us) flags |= nut::kDtsKnown;
  const std::size_t begin = head_.size();
  head_.fixed(nut::kFrameCode, 1);
  head_.v(packet.keyframe ? nut::kKey : 0U);  // coded flags: what differs from the frame code's
  head_.v(packet.track == media::Track::video ? 0U : 1U);
  head_.v(static_cast<std::uint64_t>(on_the_wire(packet.pts_us)) + (1U << nut::kPtsShift));
  head_.v(payload.size());
  head_.v(flags);
  head_.v(packet.sequence.value_or(0));
  head_.v(packet.captured_ns ? capture_field(packet) : 0);
  head_.v(crc32c(payload.last(std::min(payload.size(), nut::kCrcBytes))));
  head_.v(reordered ? nut::fold(packet.pts_us - *packet.dts_us) : 0);
  head_.fixed(nut::checksum(head_.bytes().subspan(begin)), 4);
}

}  // namespace campipe::wire::nut
