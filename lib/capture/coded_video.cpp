#include "capture/coded_video.hpp"

#include "base/log.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/jpeg.hpp"
#include "media/nal.hpp"

namespace campipe::capture {

using media::VideoCodec;

namespace {

constexpr int kEndlessBeforeRepair = 3;

bool is_annex_b(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && bytes[0] == std::byte{0} && bytes[1] == std::byte{0} &&
         (bytes[2] == std::byte{1} || (bytes[2] == std::byte{0} && bytes[3] == std::byte{1}));
}

/// A timing field filled with nonsense is as common as a right one.
bool plausible(Rational rate) {
  return rate && rate.value() >= 0.1 && rate.value() <= 480;
}

}  // namespace

CodedVideo::CodedVideo(media::VideoFormat format, std::span<const std::byte> extradata)
    : format_(std::move(format)), container_rate_(format_.frame_rate) {
  if (format_.codec == VideoCodec::mjpeg || extradata.empty()) return;
  if (is_annex_b(extradata)) {
    learn(format_.codec == VideoCodec::h264 ? media::h264::parameter_sets_of(extradata)
                                            : media::h265::parameter_sets_of(extradata));
  } else if (format_.codec == VideoCodec::h264) {
    if (auto config = media::h264::parse_avcc(extradata)) {
      length_bytes_ = config->length_bytes;
      learn(std::move(config->parameter_sets));
    }
  } else if (auto config = media::h265::parse_hvcc(extradata)) {
    length_bytes_ = config->length_bytes;
    learn(std::move(config->parameter_sets));
  }
}

/// Takes parameter sets over; answers whether they change the format.
bool CodedVideo::learn(std::vector<std::byte> parameter_sets) {
  if (parameter_sets.empty() || parameter_sets == format_.parameter_sets) return false;
  for (const media::Nal nal : media::split_annex_b(parameter_sets)) {
    if (format_.codec == VideoCodec::h264 && media::h264::nal_type(nal) == media::h264::kSps) {
      const auto sps = media::h264::parse_sps(nal);
      if (!sps) return false;
      format_.size = sps->size;
      format_.range = sps->range;
      format_.matrix = sps->matrix;
      format_.frame_rate = plausible(container_rate_) ? container_rate_
                                                      : (plausible(sps->frame_rate) ? sps->frame_rate : Rational{0, 1});
      // Baseline (66) has no B-pictures; others may have 16 where the VUI does not tell.
      reorder_depth_ = sps->max_reorder_frames.value_or(sps->profile_idc == 66 ? 0 : 16);
    } else if (format_.codec == VideoCodec::h265 && media::h265::nal_type(nal) == media::h265::kSps) {
      const auto sps = media::h265::parse_sps(nal);
      if (!sps) return false;
      format_.size = sps->size;
      format_.range = sps->range;
      format_.matrix = sps->matrix;
      format_.frame_rate = plausible(container_rate_) ? container_rate_
                                                      : (plausible(sps->frame_rate) ? sps->frame_rate : Rational{0, 1});
      reorder_depth_ = 16;
    }
  }
  format_.parameter_sets = std::move(parameter_sets);
  told_ = false;
  return true;
}

CodedVideo::Verdict CodedVideo::take(const media::Payload& payload) {
  return format_.codec == VideoCodec::mjpeg ? take_jpeg(payload) : take_nals(payload);
}

CodedVideo::Verdict CodedVideo::take_jpeg(const media::Payload& payload) {
  const auto info = media::jpeg::parse(payload.bytes());
  if (!info || (!told_ && info->size.width_px <= 0)) return Verdict::damaged;
  saw_end_ = saw_end_ || info->complete;
  if (!info->complete) {
    // Cut off on its way; but some cameras never send the end marker, and then every image is like that.
    ++endless_;
    if (saw_end_ || endless_ <= kEndlessBeforeRepair) return Verdict::damaged;
    if (endless_ == kEndlessBeforeRepair + 1)
      log::info("this camera leaves the end marker of its JPEG images out: added");
  }
  auto repaired = media::jpeg::canonical(payload.bytes(), *info, true);
  payload_ = repaired ? media::Payload::from(std::move(*repaired)) : payload;
  keyframe_ = true;
  if (told_ && info->size == format_.size) return Verdict::good;
  format_.size = info->size;
  told_ = true;
  return Verdict::format;
}

CodedVideo::Verdict CodedVideo::take_nals(const media::Payload& payload) {
  const bool is_264 = format_.codec == VideoCodec::h264;
  std::vector<std::byte> converted;
  std::span<const std::byte> unit = payload.bytes();
  if (length_bytes_ > 0) {
    auto annex_b = media::annex_b_from_length_prefixed(unit, length_bytes_);
    if (!annex_b) return Verdict::damaged;
    converted = std::move(*annex_b);
    unit = converted;
  }
  if (!(is_264 ? media::h264::has_slice(unit) : media::h265::has_slice(unit))) {
    // Parameter sets on their own come ahead of a keyframe.
    learn(is_264 ? media::h264::parameter_sets_of(unit) : media::h265::parameter_sets_of(unit));
    return Verdict::waiting;
  }
  keyframe_ = is_264 ? media::h264::has_idr(unit) : media::h265::has_irap(unit);
  if (keyframe_) learn(is_264 ? media::h264::parameter_sets_of(unit) : media::h265::parameter_sets_of(unit));
  if (waiting_ && (!keyframe_ || format_.size.width_px <= 0)) return Verdict::waiting;
  waiting_ = false;
  payload_ = media::Payload::from(is_264 ? media::h264::canonical(unit, format_.parameter_sets)
                                         : media::h265::canonical(unit, format_.parameter_sets));
  if (told_) return Verdict::good;
  told_ = true;
  return Verdict::format;
}

}  // namespace campipe::capture
