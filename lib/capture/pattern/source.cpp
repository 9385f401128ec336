#include "capture/pattern/source.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"

namespace campipe::capture::pattern {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Source::Options checked(Source::Options options) {
  if (options.size.width_px < 32 || options.size.height_px < 32) {
    throw Error(ExitCode::unavailable,
                fmt::format("pattern: cannot do {}x{}: it offers any size from 32x32 to 16384x16384",
                            options.size.width_px, options.size.height_px));
  }
  if (!Canvas::can_draw(options.pixel_format)) {
    throw Error(ExitCode::unavailable,
                fmt::format("pattern: {}: it offers yuv420p, nv12, yuyv422, rgb24, bgr24",
                            options.pixel_format == media::PixelFormat::none ? "it is raw only"
                                                                             : media::name(options.pixel_format)));
  }
  return options;
}

}  // namespace

Source::Source(Options options, Host host, StreamClock clock)
    : options_(checked(options)),
      host_(std::move(host)),
      clock_(std::move(clock)),
      picture_(options_.pixel_format, options_.size, options_.rate) {
  const bool is_yuv = media::info(options_.pixel_format).is_yuv;
  format_.video = {.codec = media::VideoCodec::raw,
                   .pixel_format = options_.pixel_format,
                   .size = options_.size,
                   .frame_rate = options_.rate,
                   .range = is_yuv ? media::ColourRange::limited : media::ColourRange::full,
                   .matrix = is_yuv ? media::ColourMatrix::bt601 : media::ColourMatrix::unknown,
                   .parameter_sets = {}};
  format_.clock = clock_;
}

void Source::open() {
  const std::int64_t now = monotonic_ns();
  // Opened again: the next picture is due now, and the count goes on without a gap.
  start_ns_ = start_ns_ ? *start_ns_ + (now - deadline_ns(number_)) : now;
}

std::int64_t Source::deadline_ns(std::uint64_t number) const noexcept {
  // Exact: `num` pictures take `den` seconds. Whole seconds apart, since number * den * 10^9 leaves 64 bits.
  const auto [num, den] = options_.rate;
  const auto n = static_cast<std::int64_t>(number);
  const std::int64_t seconds = n / num * den + n % num * den / num;
  return *start_ns_ + seconds * kSecond + n % num * den % num * kSecond / num;
}

void Source::skip_what_is_late() {
  const std::int64_t now = monotonic_ns();
  if (now - deadline_ns(number_) <= kSecond) return;
  const std::uint64_t before = number_;
  number_ = static_cast<std::uint64_t>(static_cast<double>(now - *start_ns_) / kSecond * options_.rate.value());
  stats_.dropped += number_ - before;
  skipped_ = true;
}

Pull Source::next() {
  if (!format_told_) {
    format_told_ = true;
    return Pull::format;
  }
  skip_what_is_late();
  const std::int64_t due = deadline_ns(number_);
  // Painted before its time comes, so that it leaves when its clock shows.
  auto buffer = pool_.get(picture_.bytes());
  picture_.paint(number_, clock_.pts_us(due), buffer->bytes());
  if (wait(host_, -1, 0, due) == Wake::stopped) return Pull::stopped;

  packet_ = {};
  packet_.pts_us = clock_.pts_us(due);
  packet_.captured_ns = due;
  packet_.sequence = number_++;
  packet_.keyframe = true;
  packet_.discontinuity = std::exchange(skipped_, false);
  packet_.payload = media::BufferPool::seal(std::move(buffer));
  ++stats_.frames;
  return Pull::packet;
}

}  // namespace campipe::capture::pattern
