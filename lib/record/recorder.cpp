#include "record/recorder.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/units.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "mp4/sample_entry.hpp"

namespace campipe::record {

namespace {

constexpr std::int64_t kPartUs = 200'000;
constexpr std::int64_t kPartNs = kPartUs * 1000;
constexpr std::size_t kPartBytes = 16U << 20;
constexpr std::int64_t kRetryNs = 1'000'000'000;
constexpr std::int64_t kTellAgainNs = 60 * kRetryNs;
constexpr std::int64_t kBackwardsUs = 1'000'000;    // less is a source's jitter, more a clock that was set
constexpr std::int64_t kGapUs = 10'000'000;         // longer ends the segment, unless all distances are so long
constexpr std::int64_t kLongestUs = 3'600'000'000;  // an MP4 duration holds 71 minutes at 1 MHz
constexpr std::int64_t kLateAudioUs = 1'000'000;
constexpr std::uint64_t kMostFrames = 1'000'000;  // bounds the tables in memory
constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 30;

bool no_space(int error) noexcept {
  return error == ENOSPC || error == EDQUOT;
}

bool needs_parameter_sets(media::VideoCodec codec) noexcept {
  return codec == media::VideoCodec::h264 || codec == media::VideoCodec::h265;
}

/// Size of the picture from the parameter sets.
std::optional<Size> coded_size(media::VideoCodec codec, std::span<const std::byte> sets) {
  for (const media::Nal nal : media::split_annex_b(sets)) {
    if (codec == media::VideoCodec::h264 && media::h264::nal_type(nal) == media::h264::kSps) {
      if (const auto sps = media::h264::parse_sps(nal)) return sps->size;
    }
    if (codec == media::VideoCodec::h265 && media::h265::nal_type(nal) == media::h265::kSps) {
      if (const auto sps = media::h265::parse_sps(nal)) return sps->size;
    }
  }
  return std::nullopt;
}

std::vector<std::byte> parameter_sets_of(media::VideoCodec codec, std::span<const std::byte> access_unit) {
  return codec == media::VideoCodec::h264 ? media::h264::parameter_sets_of(access_unit)
                                          : media::h265::parameter_sets_of(access_unit);
}

}  // namespace

void Recorder::set_format(const media::StreamFormat& format) {
  const bool same = has_format_ && format_.audio == format.audio &&
                    (format_.video.same_stream(format.video) ||
                     (format.video.parameter_sets.empty() && format_.video.codec == format.video.codec &&
                      format_.video.size == format.video.size));
  has_format_ = true;
  if (same) {
    format_.clock = format.clock;
    return;
  }
  cut("format", 0);
  end_previous(0);
  format_ = format;
}

void Recorder::add(media::Packet packet, std::int64_t now_ns) {
  if (!has_format_) return;
  if (packet.track == media::Track::video) {
    add_video(std::move(packet), now_ns);
  } else if (format_.audio) {
    add_audio(std::move(packet), now_ns);
  }
}

void Recorder::add_video(media::Packet packet, std::int64_t now_ns) {
  const std::string reason = reason_to_cut(packet);
  if (!reason.empty()) cut(reason, now_ns);
  const std::int64_t dts = media::decode_time_us(packet);
  if (last_dts_us_) last_distance_us_ = dts - *last_dts_us_;
  last_dts_us_ = dts;
  if (!current_.writer && !open_segment(packet, now_ns)) return;
  if (previous_.writer && packet.pts_us > current_.start_us + kLateAudioUs) end_previous(now_ns);
  append(current_, std::move(packet), now_ns);
}

void Recorder::add_audio(media::Packet packet, std::int64_t now_ns) {
  if (previous_.writer && packet.pts_us < current_.start_us) return append(previous_, std::move(packet), now_ns);
  if (previous_.writer) end_previous(now_ns);
  if (current_.writer && packet.pts_us >= current_.start_us) append(current_, std::move(packet), now_ns);
}

std::string Recorder::reason_to_cut(const media::Packet& packet) {
  if (!current_.writer) return {};
  const std::int64_t distance = last_dts_us_ ? media::decode_time_us(packet) - *last_dts_us_ : 0;
  if (distance < -kBackwardsUs) return "clock";
  if (distance > kLongestUs) return "gap";
  if (distance > kGapUs && distance > 3 * last_distance_us_) cut_at_keyframe_ = "gap";
  if (current_.writer->file()->sync_error() != 0) cut_at_keyframe_ = "sync-error";
  if (!packet.keyframe) return {};
  if (!cut_at_keyframe_.empty()) return std::exchange(cut_at_keyframe_, {});
  if (parameter_sets_changed(packet)) return "format";
  const segment::SegmentRecord& record = current_.writer->record();
  const bool full = record.frames >= kMostFrames || record.bytes >= kMostBytes;
  return full || packet.pts_us - current_.start_us >= options_.segment.count() ? "length" : "";
}

bool Recorder::parameter_sets_changed(const media::Packet& packet) const {
  return needs_parameter_sets(format_.video.codec) &&
         !mp4::parameter_sets_known(format_.video.codec, packet.payload.bytes(), format_.video.parameter_sets);
}

/// Takes new parameter sets over from a keyframe. Answers whether the format is complete.
bool Recorder::learn_format(const media::Packet& packet) {
  media::VideoFormat& video = format_.video;
  if (!needs_parameter_sets(video.codec)) return true;
  if (video.parameter_sets.empty() || parameter_sets_changed(packet)) {
    auto sets = parameter_sets_of(video.codec, packet.payload.bytes());
    const auto size = coded_size(video.codec, sets);
    if (size) {
      video.parameter_sets = std::move(sets);
      video.size = *size;
    }
  }
  if (video.size.width_px == 0) video.size = coded_size(video.codec, video.parameter_sets).value_or(Size{});
  return !video.parameter_sets.empty() && video.size.width_px > 0;
}

bool Recorder::open_segment(const media::Packet& first, std::int64_t now_ns) {
  if (!first.keyframe || !learn_format(first)) {
    drop(first, "no keyframe");
    return false;
  }
  if (now_ns < retry_at_ns_) {
    drop(first, "disk");
    return false;
  }
  current_ = Open{};
  current_.writer = store_.open(format_, first.pts_us);
  current_.start_us = first.pts_us;
  cut_at_keyframe_.clear();
  if (current_.writer) return true;
  retry_at_ns_ = now_ns + kRetryNs;
  drop(first, "disk");
  return false;
}

void Recorder::append(Open& segment, media::Packet packet, std::int64_t now_ns) {
  // A part that would get longer goes out first, so that each begins within 200 ms of the one before.
  if (!segment.batch.empty() && packet.track == media::Track::video) {
    const std::int64_t length = media::decode_time_us(packet) - media::decode_time_us(segment.batch.front());
    if ((length >= kPartUs || length < 0 || segment.batch_bytes >= kPartBytes) && !flush(segment, now_ns)) {
      return drop(packet, "disk");
    }
  }
  segment.batch_bytes += packet.payload.size();
  segment.batch.push_back(std::move(packet));
  if (!deadline_ns_) deadline_ns_ = now_ns + kPartNs;
}

bool Recorder::flush(Open& segment, std::int64_t now_ns) {
  if (!segment.writer || segment.batch.empty()) return true;
  const bool first = !segment.writer->has_frames();
  const std::vector<media::Packet> batch = std::exchange(segment.batch, {});
  segment.batch_bytes = 0;
  const auto pictures =
      static_cast<std::uint64_t>(std::ranges::count(batch, media::Track::video, &media::Packet::track));
  if (const int error = segment.writer->write(batch); error != 0) {
    for (const media::Packet& packet : batch) drop(packet, no_space(error) ? "disk full" : "write error");
    failed(segment, error, now_ns);
    return false;
  }
  if (first) {
    store_.opened(*segment.writer);
    if (failing_ != 0) log::info("recording again");
    failing_ = 0;
  }
  const auto picture = std::ranges::find(batch, media::Track::video, &media::Packet::track);
  if (picture != batch.end() && gap_ && picture->pts_us >= gap_->from_us) end_gap(picture->pts_us);
  counts_.written += pictures;
  return true;
}

void Recorder::failed(Open& segment, int error, std::int64_t now_ns) {
  constexpr std::int64_t kWanted = 16 << 20;
  counts_.last_error = error;
  retry_at_ns_ = now_ns + kRetryNs;
  if (error != failing_ || now_ns - told_at_ns_ > kTellAgainNs) {
    log::warning("{}: {}: frames are dropped until it can be written", segment.writer->file()->path(),
                 errno_text(error));
    failing_ = error;
    told_at_ns_ = now_ns;
  }
  close(segment, no_space(error) ? "disk full" : "write error");
  if (no_space(error)) store_.want_space(kWanted);
}

void Recorder::tick(std::int64_t now_ns) {
  if (!deadline_ns_ || now_ns < *deadline_ns_) return;
  deadline_ns_.reset();
  flush(previous_, now_ns);
  flush(current_, now_ns);
}

void Recorder::cut(const std::string& reason, std::int64_t now_ns) {
  if (!current_.writer || !flush(current_, now_ns)) return;
  end_previous(now_ns);
  if (!format_.audio || reason != "length") return close(current_, reason);
  current_.writer->set_end_reason(reason);
  previous_ = std::exchange(current_, {});
}

void Recorder::end_previous(std::int64_t now_ns) {
  if (!previous_.writer || !flush(previous_, now_ns)) return;
  close(previous_, previous_.writer->record().end_reason);
}

void Recorder::close(Open& segment, const std::string& reason) {
  segment.writer->set_end_reason(reason);
  store_.close(std::exchange(segment, {}).writer);
}

void Recorder::lost(std::uint64_t frames, std::int64_t from_us) {
  counts_.dropped += frames;
  if (!gap_) gap_ = segment::GapRecord{.from_us = from_us, .to_us = from_us, .frames = 0, .reason = "slow disk"};
  gap_->frames += frames;
}

void Recorder::drop(const media::Packet& packet, const std::string& reason) {
  if (packet.track != media::Track::video) return;
  ++counts_.dropped;
  if (!gap_) gap_ = segment::GapRecord{.from_us = packet.pts_us, .to_us = packet.pts_us, .frames = 0, .reason = reason};
  ++gap_->frames;
}

void Recorder::end_gap(std::int64_t at_us) {
  if (!gap_) return;
  gap_->to_us = at_us;
  // Before the first picture of all there is nothing that a gap would be in.
  if (counts_.written > 0 && gap_->frames > 0) {
    log::warning(
        "{} frames lost ({}), {} without a recording", gap_->frames, gap_->reason,
        format_duration(std::chrono::milliseconds(std::max<std::int64_t>(0, (gap_->to_us - gap_->from_us) / 1000))));
    store_.gap(*gap_);
  }
  gap_.reset();
}

void Recorder::finish(std::int64_t now_ns) {
  if (flush(previous_, now_ns) && previous_.writer) close(previous_, previous_.writer->record().end_reason);
  if (flush(current_, now_ns) && current_.writer) close(current_, "stop");
}

}  // namespace campipe::record
