// CPU time per picture of each step camenc is made of, one thread, at 1080p and 720p:
//   cmake --preset bench && cmake --build build/bench --target codec_bench && build/bench/bin/codec_bench
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/log.hpp"
#include "codec/convert.hpp"
#include "codec/recolour.hpp"
#include "codec/shaper.hpp"
#include "ffmpeg/decoder.hpp"
#include "ffmpeg/error.hpp"
#include "ffmpeg/h264_encoder.hpp"
#include "ffmpeg/scaler.hpp"
#include "jpeg/decoder.hpp"
#include "jpeg/encoder.hpp"

namespace campipe {
namespace {

using media::ColourMatrix;
using media::ColourRange;
using media::PixelFormat;

constexpr int kScenes = 30;

/// A second of a scene with texture, sensor noise and a pan, so that neither encoder has it easy.
std::vector<media::Picture> scenes(Size size, ColourRange range = ColourRange::full) {
  static media::BufferPool pool(0);
  const auto [width, height] = size;
  std::vector<std::uint8_t> texture(static_cast<std::size_t>(width + kScenes * 4) * static_cast<std::size_t>(height));
  std::minstd_rand random(1);
  for (std::size_t i = 0; i < texture.size(); ++i) {
    const double x = static_cast<double>(i % static_cast<std::size_t>(width + kScenes * 4));
    const double y = static_cast<double>(i) / (width + kScenes * 4);
    texture[i] = static_cast<std::uint8_t>(
        std::lround(110 + 50 * std::sin(x / 31) * std::cos(y / 23) + 25 * std::sin(x * y / 9000)));
  }
  std::vector<media::Picture> result;
  for (int n = 0; n < kScenes; ++n) {
    auto canvas = media::make_canvas(pool, PixelFormat::yuv420p, size, 64);
    for (int y = 0; y < height; ++y) {
      std::byte* row = canvas.plane[0] + std::ptrdiff_t{y} * canvas.picture.stride_bytes[0];
      for (int x = 0; x < width; ++x) {
        const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(width + kScenes * 4) +
                        static_cast<std::size_t>(x + 4 * n);
        row[x] = static_cast<std::byte>(texture[at] + random() % 4);
      }
    }
    for (const std::size_t p : {1UL, 2UL}) {
      for (int y = 0; y < height / 2; ++y) {
        std::byte* row = canvas.plane[p] + std::ptrdiff_t{y} * canvas.picture.stride_bytes[p];
        for (int x = 0; x < width / 2; ++x)
          row[x] = static_cast<std::byte>(118 + (x + n * 2) * 20 / width + y * 20 / height);
      }
    }
    canvas.picture.range = range;
    canvas.picture.matrix = ColourMatrix::bt601;
    result.push_back(std::move(canvas).done());
  }
  return result;
}

Size size_of(const benchmark::State& state) {
  return state.range(0) == 1080 ? Size{1920, 1080} : Size{1280, 720};
}

void jpeg_encode(benchmark::State& state) {
  const auto pictures = scenes(size_of(state));
  jpeg::Encoder encoder(static_cast<int>(state.range(1)));
  std::size_t n = 0, bytes = 0;
  for (auto _ : state) bytes += encoder.encode(pictures[n++ % kScenes]).size();
  state.counters["kB"] = static_cast<double>(bytes) / 1000 / static_cast<double>(n);
}
BENCHMARK(jpeg_encode)->ArgNames({"p", "q"})->ArgsProduct({{1080, 720}, {60, 80, 92}})->Unit(benchmark::kMillisecond);

void jpeg_decode(benchmark::State& state) {
  const auto pictures = scenes(size_of(state));
  jpeg::Encoder encoder(80);
  std::vector<media::Payload> images;
  for (const auto& picture : pictures) images.push_back(encoder.encode(picture));
  jpeg::Decoder decoder;
  std::size_t n = 0;
  for (auto _ : state) benchmark::DoNotOptimize(decoder.decode(images[n++ % kScenes].bytes()));
}
BENCHMARK(jpeg_decode)->ArgName("p")->Arg(1080)->Arg(720)->Unit(benchmark::kMillisecond);

ffmpeg::H264Encoder::Settings h264_settings(Size size, const char* preset, int threads) {
  return {.size = size,
          .frame_rate = {30, 1},
          .bitrate = size.height_px == 1080 ? 6'200'000 : 2'800'000,
          .preset = preset,
          .threads = threads};
}

void h264_encode(benchmark::State& state) {
  constexpr const char* kPresets[] = {"ultrafast", "superfast", "veryfast"};
  const auto pictures = scenes(size_of(state), ColourRange::limited);
  ffmpeg::H264Encoder encoder(
      h264_settings(size_of(state), kPresets[state.range(1)], static_cast<int>(state.range(2))));
  std::size_t n = 0, bytes = 0;
  for (auto _ : state) {
    bytes += encoder.encode(pictures[n % kScenes], n % kScenes == 0).bytes.size();
    ++n;
  }
  state.SetLabel(kPresets[state.range(1)]);
  state.counters["kB"] = static_cast<double>(bytes) / 1000 / static_cast<double>(n);
}
BENCHMARK(h264_encode)
    ->ArgNames({"p", "preset", "threads"})
    ->ArgsProduct({{1080, 720}, {0, 1, 2}, {1, 2}})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void h264_decode(benchmark::State& state) {
  const auto pictures = scenes(size_of(state), ColourRange::limited);
  ffmpeg::H264Encoder encoder(h264_settings(size_of(state), "superfast", 1));
  std::vector<std::vector<std::byte>> units;
  for (const auto& picture : pictures) {
    const auto unit = encoder.encode(picture, units.empty());
    units.emplace_back(unit.bytes.begin(), unit.bytes.end());
  }
  ffmpeg::VideoDecoder decoder(media::VideoCodec::h264, encoder.parameter_sets(), 1);
  std::vector<ffmpeg::DecodedPicture> out;
  std::int64_t n = 0;
  for (auto _ : state) {
    out.clear();
    decoder.push(units[static_cast<std::size_t>(n % kScenes)], n, out);
    ++n;
  }
}
BENCHMARK(h264_decode)->ArgName("p")->Arg(1080)->Arg(720)->Unit(benchmark::kMillisecond);

void to_planes(benchmark::State& state) {
  constexpr PixelFormat kFrom[] = {PixelFormat::yuyv422, PixelFormat::uyvy422, PixelFormat::nv12,
                                   PixelFormat::nv21,    PixelFormat::yuv422p, PixelFormat::rgb24,
                                   PixelFormat::bgr24,   PixelFormat::bgra,    PixelFormat::gray};
  const PixelFormat format = kFrom[state.range(1)];
  ffmpeg::Scaler scaler;
  const auto source = scaler.scale(scenes(size_of(state))[0], size_of(state), format);
  media::BufferPool pool;
  for (auto _ : state) benchmark::DoNotOptimize(codec::to_yuv420p(source, ColourRange::full, pool));
  state.SetLabel(std::string(media::name(format)));
}
BENCHMARK(to_planes)
    ->ArgNames({"p", "format"})
    ->ArgsProduct({{1080, 720}, {0, 1, 2, 3, 4, 5, 6, 7, 8}})
    ->Unit(benchmark::kMillisecond);

void from_planes(benchmark::State& state) {
  constexpr PixelFormat kTo[] = {PixelFormat::bgr24, PixelFormat::rgb24, PixelFormat::bgra, PixelFormat::nv12};
  const auto source = scenes(size_of(state))[0];
  media::BufferPool pool;
  for (auto _ : state) benchmark::DoNotOptimize(codec::from_yuv420p(source, kTo[state.range(1)], pool));
  state.SetLabel(std::string(media::name(kTo[state.range(1)])));
}
BENCHMARK(from_planes)
    ->ArgNames({"p", "format"})
    ->ArgsProduct({{1080, 720}, {0, 1, 2, 3}})
    ->Unit(benchmark::kMillisecond);

void change_range(benchmark::State& state) {
  const auto source = scenes(size_of(state), state.range(1) == 0 ? ColourRange::full : ColourRange::limited)[0];
  media::BufferPool pool;
  const auto to = state.range(1) == 0 ? ColourRange::limited : ColourRange::full;
  for (auto _ : state) benchmark::DoNotOptimize(codec::recoloured(source, to, ColourMatrix::bt601, pool));
  state.SetLabel(state.range(1) == 0 ? "full to limited" : "limited to full");
}
BENCHMARK(change_range)->ArgNames({"p", "way"})->ArgsProduct({{1080, 720}, {0, 1}})->Unit(benchmark::kMillisecond);

void change_matrix(benchmark::State& state) {
  auto source = scenes(size_of(state), ColourRange::limited)[0];
  source.matrix = ColourMatrix::bt709;
  media::BufferPool pool;
  for (auto _ : state)
    benchmark::DoNotOptimize(codec::recoloured(source, ColourRange::full, ColourMatrix::bt601, pool));
  state.SetLabel("limited BT.709 to full BT.601");
}
BENCHMARK(change_matrix)->ArgName("p")->Arg(1080)->Arg(720)->Unit(benchmark::kMillisecond);

void scale(benchmark::State& state) {
  const auto source = scenes({1920, 1080})[0];
  ffmpeg::Scaler scaler;
  const int height = static_cast<int>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(scaler.scale(source, {height * 16 / 9, height}, PixelFormat::yuv420p));
  state.SetLabel("from 1080p");
}
BENCHMARK(scale)->ArgName("p")->Arg(720)->Arg(540)->Arg(360)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace campipe

int main(int argc, char** argv) {
  campipe::log::init({.tool = "codec_bench", .level = campipe::log::Level::error});
  campipe::ffmpeg::route_log();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
