#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/stream/byte_output.hpp"
#include "wire/stream/writer.hpp"

namespace campipe::wire::bare {

/// Nothing when --output-format knows no such name.
std::optional<stream::OutputFormat> output_format_by_name(std::string_view name) noexcept;

/// Video payloads one after the other and nothing else: mjpeg, h264, h265, rawvideo, and jpeg (one, then complete).
class PlainWriter final : public stream::Writer {
public:
  PlainWriter(Fd fd, std::string name, stream::OutputFormat format, std::function<void(bool)> blocking);

  void set_format(const media::StreamFormat& format) override;
  void write(const media::Packet& packet) override;
  bool complete() const override { return format_ == stream::OutputFormat::jpeg && packets_ > 0; }
  void abandon() noexcept override { out_.abandon(); }
  std::uint64_t packets() const override { return packets_; }
  std::uint64_t bytes() const override { return out_.bytes(); }

private:
  stream::ByteOutput out_;
  stream::OutputFormat format_;
  media::VideoFormat video_;
  std::uint64_t packets_ = 0;
};

/// YUV4MPEG2: planar 8-bit YUV and gray. Its header stands at the start only, so the picture must not change.
class Y4mWriter final : public stream::Writer {
public:
  Y4mWriter(Fd fd, std::string name, std::function<void(bool)> blocking);

  void set_format(const media::StreamFormat& format) override;
  void write(const media::Packet& packet) override;
  void abandon() noexcept override { out_.abandon(); }
  std::uint64_t packets() const override { return packets_; }
  std::uint64_t bytes() const override { return out_.bytes(); }

private:
  stream::ByteOutput out_;
  media::VideoFormat video_;
  std::string head_;  // what stands before the next picture
  std::uint64_t packets_ = 0;
};

}  // namespace campipe::wire::bare
