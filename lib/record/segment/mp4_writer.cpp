#include "record/segment/mp4_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "mp4/sample_entry.hpp"

namespace campipe::record::segment {

namespace {

constexpr std::size_t kVideo = 0;
constexpr std::size_t kAudio = 1;

std::uint32_t to_ticks(std::int64_t us) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(us, 1, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

Mp4Writer::Mp4Writer(SegmentName name, std::shared_ptr<File> file, const media::StreamFormat& format,
                     std::int64_t start_us)
    : Writer(std::move(name), std::move(file), format, start_us) {}

void Mp4Writer::begin(const media::Packet& first) {
  movie_.start_unix_us = record().start_us;
  video_zero_us_ = media::decode_time_us(first);
  mp4::Track video{.id = 1, .handler = mp4::Handler::video, .size = format_.video.size};
  video.edit_ticks = std::max<std::int64_t>(first.pts_us - video_zero_us_, 0);
  video.sample_description = mp4::make_sample_description(format_.video);
  movie_.tracks.push_back(std::move(video));
  if (format_.audio) {
    mp4::Track audio{.id = 2, .handler = mp4::Handler::audio, .size = {}};
    audio.sample_description = mp4::make_sample_description(*format_.audio);
    if (!audio.sample_description.empty()) movie_.tracks.push_back(std::move(audio));
  }
  samples_.resize(movie_.tracks.size());
}

int Mp4Writer::write(std::span<const media::Packet> batch) {
  if (batch.empty()) return 0;
  const bool first = movie_.tracks.empty();
  mp4::Bytes bytes;
  if (first) {
    begin(*std::ranges::find(batch, media::Track::video, &media::Packet::track));
    if (movie_.tracks.front().sample_description.empty()) return EINVAL;
    bytes = mp4::make_hybrid_head(movie_);
  }
  Part part = build(batch);
  const mp4::Bytes head = mp4::make_fragment_head(++sequence_, end_ + bytes.size(), part.runs);
  bytes.insert(bytes.end(), head.begin(), head.end());
  bytes.insert(bytes.end(), part.payload.begin(), part.payload.end());
  if (first) {
    if (const int error = file()->create(); error != 0) return error;
  }
  const std::uint64_t before = end_;
  int error = file()->reserve(end_ + bytes.size() + closing_bytes(part));
  if (error == 0) error = put(bytes);
  if (error != 0) {
    file()->truncate(before);
    return error;
  }
  for (const mp4::TrackRun& run : part.runs) {
    auto& samples = samples_[run.track_id - 1];
    samples.insert(samples.end(), run.samples.begin(), run.samples.end());
  }
  count(batch, before, end_);
  return 0;
}

int Mp4Writer::put(const mp4::Bytes& bytes) {
  const int error = file()->write_at(end_, bytes);
  if (error == 0) end_ += bytes.size();
  return error;
}

Mp4Writer::Part Mp4Writer::build(std::span<const media::Packet> batch) {
  Part part;
  for (std::size_t track = 0; track < movie_.tracks.size(); ++track) add_samples(part, track, batch);
  return part;
}

void Mp4Writer::add_samples(Part& part, std::size_t track, std::span<const media::Packet> batch) {
  mp4::TrackRun run;
  run.track_id = movie_.tracks[track].id;
  std::int64_t last_dts = samples_[track].empty() ? -1 : samples_[track].back().dts;
  for (const media::Packet& packet : batch) {
    if ((packet.track == media::Track::video) != (track == kVideo)) continue;
    mp4::Sample sample = sample_of(packet, track, last_dts);
    if (track == kVideo) {
      sample.size = static_cast<std::uint32_t>(
          mp4::append_sample(part.payload, format_.video.codec, packet.payload.bytes(), format_.video.parameter_sets));
    } else {
      const auto bytes = packet.payload.bytes();
      part.payload.insert(part.payload.end(), bytes.begin(), bytes.end());
      sample.size = static_cast<std::uint32_t>(bytes.size());
    }
    last_dts = sample.dts;
    run.samples.push_back(sample);
  }
  if (!run.samples.empty()) part.runs.push_back(std::move(run));
}

mp4::Sample Mp4Writer::sample_of(const media::Packet& packet, std::size_t track, std::int64_t last_dts) {
  const std::int64_t zero = track == kVideo ? video_zero_us_ : record().start_us;
  const std::int64_t dts = media::decode_time_us(packet) - zero;
  mp4::Sample sample;
  sample.dts = std::max(dts, last_dts + 1);  // foreign input may repeat a time
  const std::int64_t composition = track == kAudio ? 0 : packet.pts_us - zero - sample.dts;
  sample.composition = static_cast<std::int32_t>(std::clamp<std::int64_t>(
      composition, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
  sample.duration = to_ticks(nominal_us(track == kVideo ? media::Track::video : media::Track::audio));
  sample.keyframe = packet.keyframe || track == kAudio;
  return sample;
}

/// An upper bound for what the final moov takes behind the data; 0 while it surely fits in front.
std::uint64_t Mp4Writer::closing_bytes(const Part& part) const {
  constexpr std::uint64_t kFixed = 4096;
  constexpr std::uint64_t kPerSample = 4 + 4 + 8 + 8;  // stsz, stss, stts, ctts
  constexpr std::uint64_t kPerRun = 12 + 8;            // stsc, co64
  std::uint64_t samples = 0;
  for (const auto& track : samples_) samples += track.size();
  for (const mp4::TrackRun& run : part.runs) samples += run.samples.size();
  const std::uint64_t moov = kFixed + samples * kPerSample + std::uint64_t{sequence_} * movie_.tracks.size() * kPerRun;
  return moov < mp4::kReserveBytes ? 0 : moov;
}

void Mp4Writer::mark() {
  Writer::mark();
  marked_end_ = end_;
  marked_samples_.clear();
  for (const auto& track : samples_) marked_samples_.push_back(track.size());
}

void Mp4Writer::rollback() {
  Writer::rollback();
  end_ = marked_end_;
  for (std::size_t track = 0; track < samples_.size(); ++track) {
    samples_[track].resize(track < marked_samples_.size() ? marked_samples_[track] : 0);
  }
  if (file()->created()) file()->truncate(end_);  // finish() writes over what stays
}

int Mp4Writer::finish() {
  const mp4::Finish closing = mp4::finish_hybrid(end_, mp4::make_final_moov(movie_, samples_));
  int error = apply(*file(), closing);
  // No room for the header behind the data on a file system that promised none: fragmented it can be played, too.
  if (error == EFBIG) {
    error = file()->truncate(end_);
    if (error == 0) error = file()->sync();
    if (error == 0) count({}, 0, end_);
    return error;
  }
  if (error != 0) return error;
  count({}, 0, closing.size);
  return 0;
}

int apply(File& file, const mp4::Finish& finish) {
  const auto step = [&](const std::vector<mp4::Patch>& patches) {
    for (const mp4::Patch& patch : patches) {
      if (const int error = file.write_at(patch.offset, patch.bytes); error != 0) return error;
    }
    return file.sync();
  };
  if (const int error = step(finish.content); error != 0) return error;
  if (const int error = file.truncate(finish.size); error != 0) return error;
  return step(finish.flip);
}

}  // namespace campipe::record::segment
