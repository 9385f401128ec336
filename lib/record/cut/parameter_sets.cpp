#include "record/cut/parameter_sets.hpp"

#include <optional>
#include <span>
#include <vector>

#include "media/h264.hpp"
#include "media/h265.hpp"
#include "mp4/sample_entry.hpp"

namespace campipe::record::cut {

namespace {

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

bool parameter_sets_changed(const media::VideoFormat& video, const media::Packet& keyframe) {
  return needs_parameter_sets(video.codec) &&
         !mp4::parameter_sets_known(video.codec, keyframe.payload.bytes(), video.parameter_sets);
}

bool learn_format(media::VideoFormat& video, const media::Packet& keyframe) {
  if (!needs_parameter_sets(video.codec)) return true;
  if (video.parameter_sets.empty() || parameter_sets_changed(video, keyframe)) {
    auto sets = parameter_sets_of(video.codec, keyframe.payload.bytes());
    const auto size = coded_size(video.codec, sets);
    if (size) {
      video.parameter_sets = std::move(sets);
      video.size = *size;
    }
  }
  if (video.size.width_px == 0) video.size = coded_size(video.codec, video.parameter_sets).value_or(Size{});
  return !video.parameter_sets.empty() && video.size.width_px > 0;
}

}  // namespace campipe::record::cut
