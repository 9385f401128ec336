#pragma once
#include <optional>

#include "capture/pattern/picture.hpp"
#include "capture/source.hpp"
#include "media/payload.hpp"

namespace campipe::capture::pattern {

/// The built-in live camera: pictures of Picture at absolute deadlines of CLOCK_MONOTONIC, number 0 first. The
/// number is the packet's sequence and the counter drawn. Late by at most a second it catches up; by more it skips
/// pictures, counts them and flags the next one.
class Source : public capture::Source {
public:
  struct Options {
    Size size{1280, 720};
    Rational rate{30, 1};
    media::PixelFormat pixel_format = media::PixelFormat::yuv420p;
  };

  /// Throws Error(unavailable) for a size under 32x32 or a pixel format that Canvas cannot draw.
  Source(Options options, Host host, StreamClock clock);

  void open() override;
  Pull next() override;
  void close() noexcept override {}
  const media::StreamFormat& format() const override { return format_; }
  media::Packet& packet() override { return packet_; }
  const std::string& loss() const override { return name_; }
  const std::string& name() const override { return name_; }
  bool is_live() const override { return true; }
  SourceStats stats() const override { return stats_; }
  void draw_in(media::BufferSource source) override { pool_.set_source(std::move(source)); }

private:
  std::int64_t deadline_ns(std::uint64_t number) const noexcept;
  void skip_what_is_late();

  Options options_;
  Host host_;
  StreamClock clock_;
  Picture picture_;
  std::string name_ = "pattern";
  media::StreamFormat format_;
  media::Packet packet_;
  media::BufferPool pool_;
  SourceStats stats_;
  std::optional<std::int64_t> start_ns_;
  std::uint64_t number_ = 0;
  bool format_told_ = false;
  bool skipped_ = false;
};

}  // namespace campipe::capture::pattern
