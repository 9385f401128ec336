#include "wire/nut/layout.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "wire/nut/tags.hpp"

namespace campipe::wire::nut {

namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::VideoCodec;

ColourRange range_of(const StreamHeader& header, const std::string& told) {
  for (const ColourRange range : {ColourRange::limited, ColourRange::full}) {
    if (told == media::name(range)) return range;
  }
  if (header.colour_space == 1 || header.colour_space == 2) return ColourRange::limited;
  if (header.colour_space == 17 || header.colour_space == 18) return ColourRange::full;
  return ColourRange::unknown;
}

ColourMatrix matrix_of(const StreamHeader& header, const std::string& told) {
  for (const ColourMatrix matrix : {ColourMatrix::bt601, ColourMatrix::bt709, ColourMatrix::bt2020}) {
    if (told == media::name(matrix)) return matrix;
  }
  if (header.colour_space == 1 || header.colour_space == 17) return ColourMatrix::bt601;
  if (header.colour_space == 2 || header.colour_space == 18) return ColourMatrix::bt709;
  return ColourMatrix::unknown;
}

/// avcC and hvcC begin with their version, 1; Annex B with a zero.
bool is_length_prefixed(const StreamHeader& header) {
  return header.extradata.size() > 6 && header.extradata[0] == std::byte{1};
}

void take_parameter_sets(const StreamHeader& header, Layout& layout, const std::string& name) {
  media::VideoFormat& video = layout.format.video;
  const auto wrong = [&] {
    return Error(ExitCode::bad_data, name + ": the decoder configuration in its header is broken");
  };
  if (video.codec == VideoCodec::h264) {
    if (!is_length_prefixed(header)) {
      video.parameter_sets = media::h264::parameter_sets_of(header.extradata);
    } else {
      auto config = media::h264::parse_avcc(header.extradata);
      if (!config) throw wrong();
      video.parameter_sets = std::move(config->parameter_sets);
      layout.nal_length_bytes = config->length_bytes;
    }
  } else if (video.codec == VideoCodec::h265) {
    if (!is_length_prefixed(header)) {
      video.parameter_sets = media::h265::parameter_sets_of(header.extradata);
    } else {
      auto config = media::h265::parse_hvcc(header.extradata);
      if (!config) throw wrong();
      video.parameter_sets = std::move(config->parameter_sets);
      layout.nal_length_bytes = config->length_bytes;
    }
  }
}

void take_video(const HeaderGroup& group, const StreamHeader& header, Layout& layout, const std::string& name) {
  const auto kind = video_kind(header.tag);
  if (!kind) {
    throw Error(ExitCode::bad_data, name + ": its video has the codec tag " + tag_text(header.tag) +
                                        ": campipe takes H.264, H.265, MJPEG and the raw formats of campipe-stream(5)");
  }
  media::VideoFormat& video = layout.format.video;
  video.codec = kind->codec;
  video.pixel_format = kind->pixel_format;
  video.size = header.size;
  if (video.codec == VideoCodec::raw && media::picture_bytes(video.pixel_format, video.size) == 0) {
    throw Error(ExitCode::bad_data, name + ": its raw video has no size");
  }
  const Info::Stream facts = header.id < group.info.streams.size() ? group.info.streams[header.id] : Info::Stream{};
  video.range = range_of(header, facts.range);
  video.matrix = matrix_of(header, facts.matrix);
  if (const auto rate = parse_frame_rate(facts.frame_rate)) video.frame_rate = *rate;
  take_parameter_sets(header, layout, name);
}

}  // namespace

bool HeaderGroup::complete() const {
  return !streams.empty() && std::ranges::all_of(streams, [](const auto& stream) { return stream.has_value(); });
}

Layout make_layout(const HeaderGroup& group, const std::string& name) {
  Layout layout;
  layout.main = group.main;
  for (const auto& stream : group.streams) layout.streams.push_back(*stream);
  const auto first_of = [&](unsigned kind) {
    return std::ranges::find_if(layout.streams, [&](const StreamHeader& stream) { return stream.kind == kind; });
  };
  const auto video = first_of(0);
  if (video == layout.streams.end()) throw Error(ExitCode::bad_data, name + ": the stream has no video track");
  layout.video = video->id;
  take_video(group, *video, layout, name);
  if (const auto audio = first_of(1); audio != layout.streams.end()) {
    if (const auto codec = audio_kind(audio->tag)) {
      layout.audio = audio->id;
      layout.format.audio = media::AudioFormat{*codec, audio->sample_rate_hz, audio->channels, audio->extradata};
    } else {
      log::warning("{}: audio with the codec tag {} is left out", name, tag_text(audio->tag));
    }
  }
  StreamClock clock;
  if (group.main.ours && clock.parse(group.info.clock)) layout.format.clock = clock;
  return layout;
}

}  // namespace campipe::wire::nut
