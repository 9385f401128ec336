#include "record/segment/writer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "mp4/sample_entry.hpp"
#include "record/segment/av_writer.hpp"
#include "record/segment/mp4_writer.hpp"

namespace campipe::record::segment {

Writer::Writer(SegmentName name, std::shared_ptr<File> file, const media::StreamFormat& format, std::int64_t start_us)
    : format_(format), file_(std::move(file)) {
  record_.name = std::move(name);
  record_.start_us = start_us;
  record_.video = media::describe(format.video);
}

void Writer::count(std::span<const media::Packet> batch, std::uint64_t offset, std::uint64_t bytes) {
  record_.bytes = bytes;
  for (const media::Packet& packet : batch) {
    if (packet.track != media::Track::video) continue;
    ++record_.frames;
    const std::int64_t at = packet.pts_us - record_.start_us;
    if (packet.keyframe) record_.keyframes.push_back({at, offset});
    record_.duration_us = std::max(record_.duration_us, at + nominal_us(media::Track::video));
  }
}

void Writer::mark() {
  marked_ = {.frames = record_.frames,
             .bytes = record_.bytes,
             .duration_us = record_.duration_us,
             .keyframes = record_.keyframes.size()};
}

void Writer::rollback() {
  record_.frames = marked_.frames;
  record_.bytes = marked_.bytes;
  record_.duration_us = marked_.duration_us;
  record_.keyframes.resize(std::min(marked_.keyframes, record_.keyframes.size()));
}

std::int64_t Writer::nominal_us(media::Track track) const noexcept {
  if (track == media::Track::audio) {
    constexpr std::int64_t kAacFrame = 1024;
    return format_.audio && format_.audio->sample_rate_hz > 0 ? kAacFrame * 1'000'000 / format_.audio->sample_rate_hz
                                                              : 20'000;
  }
  const Rational rate = format_.video.frame_rate;
  return rate ? std::clamp<std::int64_t>(1'000'000 * rate.den / rate.num, 1, 60'000'000) : 40'000;
}

std::unique_ptr<Writer> make_segment_writer(const SegmentName& name, std::shared_ptr<File> file,
                                            const media::StreamFormat& format, std::int64_t start_us) {
  if (name.container == Container::mp4) return std::make_unique<Mp4Writer>(name, std::move(file), format, start_us);
  return std::make_unique<AvWriter>(name, std::move(file), format, start_us);
}

Container choose_container(const media::StreamFormat& format, std::optional<Container> wanted) {
  if (format.video.codec == media::VideoCodec::raw) {
    throw Error(ExitCode::bad_data,
                fmt::format("{} is not recorded as it is: encode it first: camenc -c h264 | camrec DIR",
                            media::describe(format.video)));
  }
  const bool video_fits = mp4::fits_mp4(format.video.codec);
  const bool audio_fits = !format.audio || mp4::fits_mp4(format.audio->codec);
  if (!wanted) return video_fits && audio_fits ? Container::mp4 : Container::mkv;
  if (*wanted == Container::mp4 && !(video_fits && audio_fits)) {
    throw Error(ExitCode::bad_data,
                fmt::format("mp4 is not the place for {}: leave --container out, or use mkv",
                            video_fits ? media::name(format.audio->codec) : media::name(format.video.codec)));
  }
  const bool ts_audio = !format.audio || format.audio->codec == media::AudioCodec::aac ||
                        format.audio->codec == media::AudioCodec::opus || format.audio->codec == media::AudioCodec::mp3;
  if (*wanted == Container::ts && !(video_fits && ts_audio)) {
    throw Error(ExitCode::bad_data,
                fmt::format("ts cannot hold {}: leave --container out, or use mkv",
                            video_fits ? media::name(format.audio->codec) : media::name(format.video.codec)));
  }
  return *wanted;
}

}  // namespace campipe::record::segment
