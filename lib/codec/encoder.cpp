#include "codec/encoder.hpp"

#include <cmath>
#include <thread>

#include <fmt/format.h>

#include "base/error.hpp"
#include "ffmpeg/h264_encoder.hpp"
#include "jpeg/encoder.hpp"
#include "media/h264.hpp"

namespace campipe::codec {

namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::PixelFormat;

constexpr std::int64_t kSecondUs = 1'000'000;

media::Packet with_payload(const media::Packet& about, media::Payload payload, bool keyframe) {
  media::Packet packet = about;
  packet.payload = std::move(payload);
  packet.keyframe = keyframe;
  packet.dts_us.reset();
  return packet;
}

/// 4:2:0 has no half chroma samples: an odd row or column at the edge is left out.
Size even(Size size) noexcept {
  return {size.width_px & ~1, size.height_px & ~1};
}

Size size_for(const Settings& settings, Size source) {
  const Size size = settings.size ? settings.size->resolve(source) : even(source);
  if (size.width_px < 2 || size.height_px < 2) {
    throw Error(ExitCode::bad_data,
                fmt::format("pictures of {}x{} are too small to encode", source.width_px, source.height_px));
  }
  return size;
}

class MjpegEncoder : public Encoder {
public:
  MjpegEncoder(const Settings& settings, Size source, Rational rate)
      : encoder_(settings.quality.value_or(kDefaultQuality)) {
    shape_ = {PixelFormat::yuv420p, size_for(settings, source), ColourRange::full, ColourMatrix::bt601};
    format_ = {.codec = media::VideoCodec::mjpeg,
               .size = shape_.size,
               .frame_rate = rate,
               .range = shape_.range,
               .matrix = shape_.matrix};
  }
  const Shape& shape() const override { return shape_; }
  const media::VideoFormat& format() const override { return format_; }
  media::Packet encode(const Frame& frame) override {
    return with_payload(frame.about, encoder_.encode(frame.picture), true);
  }

private:
  Shape shape_;
  media::VideoFormat format_;
  jpeg::Encoder encoder_;
};

/// Says for each frame whether it shall be an IDR: every `gop_frames`. Without that once a second, by capture time,
/// which holds when a camera slows down in the dark, and by count, which holds when a file is read faster than it was
/// made.
class KeyframeClock {
public:
  KeyframeClock(std::optional<int> gop_frames, Rational rate)
      : frames_(gop_frames.value_or(rate ? static_cast<int>(std::lround(rate.value())) : kFramesOfUnknownRate)),
        by_time_(!gop_frames),
        early_us_(static_cast<std::int64_t>(5e5 / (rate ? rate.value() : 30.0))) {}

  bool due(std::int64_t pts_us) {
    const bool second_over = by_time_ && last_us_ && pts_us - *last_us_ >= kSecondUs - early_us_;
    const bool now = !last_us_ || pts_us < *last_us_ || since_ >= frames_ || second_over;
    since_ = now ? 1 : since_ + 1;
    if (now) last_us_ = pts_us;
    return now;
  }

  /// The next one is due, and the distance counts from there.
  void make_due() noexcept { last_us_.reset(); }

private:
  static constexpr int kFramesOfUnknownRate = 60;

  int frames_;
  bool by_time_;
  std::int64_t early_us_;  ///< half a frame: the nearest frame to the second's end, whatever the jitter
  std::optional<std::int64_t> last_us_;
  int since_ = 0;
};

class AvcEncoder : public Encoder {
public:
  AvcEncoder(const Settings& settings, const media::Picture& like, const media::VideoFormat& source, Rational rate)
      : keyframes_(settings.gop_frames, rate), encoder_(settings_for(settings, like, source, rate)) {
    const auto sets = encoder_.parameter_sets();
    format_.parameter_sets = media::h264::parameter_sets_of(sets);
  }
  const Shape& shape() const override { return shape_; }
  const media::VideoFormat& format() const override { return format_; }

  media::Packet encode(const Frame& frame) override {
    const auto unit = encoder_.encode(frame.picture, keyframes_.due(frame.about.pts_us));
    auto bytes = media::h264::canonical(unit.bytes, format_.parameter_sets);
    return with_payload(frame.about, media::Payload::from(std::move(bytes)), unit.idr);
  }
  void force_keyframe() noexcept override { keyframes_.make_due(); }

private:
  /// Also sets shape_ and format_ up.
  ffmpeg::H264Encoder::Settings settings_for(const Settings& settings, const media::Picture& like,
                                             const media::VideoFormat& source, Rational rate) {
    const Size size = size_for(settings, like.size);
    // Limited range is what every player takes for granted. Raw pictures of unknown matrix are BT.601, as cameras' are.
    const bool raw = source.codec == media::VideoCodec::raw;
    const ColourMatrix matrix = raw && like.matrix == ColourMatrix::unknown ? ColourMatrix::bt601 : like.matrix;
    shape_ = {PixelFormat::yuv420p, size, ColourRange::limited, matrix};
    format_ = {.codec = media::VideoCodec::h264,
               .size = size,
               .frame_rate = rate,
               .range = ColourRange::limited,
               .matrix = matrix};
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    return {.size = size,
            .frame_rate = rate ? rate : Rational{30, 1},
            .range = ColourRange::limited,
            .matrix = matrix,
            .bitrate = settings.bitrate.value_or(default_bitrate(size, rate)),
            .preset = settings.preset.value_or(std::string(default_preset(size, rate))),
            .threads = settings.threads > 0 ? settings.threads : default_threads(size, rate, cores)};
  }

  Shape shape_;
  media::VideoFormat format_;
  KeyframeClock keyframes_;
  ffmpeg::H264Encoder encoder_;
};

class RawEncoder : public Encoder {
public:
  RawEncoder(const Settings& settings, const media::Picture& like, const media::VideoFormat& source, Rational rate) {
    const PixelFormat kept = source.codec == media::VideoCodec::raw ? source.pixel_format : PixelFormat::yuv420p;
    shape_.format = settings.pixel_format.value_or(kept);
    shape_.size = settings.size ? settings.size->resolve(like.size) : like.size;
    const bool yuv = media::info(shape_.format).is_yuv;
    format_ = {.codec = media::VideoCodec::raw,
               .pixel_format = shape_.format,
               .size = shape_.size,
               .frame_rate = rate,
               .range = yuv ? like.range : ColourRange::full,
               .matrix = yuv ? like.matrix : ColourMatrix::unknown};
    if (yuv && !media::info(like.format).is_yuv) {
      format_.range = ColourRange::limited;
      format_.matrix = ColourMatrix::bt601;
    }
  }
  const Shape& shape() const override { return shape_; }
  const media::VideoFormat& format() const override { return format_; }
  media::Packet encode(const Frame& frame) override {
    return with_payload(frame.about, media::tight_payload(frame.picture, pool_), true);
  }

private:
  Shape shape_;
  media::VideoFormat format_;
  media::BufferPool pool_;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(const Settings& settings, const media::Picture& like,
                                      const media::VideoFormat& source, Rational rate) {
  switch (settings.target) {
    case Target::h264:
      return std::make_unique<AvcEncoder>(settings, like, source, rate);
    case Target::raw:
      return std::make_unique<RawEncoder>(settings, like, source, rate);
    default:
      return std::make_unique<MjpegEncoder>(settings, like.size, rate);
  }
}

}  // namespace campipe::codec
