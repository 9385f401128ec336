#include "codec/decoder.hpp"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "ffmpeg/decoder.hpp"
#include "jpeg/decoder.hpp"

namespace campipe::codec {

namespace {

media::Packet without_payload(media::Packet packet) {
  packet.payload = {};
  return packet;
}

class RawDecoder : public Decoder {
public:
  explicit RawDecoder(media::VideoFormat format) : format_(std::move(format)) {}

  std::optional<std::string> decode(media::Packet packet, std::vector<Frame>& out) override {
    auto picture = media::picture_of(packet.payload, format_);
    if (!picture) {
      return fmt::format("{} bytes are no {} picture of {}x{}", packet.payload.size(),
                         media::name(format_.pixel_format), format_.size.width_px, format_.size.height_px);
    }
    out.push_back({without_payload(std::move(packet)), *std::move(picture)});
    return std::nullopt;
  }
  void flush(std::vector<Frame>&) override {}

private:
  media::VideoFormat format_;
};

class JpegDecoder : public Decoder {
public:
  std::optional<std::string> decode(media::Packet packet, std::vector<Frame>& out) override {
    auto picture = decoder_.decode(packet.payload.bytes());
    if (!picture) return picture.error();
    out.push_back({without_payload(std::move(packet)), *std::move(picture)});
    return std::nullopt;
  }
  void flush(std::vector<Frame>&) override {}

private:
  jpeg::Decoder decoder_;
};

/// H.264 and H.265: pictures may come later than their packets and in another order.
class StreamDecoder : public Decoder {
public:
  StreamDecoder(const media::VideoFormat& format, int threads)
      : decoder_(format.codec, format.parameter_sets, threads) {}

  std::optional<std::string> decode(media::Packet packet, std::vector<Frame>& out) override {
    if (!started_ && !packet.keyframe && ++before_keyframe_ <= kPatience) return std::nullopt;
    started_ = true;
    const media::Payload payload = packet.payload;
    remember(++id_, without_payload(std::move(packet)));
    const bool taken = decoder_.push(payload.bytes(), id_, pictures_);
    const std::size_t before = out.size();
    hand_out(out);
    if (taken) return silence(out.size() - before);
    return "damaged access unit";
  }

  void flush(std::vector<Frame>& out) override {
    decoder_.flush(pictures_);
    hand_out(out);
  }

private:
  /// A stream that refreshes in strips has no keyframes: after that many packets the decoder may see what it can make
  /// of it.
  static constexpr int kPatience = 250;
  static constexpr std::size_t kMostInFlight =
      64;  ///< more than any reordering; what got no picture by then never will

  struct Waiting {
    std::int64_t id;
    media::Packet about;
  };

  void remember(std::int64_t id, media::Packet about) {
    if (waiting_.size() == kMostInFlight) waiting_.pop_front();
    waiting_.push_back({id, std::move(about)});
  }

  void hand_out(std::vector<Frame>& out) {
    for (ffmpeg::DecodedPicture& decoded : pictures_) {
      const auto it = std::ranges::find(waiting_, decoded.id, &Waiting::id);
      if (it == waiting_.end()) continue;
      Frame frame{std::move(it->about), std::move(decoded.picture)};
      frame.about.corrupt = frame.about.corrupt || decoded.damaged;
      frame.about.dts_us.reset();  // in the order they are shown
      waiting_.erase(it);
      out.push_back(std::move(frame));
    }
    pictures_.clear();
  }

  std::optional<std::string> silence(std::size_t pictures) {
    silent_ = pictures > 0 ? 0 : silent_ + 1;
    if (silent_ == 0 || silent_ % kPatience != 0) return std::nullopt;
    return fmt::format("no picture out of the last {} access units", silent_);
  }

  ffmpeg::VideoDecoder decoder_;
  std::vector<ffmpeg::DecodedPicture> pictures_;
  std::deque<Waiting> waiting_;
  std::int64_t id_ = 0;
  int before_keyframe_ = 0;
  int silent_ = 0;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(const media::VideoFormat& format, int threads) {
  switch (format.codec) {
    case media::VideoCodec::raw:
      return std::make_unique<RawDecoder>(format);
    case media::VideoCodec::mjpeg:
      return std::make_unique<JpegDecoder>();
    default:
      return std::make_unique<StreamDecoder>(format, threads);
  }
}

}  // namespace campipe::codec
