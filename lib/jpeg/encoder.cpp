#include "jpeg/encoder.hpp"

#include <array>
#include <optional>

#include <fmt/format.h>
#include <turbojpeg.h>

#include "base/error.hpp"

namespace campipe::jpeg {

namespace {

int subsampling_of(media::PixelFormat format) {
  switch (format) {
    case media::PixelFormat::yuv420p:
      return TJSAMP_420;
    case media::PixelFormat::yuv422p:
      return TJSAMP_422;
    case media::PixelFormat::yuv444p:
      return TJSAMP_444;
    case media::PixelFormat::gray:
      return TJSAMP_GRAY;
    default:
      throw Error(ExitCode::internal, fmt::format("JPEG encoder fed with {}", media::name(format)));
  }
}

}  // namespace

struct Encoder::State {
  tjhandle handle = nullptr;
  int quality = 0;
  Size pool_size;
  std::optional<media::BufferPool> pool;
};

Encoder::Encoder(int quality) : state_(std::make_unique<State>()) {
  state_->quality = quality;
  state_->handle = tjInitCompress();
  if (state_->handle == nullptr)
    throw Error(ExitCode::os_error, fmt::format("cannot make a JPEG encoder: {}", tjGetErrorStr2(nullptr)));
}

Encoder::~Encoder() {
  tjDestroy(state_->handle);
}

media::Payload Encoder::encode(const media::Picture& picture) {
  const int subsampling = subsampling_of(picture.format);
  const auto [width, height] = picture.size;
  if (!state_->pool || state_->pool_size != picture.size) {
    state_->pool.emplace();
    state_->pool_size = picture.size;
  }
  // Room for the worst case; pages that no image ever reached cost nothing.
  const auto buffer = state_->pool->get(tjBufSize(width, height, subsampling));
  std::array<const unsigned char*, 3> planes{};
  for (std::size_t p = 0; p < planes.size(); ++p) planes[p] = reinterpret_cast<const unsigned char*>(picture.plane[p]);
  auto* out = reinterpret_cast<unsigned char*>(buffer->data());
  unsigned long size = buffer->size();
  if (tjCompressFromYUVPlanes(state_->handle, planes.data(), width, picture.stride_bytes.data(), height, subsampling,
                              &out, &size, state_->quality, TJFLAG_NOREALLOC) != 0) {
    throw Error(ExitCode::internal,
                fmt::format("cannot encode {}x{} as JPEG: {}", width, height, tjGetErrorStr2(state_->handle)));
  }
  buffer->resize(size);
  return media::BufferPool::seal(buffer);
}

}  // namespace campipe::jpeg
