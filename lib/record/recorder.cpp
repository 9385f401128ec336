#include "record/recorder.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/units.hpp"
#include "record/cut/parameter_sets.hpp"

namespace campipe::record {

namespace {

constexpr std::int64_t kPartNs = cut::OpenSegment::kPartUs * 1000;
constexpr std::int64_t kBackwardsUs = 1'000'000;    // less is a source's jitter, more a clock that was set
constexpr std::int64_t kGapUs = 10'000'000;         // longer ends the segment, unless all distances are so long
constexpr std::int64_t kLongestUs = 3'600'000'000;  // an MP4 duration holds 71 minutes at 1 MHz
constexpr std::int64_t kLateAudioUs = 1'000'000;
constexpr std::uint64_t kMostFrames = 1'000'000;  // bounds the tables in memory
constexpr std::uint64_t kMostBytes = std::uint64_t{64} << 30;

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
  if (held_until_ns_) {  // of the old format: another file may take it now, and none later
    resume(0);
    cut("format", 0);
    give_up_waiting();
  }
  keyframes_.reset();
  format_ = format;
}

void Recorder::add(media::Packet packet, std::int64_t now_ns) {
  if (!has_format_) return;
  if (held_until_ns_) {
    held_.push_back(std::move(packet));
  } else if (packet.track == media::Track::video) {
    add_video(std::move(packet), now_ns);
  } else if (format_.audio) {
    add_audio(std::move(packet), now_ns);
  }
}

void Recorder::add_video(media::Packet packet, std::int64_t now_ns) {
  keyframes_.note(packet);
  const std::string reason = reason_to_cut(packet);
  if (!reason.empty()) cut(reason, now_ns);
  if (held_until_ns_) return held_.push_back(std::move(packet));  // the cut could not write what waited
  const std::int64_t dts = media::decode_time_us(packet);
  if (last_dts_us_) last_distance_us_ = dts - *last_dts_us_;
  last_dts_us_ = dts;
  last_pts_us_ = packet.pts_us;
  if (!current_ && !open_segment(packet, now_ns)) return;
  if (previous_ && packet.pts_us > current_.start_us() + kLateAudioUs) end_previous(now_ns);
  append(current_, std::move(packet), now_ns);
}

void Recorder::add_audio(media::Packet packet, std::int64_t now_ns) {
  if (previous_ && packet.pts_us < current_.start_us()) return append(previous_, std::move(packet), now_ns);
  if (previous_) end_previous(now_ns);
  if (current_ && packet.pts_us >= current_.start_us()) append(current_, std::move(packet), now_ns);
}

std::string Recorder::reason_to_cut(const media::Packet& packet) {
  if (!current_) return {};
  const std::int64_t distance = last_dts_us_ ? media::decode_time_us(packet) - *last_dts_us_ : 0;
  if (distance < -kBackwardsUs) return "clock";
  if (distance > kLongestUs) return "gap";
  if (distance > kGapUs && distance > 3 * last_distance_us_) cut_at_keyframe_ = "gap";
  if (current_.writer().file()->sync_error() != 0) cut_at_keyframe_ = "sync-error";
  if (!packet.keyframe) return {};
  if (!cut_at_keyframe_.empty()) return std::exchange(cut_at_keyframe_, {});
  if (cut::parameter_sets_changed(format_.video, packet)) return "format";
  const segment::SegmentRecord& record = current_.writer().record();
  const bool full = record.frames >= kMostFrames || record.bytes >= kMostBytes;
  return full || packet.pts_us - current_.start_us() >= options_.segment.count() ? "length" : "";
}

/// Leaves `first` alone when it answers true.
bool Recorder::open_segment(media::Packet& first, std::int64_t now_ns) {
  if (!first.keyframe || !cut::learn_format(format_.video, first)) {
    if (written_ == 0 && losses_.lost() == 0) {
      losses_.skip();
    } else {
      losses_.lose(1, first.pts_us, lost_reason_.empty() ? "no keyframe" : lost_reason_);
    }
    return false;
  }
  if (now_ns < retry_at_ns_) {
    losses_.lose(1, first.pts_us, lost_reason_);
    return false;
  }
  current_ = {store_.open(format_, first.pts_us), first.pts_us};
  cut_at_keyframe_.clear();
  if (current_) return true;
  lost_reason_ = "slow disk";
  std::vector<media::Packet> packets;
  packets.push_back(std::move(first));
  hold(std::move(packets), now_ns, now_ns);  // the store has waited for a second
  held_by_backlog_ = true;
  return false;
}

void Recorder::append(cut::OpenSegment& segment, media::Packet packet, std::int64_t now_ns) {
  if (segment.due_before(packet) && !flush(segment, now_ns)) {
    if (held_until_ns_) return held_.push_back(std::move(packet));
    return lose({std::move(packet)}, lost_reason_);
  }
  segment.add(std::move(packet));
  if (!deadline_ns_) deadline_ns_ = now_ns + kPartNs;
}

bool Recorder::flush(cut::OpenSegment& segment, std::int64_t now_ns) {
  if (!segment || segment.batch().empty()) return true;
  const bool first = !segment.writer().has_frames();
  const std::uint64_t before = segment.writer().record().frames;
  const auto picture = std::ranges::find(segment.batch(), media::Track::video, &media::Packet::track);
  std::optional<std::int64_t> picture_us;
  if (picture != segment.batch().end()) picture_us = picture->pts_us;
  if (const int error = segment.write(); error != 0) {
    failed(segment, error, now_ns);
    return false;
  }
  written_ += segment.writer().record().frames - before;
  wrote(segment.writer(), first, picture_us);
  return true;
}

void Recorder::wrote(const segment::Writer& segment, bool first, std::optional<std::int64_t> picture_us) {
  if (first) store_.opened(segment);
  if (first && told_error_ != 0) log::info("recording again");
  if (first && losses_.skipped() > 0 && written_ <= segment.record().frames) {
    log::info("{} frames in front of the first keyframe are left out", losses_.skipped());
  }
  if (first) told_error_ = 0;
  failing_since_ns_.reset();
  lost_reason_.clear();
  if (picture_us) end_gap(*picture_us);
}

void Recorder::tick(std::int64_t now_ns) {
  if (now_ns >= look_at_ns_) look_after_files(now_ns);
  if (!deadline_ns_ || now_ns < *deadline_ns_) return;
  deadline_ns_.reset();
  flush(previous_, now_ns);
  flush(current_, now_ns);
}

void Recorder::cut(const std::string& reason, std::int64_t now_ns) {
  if (!current_ || !flush(current_, now_ns)) return;
  end_previous(now_ns);
  if (!format_.audio || reason != "length") return close(current_, reason);
  current_.writer().set_end_reason(reason);
  previous_ = std::exchange(current_, {});
}

void Recorder::end_previous(std::int64_t now_ns) {
  if (!previous_ || !flush(previous_, now_ns)) return;
  close(previous_, previous_.writer().record().end_reason);
}

void Recorder::close(cut::OpenSegment& segment, const std::string& reason) {
  segment.writer().set_end_reason(reason);
  store_.close(segment.release());
}

void Recorder::lost(std::uint64_t frames, std::int64_t from_us) {
  losses_.lose(frames, from_us, "slow disk");
  last_pts_us_ = std::max(last_pts_us_, from_us);
}

void Recorder::lose(const std::vector<media::Packet>& packets, const std::string& reason) {
  const auto picture = std::ranges::find(packets, media::Track::video, &media::Packet::track);
  if (picture == packets.end()) return;
  last_pts_us_ = std::max(last_pts_us_, packets.back().pts_us);
  losses_.lose(cut::OpenSegment::pictures_in(packets), picture->pts_us, reason);
}

void Recorder::end_gap(std::int64_t at_us) {
  const auto gap = losses_.end(at_us);
  if (!gap) return;
  log::warning("{} frames lost ({}), {} without a recording", gap->frames, gap->reason,
               format_duration(std::chrono::milliseconds((gap->to_us - gap->from_us) / 1000)));
  store_.gap(*gap);
}

void Recorder::finish(std::int64_t now_ns) {
  end_previous(now_ns);
  if (flush(current_, now_ns) && current_) close(current_, "stop");
  give_up_waiting();
  // Also where the stream's clock went back after the gap began.
  if (losses_.open()) end_gap(std::max(last_pts_us_, losses_.from_us()));
}

}  // namespace campipe::record
