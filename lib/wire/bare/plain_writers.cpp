#include "wire/bare/plain_writers.hpp"

#include <array>

#include <fmt/format.h>

#include "base/error.hpp"

namespace campipe::wire::bare {

namespace {

using media::PixelFormat;
using media::VideoCodec;

struct FormatName {
  std::string_view name;
  stream::OutputFormat format;
  VideoCodec codec;        ///< what the stream must carry; nut: anything
  std::string_view needs;  ///< for messages
  std::string_view remedy;
};

constexpr std::array kNames = std::to_array<FormatName>({
    {"nut", stream::OutputFormat::nut, VideoCodec::raw, "", ""},
    {"jpeg", stream::OutputFormat::jpeg, VideoCodec::mjpeg, "MJPEG", "-c mjpeg"},
    {"mjpeg", stream::OutputFormat::mjpeg, VideoCodec::mjpeg, "MJPEG", "-c mjpeg"},
    {"h264", stream::OutputFormat::h264, VideoCodec::h264, "H.264", "-c h264"},
    {"h265", stream::OutputFormat::h265, VideoCodec::h265, "H.265", "--output-format nut"},
    {"y4m", stream::OutputFormat::y4m, VideoCodec::raw, "raw planar YUV", "-c raw"},
    {"rawvideo", stream::OutputFormat::rawvideo, VideoCodec::raw, "raw pictures", "-c raw"},
});

const FormatName& facts(stream::OutputFormat format) noexcept {
  return kNames[static_cast<std::size_t>(format)];
}

[[noreturn]] void refuse(stream::OutputFormat format, const media::VideoFormat& video, std::string_view remedy) {
  std::string what(media::name(video.codec));
  if (video.codec == VideoCodec::raw) what += fmt::format(" {}", media::name(video.pixel_format));
  throw Error(ExitCode::usage, fmt::format("output format {} needs {}, the stream is {}: use {}", facts(format).name,
                                           facts(format).needs, what, remedy));
}

/// Formats that say nothing about their pictures cannot tell that these change.
void refuse_change(const stream::ByteOutput& out, const media::VideoFormat& from, const media::VideoFormat& to,
                   std::string_view name) {
  if (from.size == to.size && from.pixel_format == to.pixel_format) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: the picture changed from {} to {}, and {} cannot say so: use --output-format nut",
                          out.name(), media::describe(from), media::describe(to), name));
}

/// Y4M's name of the chroma format, empty for what it has none for.
std::string_view y4m_chroma(PixelFormat format) noexcept {
  switch (format) {
    case PixelFormat::yuv420p:
      return "420jpeg";
    case PixelFormat::yuv422p:
      return "422";
    case PixelFormat::yuv444p:
      return "444";
    case PixelFormat::gray:
      return "mono";
    default:
      return "";
  }
}

std::string y4m_header(const media::VideoFormat& video) {
  std::string text = fmt::format("YUV4MPEG2 W{} H{} F{}:{} Ip A0:0 C{}", video.size.width_px, video.size.height_px,
                                 video.frame_rate.num, video.frame_rate.den, y4m_chroma(video.pixel_format));
  if (video.range != media::ColourRange::unknown) {
    text += video.range == media::ColourRange::full ? " XCOLORRANGE=FULL" : " XCOLORRANGE=LIMITED";
  }
  return text + "\n";
}

}  // namespace

PlainWriter::PlainWriter(Fd fd, std::string name, stream::OutputFormat format, std::function<void(bool)> blocking)
    : out_(std::move(fd), std::move(name), std::move(blocking)), format_(format) {}

void PlainWriter::set_format(const media::StreamFormat& format) {
  const FormatName& wanted = facts(format_);
  if (format.video.codec != wanted.codec) refuse(format_, format.video, wanted.remedy);
  if (packets_ > 0 && format_ == stream::OutputFormat::rawvideo) refuse_change(out_, video_, format.video, wanted.name);
  if (packets_ == 0) out_.fit_pipe(format.video.codec);
  video_ = format.video;
}

void PlainWriter::write(const media::Packet& packet) {
  if (packet.track != media::Track::video || packet.payload.empty() || complete()) return;
  iovec bytes = stream::part(packet.payload.bytes());
  out_.write(std::span(&bytes, 1));
  ++packets_;
}

Y4mWriter::Y4mWriter(Fd fd, std::string name, std::function<void(bool)> blocking)
    : out_(std::move(fd), std::move(name), std::move(blocking)) {}

void Y4mWriter::set_format(const media::StreamFormat& format) {
  const media::VideoFormat& video = format.video;
  if (video.codec != VideoCodec::raw) refuse(stream::OutputFormat::y4m, video, "-c raw");
  if (y4m_chroma(video.pixel_format).empty()) refuse(stream::OutputFormat::y4m, video, "--output-format rawvideo");
  if (!head_.empty()) {
    refuse_change(out_, video_, video, "y4m");
    return;
  }
  video_ = video;
  head_ = y4m_header(video_) + "FRAME\n";
  out_.fit_pipe(video.codec);
}

void Y4mWriter::write(const media::Packet& packet) {
  if (packet.track != media::Track::video || packet.payload.empty()) return;
  std::array<iovec, 2> parts{stream::part(std::as_bytes(std::span(head_))), stream::part(packet.payload.bytes())};
  out_.write(parts);
  head_ = "FRAME\n";
  ++packets_;
}

std::optional<stream::OutputFormat> output_format_by_name(std::string_view name) noexcept {
  for (const FormatName& entry : kNames) {
    if (entry.name == name) return entry.format;
  }
  return std::nullopt;
}

}  // namespace campipe::wire::bare
