#include "capture/v4l2/source.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "capture/v4l2/device_list.hpp"
#include "capture/v4l2/device_watch.hpp"
#include "capture/v4l2/tight_picture.hpp"

namespace campipe::capture::v4l2 {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kBuffers = 4;

}  // namespace

Source::Source(Options options, Host host, StreamClock clock)
    : options_(std::move(options)),
      host_(std::move(host)),
      clock_(std::move(clock)),
      path_(options_.path.empty() ? "auto" : options_.path) {}

Source::~Source() = default;

void Source::open() {
  if (options_.path.empty()) path_ = first_camera();
  auto device = std::make_unique<Device>(path_);
  choose_and_set(*device, device->follow_signal());
  device->start(kBuffers);
  device_ = std::move(device);
  started_ns_ = monotonic_ns();
  last_frame_ns_ = last_buffer_ns_ = 0;
  unusable_ = 0;
  driver_sequence_.reset();
  bad_in_a_row_ = 0;
  packet_ready_ = false;
  gap_ = stats_.frames > 0;
}

void Source::choose_and_set(Device& device, std::optional<Size> signal) {
  const auto known = [](const OfferedFormat& format) { return find_device_format(format.fourcc) != nullptr; };
  auto offered = device.formats();
  if (std::ranges::none_of(offered, known) && device.use_conversion()) offered = device.formats();
  ModeWish wish = options_.wish;
  if (!wish.size) wish.size = signal;  // a grabber may scale; its own size is the sharpest
  auto choice = choose_mode(offered, wish);
  if (!choice && signal) choice = choose_mode(offered, options_.wish);
  if (!choice) throw Error(ExitCode::unavailable, path_ + ": " + choice.error());
  mode_ = device.set_mode(*choice);
  if (options_.wish.size && !(mode_.size == *options_.wish.size)) {
    throw Error(ExitCode::unavailable,
                fmt::format("{}: cannot do {}x{}: the device makes {}x{} of it", path_, options_.wish.size->width_px,
                            options_.wish.size->height_px, mode_.size.width_px, mode_.size.height_px));
  }

  media::VideoFormat video;
  video.codec = mode_.format.codec;
  video.pixel_format = mode_.format.pixel_format;
  video.size = mode_.size;
  video.frame_rate = mode_.rate;
  video.range = mode_.range;
  video.matrix = mode_.matrix;
  const std::string line =
      fmt::format("{}: {}: {} ({})", path_, device.info().card, media::describe(video), choice->reason);
  if (std::exchange(last_choice_, line) != line) log::info("{}", line);

  coded_.reset();
  if (video.codec != media::VideoCodec::raw) {
    coded_.emplace(video, std::span<const std::byte>{});
    return;
  }
  format_due_ = !(format_.clock && format_.video == video);
  format_ = {.video = std::move(video), .audio = std::nullopt, .clock = clock_};
}

void Source::close() noexcept {
  device_.reset();
}

Wake Source::wait_for_return(const Host& host, std::int64_t deadline_ns) {
  return wait_for_device(options_.path.empty() ? "/dev/" : options_.path, host, deadline_ns);
}

Pull Source::lose(std::string why) {
  loss_ = std::move(why);
  return Pull::lost;
}

Pull Source::lose(int error) {
  return lose(error == ENODEV || error == ENXIO || error == EINVAL ? std::string("unplugged") : errno_text(error));
}

/// A camera may take seconds to its first picture; one at 0.2 frames a second is not silent after five. Only frames
/// that could be used count: a camera that sends damaged ones for ever gives no picture either.
std::int64_t Source::stall_deadline() const {
  const std::int64_t patience = options_.stall_timeout.count();
  if (patience == 0) return kNever;
  // When all buffers came back damaged the transfer is dead until it is started again.
  if (bad_in_a_row_ >= static_cast<int>(kBuffers) && monotonic_ns() - last_buffer_ns_ >= std::min(patience, kSecond))
    return last_buffer_ns_ + std::min(patience, kSecond);
  if (last_frame_ns_ == 0) return started_ns_ + std::max(2 * patience, 10 * kSecond);
  const double interval = mode_.rate ? 1 / mode_.rate.value() : 0;
  return last_frame_ns_ + std::max(patience, static_cast<std::int64_t>(interval * 5e9));
}

std::string Source::why_stalled() const {
  const std::int64_t silent_ns = monotonic_ns() - std::max(started_ns_, last_frame_ns_);
  const std::string time = format_duration(std::chrono::milliseconds(silent_ns / 100'000'000 * 100));
  if (unusable_ == 0) return fmt::format("no frames for {}", time);
  return fmt::format("no usable frame for {}, {} damaged or before a keyframe", time, unusable_);
}

