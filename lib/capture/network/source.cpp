#include "capture/network/source.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"
#include "capture/source_name.hpp"

namespace campipe::capture::network {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// Servers begin with all since their last keyframe at once. Handed out no faster than this it does not overrun outputs
/// that keep up well enough.
constexpr std::int64_t kLeastGapNs = 4'000'000;

/// libavformat may follow a playlist or a redirection to these protocols and to no others: never from the network to a
/// file.
std::string protocols_for(const std::string& url) {
  if (url.starts_with("rtsp")) return "rtp,udp,tcp,tls,http,https,httpproxy,crypto";
  if (url.starts_with("rtmp")) return "rtmp,rtmps,rtmpt,rtmpts,rtmpe,rtmpte,ffrtmpcrypt,ffrtmphttp,tcp,tls,http,https";
  if (url.starts_with("http")) return "http,https,tls,tcp,httpproxy,crypto,data";
  return "udp,rtp,srt,tcp,tls";
}

void check_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) throw Error(ExitCode::no_input, no_such_source(path));
    throw_errno(errno, path);
  }
  if (S_ISDIR(status.st_mode)) throw Error(ExitCode::no_input, path + ": is a directory: give a file in it");
}

}  // namespace

Source::Source(Options options, Host host, StreamClock clock)
    : options_(std::move(options)), host_(std::move(host)), clock_(std::move(clock)), name_(redact_url(options_.url)) {}

/// Asked by libavformat while it waits.
bool Source::give_up() {
  if (host_.alive) host_.alive();
  return stopping(host_) || monotonic_ns() >= deadline_ns_;
}

ffmpeg::InputOptions Source::input_options() {
  ffmpeg::InputOptions options;
  options.interrupted = [this] { return give_up(); };
  if (!options_.is_network) {
    options.protocols = "file";
    if (options_.bare_rate) options.format_options.emplace_back("framerate", format_rate(options_.bare_rate));
    options.probe_us = 5'000'000;
    options.probe_bytes = 5 << 20;
    return options;
  }
  options.protocols = protocols_for(options_.url);
  if (options_.url.starts_with("rtsp")) {
    options.format_options.emplace_back("rtsp_transport", options_.rtsp_transport);
    options.format_options.emplace_back("allowed_media_types", "video+audio");
    options.format_options.emplace_back("buffer_size", "1048576");
    options.format_options.emplace_back("user_agent", "campipe/" CAMPIPE_VERSION);
  } else if (options_.url.starts_with("http")) {
    options.format_options.emplace_back("user_agent", "campipe/" CAMPIPE_VERSION);
  }
  return options;
}

void Source::open() {
  if (!options_.is_network) check_file(options_.url);
  deadline_ns_ = options_.is_network ? monotonic_ns() + options_.connect_timeout.count() : kNever;
  int error = 0;
  // "file:" keeps a path with a colon from being taken for a URL.
  input_ = ffmpeg::Input::open(options_.is_network ? options_.url : "file:" + options_.url, input_options(), error);
  if (!input_) {
    if (monotonic_ns() >= deadline_ns_) {
      throw Error(ExitCode::unavailable,
                  fmt::format("{}: no answer within {}", name_, format_duration(options_.connect_timeout)));
    }
    const ffmpeg::InputFailure failure = ffmpeg::explain(error, options_.is_network);
    // Bytes that are no RTSP or RTMP are a peer's fault; over HTTP anything may be served, and it is no video.
    const bool speaks_wrong =
        failure.code == ExitCode::bad_data && options_.is_network && !options_.url.starts_with("http");
    throw Error(speaks_wrong ? ExitCode::protocol : failure.code, name_ + ": " + failure.why);
  }
  set_tracks();
  deadline_ns_ = kNever;
  if (live_ && options_.stall_timeout.count() > 0) {
    deadline_ns_ = monotonic_ns() + std::max(2 * options_.stall_timeout.count(), 10 * kSecond);
  }
}

