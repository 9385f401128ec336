#include "wire/bare/reader.hpp"

#include <utility>

#include "base/error.hpp"
#include "wire/stream/on_change.hpp"

namespace campipe::wire::bare {

Reader::Reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options)
    : input_(std::move(input)),
      options_(std::move(options)),
      clock_(StreamClock::from_environment_or_now()),
      from_file_(input_->is_file()) {}

stream::Pull Reader::next() {
  for (;;) {
    stats_.bytes = input_->bytes();
    if (std::exchange(format_due_, false)) return stream::Pull::format;
    if (std::exchange(packet_due_, false)) return stream::Pull::packet;
    switch (step()) {
      case Step::done:
        break;
      case Step::end:
        return stream::Pull::end;
      case Step::stopped:
        return stream::Pull::stopped;
    }
  }
}

Reader::Step Reader::more() {
  switch (input_->more()) {
    case stream::ByteInput::Got::bytes:
      return Step::done;
    case stream::ByteInput::Got::stopped:
      return Step::stopped;
    case stream::ByteInput::Got::end:
      break;
  }
  return Step::end;
}

Rational Reader::rate() const {
  const Rational told = format_.video.frame_rate;
  if (told) return told;
  return options_.assumed_rate ? options_.assumed_rate : Rational{30, 1};
}

void Reader::tell_format(media::VideoFormat video) {
  media::StreamFormat format;
  format.video = std::move(video);
  format.clock = clock_;
  if (told_format_ && format == format_) return;
  if (told_format_) stream::obey_on_change(options_.on_change, format_, format, input_->name());
  format_ = std::move(format);
  format_due_ = told_format_ = true;
}

std::int64_t Reader::next_time_ns() {
  if (!from_file_ || stats_.packets == 0) {
    const std::int64_t now = monotonic_ns();
    if (stats_.packets == 0) first_ns_ = now;
    return now;
  }
  const double seconds = static_cast<double>(stats_.packets) / rate().value();
  return first_ns_ + static_cast<std::int64_t>(seconds * 1e9);
}

void Reader::tell_packet(media::Payload payload, bool keyframe, bool corrupt) {
  packet_ = {};
  packet_.captured_ns = next_time_ns();
  packet_.pts_us = clock_.pts_us(*packet_.captured_ns);
  if (last_pts_us_ && packet_.pts_us <= *last_pts_us_) packet_.pts_us = *last_pts_us_ + 1;  // two in one microsecond
  last_pts_us_ = packet_.pts_us;
  packet_.keyframe = keyframe;
  packet_.corrupt = corrupt;
  packet_.discontinuity = std::exchange(mark_next_, false);
  packet_.payload = std::move(payload);
  packet_due_ = true;
  ++stats_.packets;
}

void Reader::lost(std::uint64_t frames) {
  stats_.dropped += frames;
  mark_next_ = stats_.packets > 0;
}

}  // namespace campipe::wire::bare