Pull Source::next() {
  if (std::exchange(format_due_, false)) return Pull::format;
  if (std::exchange(packet_ready_, false)) return Pull::packet;
  for (;;) {
    if (wait(host_, device_->fd(), POLLIN | POLLPRI, stall_deadline()) == Wake::stopped) return Pull::stopped;
    DeviceFrame frame;
    const int error = device_->dequeue(frame);
    if (error == EAGAIN) {
      if (device_->source_changed()) return lose("the signal changed");
      if (monotonic_ns() >= stall_deadline()) return lose(why_stalled());
      // A driver that reports something without a frame must not make this loop spin.
      if (wait(host_, -1, 0, monotonic_ns() + kSecond / 100) == Wake::stopped) return Pull::stopped;
      continue;
    }
    if (error != 0) return lose(error);
    const bool good = deliver(frame);
    if (const int queued = device_->queue(frame.index); queued != 0 && !good) return lose(queued);
    if (!good) {
      if (monotonic_ns() >= stall_deadline()) return lose(why_stalled());
      continue;
    }
    if (std::exchange(format_due_, false)) {
      packet_ready_ = true;
      return Pull::format;
    }
    return Pull::packet;
  }
}

/// Makes the packet of a frame; answers whether it is one.
bool Source::deliver(const DeviceFrame& frame) {
  last_buffer_ns_ = monotonic_ns();
  ++unusable_;
  count(frame);
  const bool damaged = (frame.flags & V4L2_BUF_FLAG_ERROR) != 0 || frame.bytes() == 0;
  bad_in_a_row_ = damaged ? bad_in_a_row_ + 1 : 0;
  media::Payload payload;
  const auto verdict = damaged ? CodedVideo::Verdict::damaged : copy_out(frame, payload);
  if (verdict == CodedVideo::Verdict::waiting) return false;
  if (verdict == CodedVideo::Verdict::damaged) {
    ++stats_.dropped;
    gap_ = true;
    return false;
  }
  packet_ = {};
  packet_.payload = std::move(payload);
  packet_.keyframe = !coded_ || coded_->keyframe();
  packet_.sequence = sequence_;
  packet_.discontinuity = std::exchange(gap_, false);
  stamp(frame);
  last_frame_ns_ = last_buffer_ns_;
  unusable_ = 0;
  ++stats_.frames;
  return true;
}

CodedVideo::Verdict Source::copy_out(const DeviceFrame& frame, media::Payload& out) {
  if (!coded_) {
    auto copy = tight_copy({mode_.format, mode_.size, mode_.strides, frame.planes}, pictures_);
    if (!copy) return CodedVideo::Verdict::damaged;
    out = std::move(*copy);
    return CodedVideo::Verdict::good;
  }
  auto buffer = units_.get(frame.planes[0].size());
  std::ranges::copy(frame.planes[0], buffer->data());
  const auto verdict = coded_->take(media::BufferPool::seal(std::move(buffer)));
  if (verdict == CodedVideo::Verdict::format) {
    media::VideoFormat video = coded_->format();
    if (!video.frame_rate) video.frame_rate = mode_.rate;
    format_due_ = !(format_.clock && format_.video == video);
    format_ = {.video = std::move(video), .audio = std::nullopt, .clock = clock_};
  }
  out = std::move(coded_->payload());
  return verdict;
}

void Source::stamp(const DeviceFrame& frame) {
  const std::int64_t now = monotonic_ns();
  const bool monotonic = (frame.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  const bool believable = monotonic && frame.timestamp_ns <= now && now - frame.timestamp_ns < kSecond;
  std::int64_t captured = believable ? frame.timestamp_ns : now;
  // pts must grow by at least its unit; a driver that stamps two frames alike does not stop the stream.
  captured = std::max(captured, last_captured_ns_ + 1000);
  last_captured_ns_ = captured;
  packet_.captured_ns = captured;
  packet_.pts_us = clock_.pts_us(captured);
}

/// Turns the driver's 32-bit count, which starts anew with the stream, into one that goes on.
void Source::count(const DeviceFrame& frame) {
  std::uint32_t step = 1;
  if (driver_sequence_) {
    step = frame.sequence - *driver_sequence_;
    if (step == 0 || step > 0x8000'0000U) step = 1;  // this driver does not count
  }
  driver_sequence_ = frame.sequence;
  sequence_ += stats_.frames + stats_.dropped == 0 ? 0 : step;
  if (step > 1) {
    stats_.gaps += step - 1;
    gap_ = true;
  }
}

}  // namespace campipe::capture::v4l2