void Source::set_tracks() {
  video_index_ = audio_index_ = -1;
  coded_.reset();
  audio_.reset();
  for (const ffmpeg::InputTrack& track : input_->tracks()) {
    if (track.video) {
      video_index_ = track.index;
      video_ = *track.video;
      // libavformat keeps what it was told for itself until it has looked into the stream.
      if (input_->is_bare() && options_.bare_rate) video_.frame_rate = options_.bare_rate;
      if (video_.codec != media::VideoCodec::raw) coded_.emplace(video_, track.extradata);
    } else if (track.audio) {
      audio_index_ = track.index;
      audio_.emplace(*track.audio, track.extradata);
    }
  }
  if (video_index_ < 0) {
    const std::string codec = input_->unknown_video();  // outlives the input
    input_.reset();
    throw Error(ExitCode::bad_data,
                codec.empty()
                    ? name_ + ": no video in it"
                    : fmt::format("{}: its video is {}: campipe carries h264, h265, mjpeg and raw", name_, codec));
  }
  live_ = options_.is_network && (options_.url.starts_with("rtsp") || !input_->has_length());
  const Rational rate = video_.frame_rate ? video_.frame_rate : Rational{25, 1};
  frame_ns_ = static_cast<std::int64_t>(kSecond / rate.value());
  arrival_ = {};
  video_order_.restart();
  audio_order_.restart();
  packet_ready_ = false;
  damaged_ = before_keyframe_ = 0;
  gap_ = opened_;
  if (!std::exchange(opened_, true)) anchor_ns_ = monotonic_ns();
  if (!coded_) announce();
}

/// Puts the format together; due to be told if it is another than before.
void Source::announce() {
  media::StreamFormat format{.video = coded_ ? coded_->format() : video_, .audio = std::nullopt, .clock = clock_};
  if (audio_) format.audio = audio_->format();
  if (input_->is_bare() && format.video.frame_rate) {
    frame_ns_ = static_cast<std::int64_t>(kSecond / format.video.frame_rate.value());
  }
  if (format_known_ && format == format_) return;
  format_ = std::move(format);
  format_known_ = format_due_ = true;
  log::info("{}: {}", name_, media::describe(format_));
}

Pull Source::lose(std::string why) {
  loss_ = std::move(why);
  return Pull::lost;
}

Pull Source::ended() {
  if (live_) return lose("the server ended the stream");
  if (!options_.loop || round_end_ns_ <= round_ns_) return Pull::end;  // a round without a picture would never end
  round_ns_ = round_end_ns_;
  first_ns_.reset();
  bare_count_ = 0;
  input_.reset();
  open();
  gap_ = false;
  return Pull::packet;
}

Pull Source::after_failure() {
  const ffmpeg::InputFailure failure = ffmpeg::explain(input_->error(), options_.is_network);
  if (live_) return lose(failure.why);
  throw Error(failure.code == ExitCode::bad_data ? ExitCode::bad_data : ExitCode::io_error, name_ + ": " + failure.why);
}

Pull Source::next() {
  for (;;) {
    if (std::exchange(format_due_, false)) return Pull::format;
    if (std::exchange(packet_ready_, false)) return pace() ? Pull::packet : Pull::stopped;
    if (stopping(host_)) return Pull::stopped;
    ffmpeg::InputPacket in;
    if (options_.is_network && !live_ && options_.stall_timeout.count() > 0)
      deadline_ns_ = monotonic_ns() + options_.stall_timeout.count();
    switch (input_->read(in)) {
      case ffmpeg::InputRead::packet:
        packet_ready_ = take(in);
        if (!packet_ready_ && live_ && monotonic_ns() >= deadline_ns_) return lose(why_stalled());
        break;
      case ffmpeg::InputRead::end: {
        const Pull pull = ended();
        if (pull != Pull::packet) return pull;
        break;
      }
      case ffmpeg::InputRead::interrupted:
        if (stopping(host_)) return Pull::stopped;
        if (!live_)
          throw Error(ExitCode::unavailable,
                      fmt::format("{}: no data for {}", name_, format_duration(options_.stall_timeout)));
        return lose(why_stalled());
      case ffmpeg::InputRead::failed:
        return after_failure();
    }
  }
}

bool Source::take(ffmpeg::InputPacket& in) {
  packet_ = {};
  if (in.track == video_index_) return take_video(in);
  return in.track == audio_index_ && format_known_ && take_audio(in);
}

