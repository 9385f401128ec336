#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "wire/nut/bytes.hpp"
#include "wire/nut/reorder_depth.hpp"
#include "wire/stream/byte_output.hpp"
#include "wire/stream/writer.hpp"

namespace campipe::wire::nut {

/// Where the last keyframe of one track began, for the back pointers of syncpoints: readers that seek go there.
class KeyPosition {
public:
  void keyframe(std::int64_t pts_us, std::uint64_t position) noexcept;
  /// The place of the last keyframe that is to be shown at or before `key_pts_us`; nothing before the first.
  std::optional<std::uint64_t> at(std::int64_t key_pts_us) noexcept;

private:
  struct Place {
    std::int64_t pts_us;
    std::uint64_t position;
  };
  std::optional<std::uint64_t> reached_;
  std::optional<Place> ahead_;  // with B-frames a keyframe is sent before its pts
};

/// NUT version 3 as campipe-stream(5) describes it.
class Writer final : public stream::Writer {
public:
  Writer(Fd fd, std::string name, std::function<void(bool)> blocking);

  void set_format(const media::StreamFormat& format) override;
  void write(const media::Packet& packet) override;
  void set_source(const SourceStatus& status) override;
  void abandon() noexcept override { out_.abandon(); }
  std::uint64_t packets() const override { return packets_; }
  std::uint64_t bytes() const override { return out_.bytes(); }

private:
  void add_headers(const media::Packet& packet);
  void add_syncpoint(const media::Packet& packet);
  void add_frame_head(const media::Packet& packet);
  std::uint64_t capture_field(const media::Packet& packet) const noexcept;

  stream::ByteOutput out_;
  media::StreamFormat format_;
  nut::ByteWriter head_;             // all that goes before the next payload
  std::array<KeyPosition, 2> keys_;  // by track
  ReorderDepth depth_;
  std::optional<SourceStatus> source_due_;  ///< was told before the stream began
  bool headers_due_ = false;
  bool started_ = false;
  std::int64_t headers_at_us_ = 0;  // pts of the keyframe that the newest headers stand before
  std::int64_t key_pts_us_ = 0;     // newest decoding time over both tracks
  std::uint64_t packets_ = 0;
};

}  // namespace campipe::wire::nut
