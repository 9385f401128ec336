#include "codec/pipeline.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::codec {

namespace {

constexpr std::size_t kMostEarlyAudio = 256;  // about 5 s of AAC

bool stands_alone(media::VideoCodec codec) noexcept {
  return codec == media::VideoCodec::mjpeg || codec == media::VideoCodec::raw;
}

}  // namespace

Pipeline::Pipeline(Settings settings, Output output) : settings_(std::move(settings)), output_(std::move(output)) {}

void Pipeline::set_format(const media::StreamFormat& format) {
  const bool same_video =
      announced_ && format.video.same_stream(source_.video) && format.video.frame_rate == source_.video.frame_rate;
  if (!same_video) drain();
  source_ = format;
  if (same_video) {  // only the audio or the clock is new
    announce(way_ == Way::transcode ? encoder_->format() : source_.video);
    return;
  }
  way_ = way_for(format.video, settings_);
  grid_.reset();
  const Rational source_rate = format.video.frame_rate;
  if (settings_.rate && way_ != Way::pass && !(rate_out() == source_rate)) grid_.emplace(*settings_.rate, source_rate);
  if (settings_.rate && source_rate && settings_.rate->value() > source_rate.value() * 1.0001) {
    log::info("-r {}: the source has {} fps and no frame is shown twice: it stays at that",
              format_rate(*settings_.rate), format_rate(source_rate));
  }
  way_ == Way::transcode ? start_transcoding() : start_passing();
}

/// What comes out after -r; 0/1 when unknown.
Rational Pipeline::rate_out() const {
  const Rational source = source_.video.frame_rate;
  if (!settings_.rate) return source;
  return source && settings_.rate->value() >= source.value() ? source : *settings_.rate;
}

void Pipeline::start_passing() {
  decoder_.reset();
  encoder_.reset();
  if (way_ == Way::thin && !stands_alone(source_.video.codec)) {
    throw Error(ExitCode::usage,
                fmt::format("-c copy cannot change the rate of {}, whose frames need each other: use -c h264",
                            media::name(source_.video.codec)));
  }
  log::info("passing {} through{}", media::describe(source_.video),
            way_ == Way::thin ? fmt::format(", thinned out to {} fps", format_rate(*settings_.rate))
                              : std::string(": it is as asked"));
  media::VideoFormat video = source_.video;
  video.frame_rate = rate_out();
  announce(video);
}

void Pipeline::start_transcoding() {
  decoder_ = make_decoder(source_.video, settings_.threads > 0 ? settings_.threads : 1);
  encoder_.reset();  // made for the first picture, whose size and colours only the decoder knows
}

void Pipeline::push(media::Packet packet) {
  if (packet.track == media::Track::audio) return push_audio(std::move(packet));
  ++stats_.frames_in;
  // What stands alone need not be decoded to be left out.
  const bool first = stands_alone(source_.video.codec);
  if ((first || way_ == Way::pass) && gone_out(packet)) return;
  if (way_ == Way::pass) return emit(packet);
  if (way_ == Way::thin) {
    if (!thinned_out(packet)) emit(packet);
    return;
  }
  if (first && thinned_out(packet)) return;
  const auto complaint = decoder_->decode(std::move(packet), frames_);
  if (complaint) complain(*complaint);
  for (Frame& frame : std::exchange(frames_, {})) {
    if (!first && (gone_out(frame.about) || thinned_out(frame.about))) continue;
    encode(std::move(frame));
  }
}

bool Pipeline::force_keyframe() noexcept {
  if (way_ != Way::transcode) return false;
  if (encoder_) encoder_->force_keyframe();  // a new one begins with a keyframe anyway
  return true;
}

void Pipeline::finish() {
  drain();
}

void Pipeline::drain() {
  if (!decoder_) return;
  decoder_->flush(frames_);
  for (Frame& frame : std::exchange(frames_, {})) {
    if (!gone_out(frame.about) && !thinned_out(frame.about)) encode(std::move(frame));
  }
}

/// Whether another camenc has written it before us.
bool Pipeline::gone_out(const media::Packet& packet) {
  constexpr std::int64_t kMostUs = 60'000'000;
  if (!resume_after_us_) return false;
  const std::int64_t ahead = *resume_after_us_ - packet.pts_us;
  const bool joins = way_ != Way::pass || packet.keyframe;
  if (ahead > kMostUs || (ahead < 0 && joins)) resume_after_us_.reset();
  return resume_after_us_.has_value();
}

/// Whether -r leaves the frame out; a discontinuity before it is then one before the next.
bool Pipeline::thinned_out(media::Packet& packet) {
  if (!grid_ || grid_->take(packet.pts_us)) return false;
  ++stats_.thinned;
  discontinuity_ = discontinuity_ || packet.discontinuity;
  return true;
}

void Pipeline::encode(Frame frame) {
  prepare_encoder(frame.picture);
  frame.picture = shaper_.shape(frame.picture, encoder_->shape());
  emit(encoder_->encode(frame));
}

void Pipeline::prepare_encoder(const media::Picture& picture) {
  const Kind kind{picture.size, picture.format, picture.range, picture.matrix};
  if (encoder_ && kind == kind_) return;
  encoder_ = make_encoder(settings_, picture, source_.video, rate_out());
  kind_ = kind;
  const std::string what = fmt::format("{} to {}", media::describe(source_.video), media::describe(encoder_->format()));
  if (const auto line = changes_.about(what, monotonic_ns())) log::info("{}", *line);
  announce(encoder_->format());
}

void Pipeline::announce(const media::VideoFormat& video) {
  media::StreamFormat format = source_;
  format.video = video;
  output_.format(format);
  announced_ = true;
  for (const media::Packet& packet : std::exchange(early_audio_, {})) output_.packet(packet);
}

void Pipeline::push_audio(media::Packet packet) {
  if (resume_after_us_) return;
  if (announced_) return output_.packet(packet);
  if (early_audio_.size() == kMostEarlyAudio) early_audio_.pop_front();
  early_audio_.push_back(std::move(packet));
}

void Pipeline::emit(const media::Packet& packet) {
  ++stats_.frames_out;
  const bool flag = std::exchange(discontinuity_, false) && !packet.discontinuity;
  const bool renumber = stats_.thinned > 0 && packet.sequence;
  if (!flag && !renumber) return output_.packet(packet);
  media::Packet changed = packet;
  if (flag) changed.discontinuity = true;
  // What was left out on purpose is no gap; what was lost before us still is.
  if (renumber) changed.sequence = *packet.sequence - std::min(*packet.sequence, stats_.thinned);
  output_.packet(changed);
}

void Pipeline::complain(const std::string& why) {
  ++stats_.broken;
  discontinuity_ = true;
  last_complaint_ = why;
  if (const auto line = complaints_.about(why, monotonic_ns()))
    log::warning("frame {} left out: {}", stats_.frames_in, *line);
}

}  // namespace campipe::codec
