// Raw pictures one after the other: Y4M, and nothing but pictures.
#include <array>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "wire/bare/reader.hpp"
#include "wire/nut/payload_reader.hpp"

namespace campipe::wire::bare {

namespace {

using media::PixelFormat;

/// Reads pictures of a known size.
class PictureReader : public Reader {
protected:
  using Reader::Reader;

  void set_picture(const media::VideoFormat& video) {
    picture_bytes_ = media::picture_bytes(video.pixel_format, video.size);
    tell_format(video);
  }

  Step picture() {
    nut::PayloadReader::Want want;
    want.size = picture_bytes_;
    want.pooled = true;
    media::Payload payload;
    switch (payloads_.read(*input_, want, payload)) {
      case nut::PayloadReader::Result::complete:
        tell_packet(std::move(payload), true);
        return Step::done;
      case nut::PayloadReader::Result::stopped:
        return Step::stopped;
      default:
        break;
    }
    stats_.truncated = true;
    ++stats_.dropped;
    return Step::end;
  }

private:
  nut::PayloadReader payloads_;
  std::size_t picture_bytes_ = 0;
};

class RawReader final : public PictureReader {
public:
  RawReader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options, media::VideoFormat video)
      : PictureReader(std::move(input), std::move(options)), video_(std::move(video)) {}

protected:
  Step step() override {
    if (!has_format()) {
      set_picture(video_);
      return Step::done;
    }
    if (input_->window().empty()) {
      const Step got = more();
      if (got != Step::done) return got;
    }
    return picture();
  }

private:
  media::VideoFormat video_;
};

/// YUV4MPEG2 (yuv4mpeg(5) of mjpegtools): a line of parameters, then "FRAME" lines, each with a picture behind it.
class Y4mReader final : public PictureReader {
public:
  using PictureReader::PictureReader;

protected:
  Step step() override {
    constexpr std::size_t kMaxLine = 4096;
    const auto window = input_->window();
    const std::string_view text(reinterpret_cast<const char*>(window.data()), window.size());
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      if (text.size() > kMaxLine) throw broken("a line without an end");
      const Step got = more();
      if (got == Step::end && !text.empty()) stats_.truncated = true;
      return got;
    }
    const std::string line(text.substr(0, end));
    input_->consume(end + 1);
    if (line.starts_with("YUV4MPEG2 ")) {
      set_picture(parse_header(line));
      return Step::done;
    }
    if (!has_format()) throw broken("no YUV4MPEG2 header at its start");
    if (line != "FRAME" && !line.starts_with("FRAME ")) throw broken("no FRAME where a picture should begin");
    return picture();
  }

private:
  Error broken(const std::string& what) const {
    return {ExitCode::bad_data, input_->name() + ": damaged Y4M: " + what};
  }

  PixelFormat chroma(std::string_view name) const {
    struct Chroma {
      std::string_view name;
      PixelFormat format;
    };
    constexpr std::array kNames = std::to_array<Chroma>({{"420", PixelFormat::yuv420p},
                                                         {"420jpeg", PixelFormat::yuv420p},
                                                         {"420mpeg2", PixelFormat::yuv420p},
                                                         {"420paldv", PixelFormat::yuv420p},
                                                         {"422", PixelFormat::yuv422p},
                                                         {"444", PixelFormat::yuv444p},
                                                         {"mono", PixelFormat::gray}});
    for (const Chroma& entry : kNames) {
      if (entry.name == name) return entry.format;
    }
    throw Error(ExitCode::bad_data, input_->name() + ": Y4M with the colour space " + std::string(name) +
                                        ": campipe takes 420, 422, 444 and mono of 8 bits");
  }

  media::VideoFormat parse_header(const std::string& line) const {
    media::VideoFormat video;
    video.pixel_format = PixelFormat::yuv420p;
    std::string width;
    std::string height;
    for (std::size_t at = line.find(' '); at != std::string::npos; at = line.find(' ', at + 1)) {
      const std::string word = line.substr(at + 1, line.find(' ', at + 1) - at - 1);
      if (word.empty()) continue;
      const std::string value = word.substr(1);
      if (word[0] == 'W') width = value;
      if (word[0] == 'H') height = value;
      if (word[0] == 'C') video.pixel_format = chroma(value);
      if (word[0] == 'F') set_rate(video, value);
      if (word == "XCOLORRANGE=FULL") video.range = media::ColourRange::full;
      if (word == "XCOLORRANGE=LIMITED") video.range = media::ColourRange::limited;
    }
    const auto size = parse_size(width + "x" + height);
    if (!size) throw broken("a picture of " + width + "x" + height);
    video.size = *size;
    return video;
  }

  static void set_rate(media::VideoFormat& video, std::string value) {
    if (const std::size_t colon = value.find(':'); colon != std::string::npos) value[colon] = '/';
    if (const auto rate = parse_frame_rate(value)) video.frame_rate = *rate;  // 0:0 is unknown
  }
};

}  // namespace

media::VideoFormat parse_raw_format(const std::string& text, Rational assumed_rate) {
  const auto wrong = [&](const std::string& what) {
    return Error(ExitCode::usage, "--input-format " + text + ": " + what +
                                      ": give rawvideo:PIXFMT:WxH@FPS, as in rawvideo:bgr24:640x480@30");
  };
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  if (second == std::string::npos) throw wrong("pixel format or size is missing");
  const std::string pixels = text.substr(first + 1, second - first - 1);
  const std::string rest = text.substr(second + 1);
  const std::size_t at = rest.find('@');
  media::VideoFormat video;
  const auto format = media::pixel_format_by_name(pixels);
  if (!format) throw wrong("no pixel format is called '" + pixels + "'");
  video.pixel_format = *format;
  const auto size = parse_size(rest.substr(0, at));
  if (!size) throw wrong("'" + rest.substr(0, at) + "' is no size");
  video.size = *size;
  video.frame_rate = assumed_rate;
  if (at != std::string::npos) {
    const auto rate = parse_frame_rate(rest.substr(at + 1));
    if (!rate) throw wrong("'" + rest.substr(at + 1) + "' is no frame rate");
    video.frame_rate = *rate;
  }
  return video;
}

std::unique_ptr<stream::Reader> make_raw_reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options,
                                                media::VideoFormat video) {
  return std::make_unique<RawReader>(std::move(input), std::move(options), std::move(video));
}

std::unique_ptr<stream::Reader> make_y4m_reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options) {
  return std::make_unique<Y4mReader>(std::move(input), std::move(options));
}

}  // namespace campipe::wire::bare