bool Source::take_video(ffmpeg::InputPacket& in) {
  const Times times = live_ ? time_live(in, true) : time_file(in, true);
  if (coded_) {
    const auto verdict = coded_->take(in.payload);
    if (verdict == CodedVideo::Verdict::waiting) {
      ++before_keyframe_;
      return false;
    }
    if (verdict == CodedVideo::Verdict::format) announce();
    if (verdict == CodedVideo::Verdict::damaged || (in.corrupt && format_.video.codec == media::VideoCodec::mjpeg)) {
      return damaged();
    }
    packet_.payload = std::move(coded_->payload());
    packet_.keyframe = coded_->keyframe();
  } else {
    if (in.payload.size() != media::picture_bytes(video_.pixel_format, video_.size)) {
      return damaged();
    }
    packet_.payload = std::move(in.payload);
    packet_.keyframe = true;
  }
  packet_.track = media::Track::video;
  packet_.corrupt = in.corrupt;
  packet_.discontinuity = std::exchange(gap_, false);
  stamp(times, video_order_);
  ++stats_.frames;
  usable();
  return true;
}

/// The stall clock runs on frames that can be used, not on what a server sends.
void Source::usable() {
  damaged_ = before_keyframe_ = 0;
  if (live_ && options_.stall_timeout.count() > 0) deadline_ns_ = monotonic_ns() + options_.stall_timeout.count();
}

std::string Source::why_stalled() const {
  const std::string time = format_duration(options_.stall_timeout);
  if (damaged_ > 0) return fmt::format("no usable frame for {}, {} damaged", time, damaged_);
  if (before_keyframe_ > 0) return fmt::format("no keyframe for {} among {} frames", time, before_keyframe_);
  return fmt::format("no frames for {}", time);
}

bool Source::damaged() {
  log::debug("{}: a damaged picture left out", name_);
  ++stats_.dropped;
  ++damaged_;
  gap_ = true;
  return false;
}

bool Source::take_audio(ffmpeg::InputPacket& in) {
  auto payload = audio_->take(in.payload);
  if (!payload) return false;
  if (format_.audio != audio_->format()) announce();
  if (live_ && !arrival_.known()) return false;
  packet_.track = media::Track::audio;
  packet_.payload = std::move(*payload);
  packet_.keyframe = true;
  stamp(live_ ? time_live(in, false) : time_file(in, false), audio_order_);
  return true;
}

Source::Times Source::time_live(const ffmpeg::InputPacket& in, bool video) {
  const std::int64_t now = monotonic_ns();
  const auto media = in.dts_ns ? in.dts_ns : in.pts_ns;
  if (!media || input_->is_bare()) return {now, now, true};
  if (video && arrival_.arrived(*media, now).jump) gap_ = true;
  return {arrival_.translate(in.pts_ns.value_or(*media)), arrival_.translate(*media), in.dts_ns.has_value()};
}

Source::Times Source::time_file(const ffmpeg::InputPacket& in, bool video) {
  auto media = in.dts_ns ? in.dts_ns : in.pts_ns;
  std::int64_t pts = in.pts_ns.value_or(media.value_or(0));
  bool dts_known = in.dts_ns.has_value();
  if (!media || input_->is_bare()) {
    media = pts = video ? bare_count_++ * frame_ns_ : 0;
    dts_known = true;
  }
  if (!first_ns_) first_ns_ = media;
  const std::int64_t start = anchor_ns_ + round_ns_ - *first_ns_;
  if (video)
    round_end_ns_ =
        std::max(round_end_ns_, round_ns_ + *media - *first_ns_ + (in.duration_ns > 0 ? in.duration_ns : frame_ns_));
  return {pts + start, *media + start, dts_known};
}

void Source::stamp(const Times& times, DecodeOrder& order) {
  due_ns_ = times.dts_ns;
  packet_.pts_us = clock_.pts_us(times.pts_ns);
  const std::int64_t dts_us =
      order.next(packet_.pts_us, times.dts_known ? std::optional(clock_.pts_us(times.dts_ns)) : std::nullopt);
  packet_.pts_us = std::max(packet_.pts_us, dts_us);
  if (dts_us != packet_.pts_us) packet_.dts_us = dts_us;
  if (is_live()) packet_.captured_ns = clock_.captured_ns(packet_.pts_us);
}

/// Holds a file's packet back until its time, and a live one of a burst for a moment; false when a stop comes first.
bool Source::pace() {
  if (live_) {
    if (packet_.track == media::Track::audio) return true;
    const Wake wake = wait(host_, -1, 0, last_out_ns_ + kLeastGapNs);
    last_out_ns_ = monotonic_ns();
    return wake != Wake::stopped;
  }
  return !options_.realtime || wait(host_, -1, 0, due_ns_) != Wake::stopped;
}

}  // namespace campipe::capture::network
