#include "jpeg/decoder.hpp"

#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <turbojpeg.h>

#include "base/error.hpp"

namespace campipe::jpeg {

namespace {

using media::PixelFormat;

constexpr int kMaxSide = 16384;
constexpr std::int64_t kMaxPixels = 64 << 20;
/// A block of 64 samples takes at least one bit in one scan: fewer bytes than this cannot hold the picture, and a
/// forged size in a short file costs no memory.
constexpr std::int64_t kMaxPixelsPerByte = 1024;

struct Sampling {
  PixelFormat format;
  int mcu_width, mcu_height;  ///< luma samples that share a chroma sample
};

std::optional<Sampling> sampling_of(int subsampling) noexcept {
  switch (subsampling) {
    case TJSAMP_420:
      return Sampling{PixelFormat::yuv420p, 2, 2};
    case TJSAMP_422:
      return Sampling{PixelFormat::yuv422p, 2, 1};
    case TJSAMP_444:
      return Sampling{PixelFormat::yuv444p, 1, 1};
    case TJSAMP_GRAY:
      return Sampling{PixelFormat::gray, 1, 1};
    default:
      return std::nullopt;
  }
}

int rounded_up(int value, int to) noexcept {
  return (value + to - 1) / to * to;
}

/// Cameras often put stray bytes before a marker; the picture is whole all the same.
bool harmless(std::string_view warning) noexcept {
  return warning.find("extraneous bytes") != std::string_view::npos;
}

}  // namespace

struct Decoder::State {
  struct Header {
    Size size;
    int subsampling = 0;
    int colourspace = 0;
  };

  Expected<Header, std::string> read_header(std::span<const std::byte> image);
  Expected<media::Picture, std::string> by_planes(std::span<const std::byte> image, const Header& header,
                                                  Sampling sampling);
  Expected<media::Picture, std::string> by_rgb(std::span<const std::byte> image, const Header& header);
  std::optional<std::string> failure(int result) const;
  void use_pool_for(Size size);
  void open();

  tjhandle handle = nullptr;
  Size pool_size;
  std::optional<media::BufferPool> pool;
};

Decoder::Decoder() : state_(std::make_unique<State>()) {
  state_->open();
}

void Decoder::State::open() {
  tjDestroy(handle);
  handle = tjInitDecompress();
  if (handle == nullptr)
    throw Error(ExitCode::os_error, fmt::format("cannot make a JPEG decoder: {}", tjGetErrorStr2(nullptr)));
}

Decoder::~Decoder() {
  tjDestroy(state_->handle);
}

Expected<media::Picture, std::string> Decoder::decode(std::span<const std::byte> image) {
  const auto header = state_->read_header(image);
  if (!header) {
    state_->open();  // TurboJPEG 2.1 stays inside a header that it could not read: "two SOI markers" for ever after
    return Unexpected<std::string>(header.error());
  }
  state_->use_pool_for(header->size);
  const auto sampling = sampling_of(header->subsampling);
  auto picture = sampling ? state_->by_planes(image, *header, *sampling) : state_->by_rgb(image, *header);
  if (!picture) state_->open();
  return picture;
}

Expected<Decoder::State::Header, std::string> Decoder::State::read_header(std::span<const std::byte> image) {
  const auto refuse = [](std::string why) { return Unexpected<std::string>(std::move(why)); };
  Header header;
  const auto* data = reinterpret_cast<const unsigned char*>(image.data());
  int& width = header.size.width_px;
  int& height = header.size.height_px;
  if (image.size() < 4 ||
      tjDecompressHeader3(handle, data, image.size(), &width, &height, &header.subsampling, &header.colourspace) != 0) {
    return refuse(image.size() < 4 ? "too short for a JPEG" : tjGetErrorStr2(handle));
  }
  const std::int64_t pixels = std::int64_t{width} * height;
  if (width <= 0 || height <= 0 || width > kMaxSide || height > kMaxSide || pixels > kMaxPixels) {
    return refuse(fmt::format("{}x{} is over the limit of 16384 a side and 64 Mpx", width, height));
  }
  if (pixels > static_cast<std::int64_t>(image.size()) * kMaxPixelsPerByte) {
    return refuse(fmt::format("{} bytes cannot hold {}x{}", image.size(), width, height));
  }
  if (header.colourspace != TJCS_YCbCr && header.colourspace != TJCS_GRAY) return refuse("neither YCbCr nor grey");
  return header;
}

/// A pool keeps the biggest buffers it ever gave out; another size starts anew.
void Decoder::State::use_pool_for(Size size) {
  if (pool && pool_size == size) return;
  pool.emplace();
  pool_size = size;
}

std::optional<std::string> Decoder::State::failure(int result) const {
  if (result == 0) return std::nullopt;
  std::string text = tjGetErrorStr2(handle);
  if (tjGetErrorCode(handle) == TJERR_WARNING && harmless(text)) return std::nullopt;
  return text;
}

Expected<media::Picture, std::string> Decoder::State::by_planes(std::span<const std::byte> image, const Header& header,
                                                                Sampling sampling) {
  const Size padded{rounded_up(header.size.width_px, sampling.mcu_width),
                    rounded_up(header.size.height_px, sampling.mcu_height)};
  media::Canvas canvas = media::make_canvas(*pool, sampling.format, header.size, 1, padded);
  std::array<unsigned char*, 3> planes{};
  std::array<int, 3> strides{};
  for (std::size_t p = 0; p < planes.size(); ++p) {
    planes[p] = reinterpret_cast<unsigned char*>(canvas.plane[p]);
    strides[p] = canvas.picture.stride_bytes[p];
  }
  const int result =
      tjDecompressToYUVPlanes(handle, reinterpret_cast<const unsigned char*>(image.data()), image.size(), planes.data(),
                              header.size.width_px, strides.data(), header.size.height_px, TJFLAG_LIMITSCANS);
  if (auto why = failure(result)) return Unexpected<std::string>(std::move(*why));
  canvas.picture.range = media::ColourRange::full;
  canvas.picture.matrix = media::ColourMatrix::bt601;
  return std::move(canvas).done();
}

/// 4:4:0 and 4:1:1, which no webcam of today sends and no plane format of ours has.
Expected<media::Picture, std::string> Decoder::State::by_rgb(std::span<const std::byte> image, const Header& header) {
  media::Canvas canvas = media::make_canvas(*pool, PixelFormat::rgb24, header.size);
  const int result = tjDecompress2(handle, reinterpret_cast<const unsigned char*>(image.data()), image.size(),
                                   reinterpret_cast<unsigned char*>(canvas.plane[0]), header.size.width_px, 0,
                                   header.size.height_px, TJPF_RGB, TJFLAG_LIMITSCANS);
  if (auto why = failure(result)) return Unexpected<std::string>(std::move(*why));
  canvas.picture.range = media::ColourRange::full;
  return std::move(canvas).done();
}

}  // namespace campipe::jpeg
