#include "wire/shm/format.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::wire::shm {

namespace {

/// Two enumerations whose members mean the same; `Theirs` go through shared memory, so their numbers are fixed.
template <class Ours, class Theirs, std::size_t N>
struct Pairs {
  std::array<std::pair<Ours, Theirs>, N> all;

  Theirs theirs(Ours value) const { return std::ranges::find(all, value, &std::pair<Ours, Theirs>::first)->second; }
  Ours ours(Theirs value) const { return std::ranges::find(all, value, &std::pair<Ours, Theirs>::second)->first; }
};

constexpr Pairs<media::VideoCodec, ring::layout::Codec, 4> kCodecs{
    {{{media::VideoCodec::raw, ring::layout::Codec::raw},
      {media::VideoCodec::mjpeg, ring::layout::Codec::mjpeg},
      {media::VideoCodec::h264, ring::layout::Codec::h264},
      {media::VideoCodec::h265, ring::layout::Codec::h265}}}};

constexpr Pairs<media::AudioCodec, ring::layout::AudioCodec, 6> kAudio{
    {{{media::AudioCodec::aac, ring::layout::AudioCodec::aac},
      {media::AudioCodec::pcm_alaw, ring::layout::AudioCodec::pcm_alaw},
      {media::AudioCodec::pcm_mulaw, ring::layout::AudioCodec::pcm_mulaw},
      {media::AudioCodec::opus, ring::layout::AudioCodec::opus},
      {media::AudioCodec::mp3, ring::layout::AudioCodec::mp3},
      {media::AudioCodec::pcm_s16le, ring::layout::AudioCodec::pcm_s16le}}}};

constexpr Pairs<media::ColourRange, ring::layout::Range, 3> kRanges{
    {{{media::ColourRange::unknown, ring::layout::Range::unknown},
      {media::ColourRange::limited, ring::layout::Range::limited},
      {media::ColourRange::full, ring::layout::Range::full}}}};

constexpr Pairs<media::ColourMatrix, ring::layout::Matrix, 4> kMatrices{
    {{{media::ColourMatrix::unknown, ring::layout::Matrix::unknown},
      {media::ColourMatrix::bt601, ring::layout::Matrix::bt601},
      {media::ColourMatrix::bt709, ring::layout::Matrix::bt709},
      {media::ColourMatrix::bt2020, ring::layout::Matrix::bt2020}}}};

// What ring::layout::from_fields() takes.
constexpr int kMostChannels = 64;
constexpr int kMostHz = 1'000'000;
constexpr int kMostSide = 16384;
constexpr std::int64_t kMostRate = 1'000'000;
// Keeps sums of times far from overflow; the bounds of StreamClock::parse().
constexpr std::int64_t kMostNs = std::int64_t{1} << 61;

bool within(std::int64_t value, std::int64_t most) noexcept {
  return value >= -most && value <= most;
}

[[noreturn]] void refuse(const media::VideoFormat& video, const std::string& name, const char* why) {
  throw Error(ExitCode::bad_data, fmt::format("{}: a ring cannot carry {}: {}", name, media::describe(video), why));
}

void add_audio(const media::AudioFormat& audio, ring::layout::Format& to) {
  to.audio_codec = kAudio.theirs(audio.codec);
  to.audio_rate_hz = static_cast<std::uint32_t>(std::clamp(audio.sample_rate_hz, 0, kMostHz));
  to.audio_channels = static_cast<std::uint32_t>(std::clamp(audio.channels, 0, kMostChannels));
  to.audio_extradata = audio.extradata;
}

/// A rate that needs more than 32 bits goes as none.
void add_rate(Rational rate, ring::layout::Format& to) {
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (!rate || rate.num > kMost || rate.den > kMost || rate.num / rate.den > kMostRate) return;
  to.rate_num = static_cast<std::uint32_t>(rate.num);
  to.rate_den = static_cast<std::uint32_t>(rate.den);
}

}  // namespace

ring::layout::Format to_ring(const media::StreamFormat& format, const std::string& name) {
  const media::VideoFormat& video = format.video;
  ring::layout::Format to;
  to.codec = kCodecs.theirs(video.codec);
  if (video.codec == media::VideoCodec::raw) {
    if (media::picture_bytes(video.pixel_format, video.size) == 0) refuse(video, name, "its size is not known");
    to.pixel_format = media::name(video.pixel_format);
  }
  if (video.size.width_px > kMostSide || video.size.height_px > kMostSide || video.size.width_px < 0 ||
      video.size.height_px < 0) {
    refuse(video, name, "pictures have at most 16384x16384 pixels");
  }
  to.width_px = static_cast<std::uint32_t>(video.size.width_px);
  to.height_px = static_cast<std::uint32_t>(video.size.height_px);
  add_rate(video.frame_rate, to);
  to.range = kRanges.theirs(video.range);
  to.matrix = kMatrices.theirs(video.matrix);
  to.parameter_sets = video.parameter_sets;
  if (format.audio && video.codec != media::VideoCodec::raw) add_audio(*format.audio, to);
  if (format.clock && format.clock->boot_id.size() < ring::layout::FormatFields{}.boot_id.size()) {
    to.anchor_realtime_us = format.clock->anchor_realtime_us;
    to.anchor_monotonic_ns = format.clock->anchor_monotonic_ns;
    to.boot_id = format.clock->boot_id;
  }
  return to;
}

media::StreamFormat from_ring(const ring::layout::Format& format, const std::string& name) {
  media::StreamFormat to;
  to.video.codec = kCodecs.ours(format.codec);
  if (format.codec == ring::layout::Codec::raw) {
    const auto pixel_format = media::pixel_format_by_name(format.pixel_format);
    if (!pixel_format) {
      throw Error(ExitCode::bad_data, fmt::format("{}: its pictures are {}, which this version does not know", name,
                                                  log::printable(format.pixel_format)));
    }
    to.video.pixel_format = *pixel_format;
  }
  to.video.size = {static_cast<int>(format.width_px), static_cast<int>(format.height_px)};
  to.video.frame_rate = {format.rate_num, std::max(format.rate_den, 1U)};
  to.video.range = kRanges.ours(format.range);
  to.video.matrix = kMatrices.ours(format.matrix);
  to.video.parameter_sets = format.parameter_sets;
  if (format.audio_codec != ring::layout::AudioCodec::none) {
    to.audio = media::AudioFormat{.codec = kAudio.ours(format.audio_codec),
                                  .sample_rate_hz = static_cast<int>(format.audio_rate_hz),
                                  .channels = static_cast<int>(format.audio_channels),
                                  .extradata = format.audio_extradata};
  }
  const bool sane = within(format.anchor_realtime_us, kMostNs / 1000) && within(format.anchor_monotonic_ns, kMostNs);
  if (!format.boot_id.empty() && sane) {
    to.clock = StreamClock{format.anchor_realtime_us, format.anchor_monotonic_ns, format.boot_id};
  }
  return to;
}

}  // namespace campipe::wire::shm
