// Concatenated JPEG images.
#include <algorithm>
#include <array>
#include <cstring>

#include "media/jpeg.hpp"
#include "wire/bare/reader.hpp"
#include "wire/stream/limits.hpp"

namespace campipe::wire::bare {

namespace {

constexpr std::byte kFf{0xFF};
enum Marker : unsigned { kRst0 = 0xD0, kRst7 = 0xD7, kSoi = 0xD8, kEoi = 0xD9, kSos = 0xDA, kTem = 0x01 };

/// Finds the end of one image while it arrives, each byte looked at once (ITU-T T.81, B.1.1): segments are passed by
/// their length, so that a thumbnail's EOI in one of them does not count; entropy-coded data by its markers.
class EndFinder {
public:
  enum class Found {
    more,
    image,   ///< ends at position()
    broken,  ///< no image; position() is where to search on
  };

  /// @param bytes  From SOI on; longer with each call.
  Found look(std::span<const std::byte> bytes) {
    for (;;) {
      const auto found = in_scan_ ? scan(bytes) : segment(bytes);
      if (found) return *found;
    }
  }
  std::size_t position() const noexcept { return position_; }

private:
  std::optional<Found> scan(std::span<const std::byte> bytes) {
    if (position_ + 1 >= bytes.size()) return Found::more;
    const auto* at =
        static_cast<const std::byte*>(std::memchr(bytes.data() + position_, 0xFF, bytes.size() - position_ - 1));
    if (at == nullptr) {
      position_ = bytes.size() - 1;
      return Found::more;
    }
    position_ = static_cast<std::size_t>(at - bytes.data());
    const auto marker = static_cast<unsigned>(bytes[position_ + 1]);
    if (marker == 0xFF) {
      ++position_;  // fill byte
    } else if (marker == 0 || (marker >= kRst0 && marker <= kRst7)) {
      position_ += 2;
    } else {
      in_scan_ = false;
    }
    return std::nullopt;
  }

  /// At a marker, or at fill bytes before it.
  std::optional<Found> segment(std::span<const std::byte> bytes) {
    if (position_ + 2 > bytes.size()) return Found::more;
    const auto marker = static_cast<unsigned>(bytes[position_ + 1]);
    if (bytes[position_] != kFf) return Found::broken;
    if (marker == 0xFF) {
      ++position_;
      return std::nullopt;
    }
    if (marker == kSoi && position_ > 0) return seen_scan_ ? Found::image : Found::broken;  // its EOI is missing
    if (marker == kEoi) {
      position_ += 2;
      return seen_scan_ ? Found::image : Found::broken;
    }
    if (marker == kSoi || marker == kTem || (marker >= kRst0 && marker <= kRst7)) {
      position_ += 2;
      return std::nullopt;
    }
    if (marker == 0) return Found::broken;
    if (position_ + 4 > bytes.size()) return Found::more;
    const std::size_t length =
        static_cast<std::size_t>(bytes[position_ + 2]) << 8 | static_cast<std::size_t>(bytes[position_ + 3]);
    if (length < 2) return Found::broken;
    if (position_ + 2 + length > bytes.size()) return Found::more;
    position_ += 2 + length;
    if (marker == kSos) in_scan_ = seen_scan_ = true;
    return std::nullopt;
  }

  std::size_t position_ = 0;
  bool in_scan_ = false, seen_scan_ = false;
};

class JpegReader final : public Reader {
public:
  using Reader::Reader;

protected:
  Step step() override {
    const auto window = input_->window();
    if (!at_image_) return find_image(window);
    switch (end_.look(window)) {
      case EndFinder::Found::image:
        take(window.first(end_.position()));
        return Step::done;
      case EndFinder::Found::broken:
        give_up(std::max<std::size_t>(end_.position(), 1));
        return Step::done;
      case EndFinder::Found::more:
        break;
    }
    if (window.size() > stream::kMaxFrameBytes) {
      give_up(window.size());
      return Step::done;
    }
    const Step got = more();
    if (got == Step::end) {
      stats_.truncated = true;
      ++stats_.dropped;
    }
    return got;
  }

private:
  /// Passes padding, and whatever else stands between images.
  Step find_image(std::span<const std::byte> window) {
    constexpr std::array kStart{kFf, std::byte{kSoi}, kFf};
    const auto found = std::search(window.begin(), window.end(), kStart.begin(), kStart.end());
    if (found != window.end()) {
      input_->consume(static_cast<std::size_t>(found - window.begin()));
      at_image_ = true;
      end_ = {};
      return Step::done;
    }
    input_->consume(window.size() - std::min(window.size(), kStart.size() - 1));
    return more();
  }

  void give_up(std::size_t bytes) {
    input_->consume(std::min(bytes, input_->window().size()));
    at_image_ = false;
    ++stats_.resyncs;
    lost(1);
  }

  void take(std::span<const std::byte> image) {
    const auto info = media::jpeg::parse(image);
    if (!info) return give_up(image.size());
    media::VideoFormat video;
    video.codec = media::VideoCodec::mjpeg;
    video.size = info->size;
    video.range = media::ColourRange::full;  // JFIF
    video.matrix = media::ColourMatrix::bt601;
    video.frame_rate = options_.assumed_rate;
    tell_format(video);
    auto fixed = media::jpeg::canonical(image, *info, true);
    tell_packet(fixed ? media::Payload::from(std::move(*fixed)) : media::Payload::copy_of(image), true,
                !info->complete);
    input_->consume(image.size());
    at_image_ = false;
  }

  bool at_image_ = false;
  EndFinder end_;
};

}  // namespace

std::unique_ptr<stream::Reader> make_jpeg_reader(std::unique_ptr<stream::ByteInput> input,
                                                 stream::ReadOptions options) {
  return std::make_unique<JpegReader>(std::move(input), std::move(options));
}

}  // namespace campipe::wire::bare
