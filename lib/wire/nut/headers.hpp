#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/source_status.hpp"
#include "media/format.hpp"
#include "wire/nut/bytes.hpp"
#include "wire/nut/constants.hpp"

namespace campipe::wire::nut {

/// What a frame code stands for; every field may be overridden in the frame.
struct FrameCode {
  unsigned flags = kInvalid;
  std::uint64_t stream = 0;
  std::uint64_t size_mul = 1;
  std::uint64_t size_lsb = 0;
  std::int64_t pts_delta = 0;
  std::uint64_t reserved_count = 0;
  std::uint64_t header_idx = 0;
};

struct TimeBase {
  std::uint64_t num = 1;
  std::uint64_t den = 1'000'000;
};

struct MainHeader {
  std::uint64_t version = 3;
  std::size_t stream_count = 0;
  std::vector<TimeBase> time_bases;
  std::array<FrameCode, 256> codes;
  std::vector<std::vector<std::byte>> elision{{}};  ///< bytes that frames leave out at their start, by header_idx
  unsigned flags = 0;
  bool ours = false;  ///< frames have campipe's reserved fields
};

struct StreamHeader {
  std::size_t id = 0;
  unsigned kind = 0;  ///< 0 video, 1 audio, 2 subtitles, 3 data
  std::uint32_t tag = 0;
  std::size_t time_base = 0;
  unsigned pts_shift = 0;
  unsigned decode_delay = 0;
  std::vector<std::byte> extradata;
  Size size;
  std::uint64_t colour_space = 0;
  int sample_rate_hz = 0;
  int channels = 0;
};

/// What we know how to use of the info packets.
struct Info {
  struct Stream {
    std::string frame_rate;
    std::string range;
    std::string matrix;
  };
  std::string clock;
  std::string version;
  std::optional<SourceStatus> source;  ///< of the packet that was parsed last, until it is taken
  std::vector<Stream> streams;         ///< by stream id
};

/// Bodies of packets, without start code, forward pointer and checksum. Nothing when they break the format's rules.
std::optional<MainHeader> parse_main(std::span<const std::byte> body);
std::optional<StreamHeader> parse_stream(std::span<const std::byte> body, const MainHeader& main);
/// Takes over what it knows; answers false when the packet is broken.
bool parse_info(std::span<const std::byte> body, Info& info);

/// A tick count on one of the main header's time bases.
struct Timestamp {
  std::uint64_t ticks = 0;
  TimeBase base;
};
/// The global key pts of a syncpoint.
std::optional<Timestamp> parse_syncpoint(std::span<const std::byte> body, const MainHeader& main);

/// A frame's header up to its payload.
struct FrameHead {
  unsigned flags = 0;
  std::size_t stream = 0;
  bool pts_coded = false;
  std::uint64_t coded_pts = 0;
  std::int64_t pts_delta = 0;
  std::size_t size = 0;  ///< payload bytes that follow
  std::size_t header_idx = 0;
  std::size_t reserved_count = 0;
  std::array<std::uint64_t, kFieldCount> reserved{};
  std::size_t bytes = 0;  ///< of this header

  bool keyframe() const noexcept { return (flags & kKey) != 0; }
};
enum class HeadResult { ok, more, bad };
/// `more`: the header is longer than `bytes`.
HeadResult parse_frame_head(std::span<const std::byte> bytes, const MainHeader& main, FrameHead& head);

/// Length of the side and meta data at the start of a payload (version 4, kSideData); nothing when it is broken.
std::optional<std::size_t> side_data_bytes(std::span<const std::byte> payload);

/// An info packet with what the source does. Other readers of NUT pass over its key.
void write_source(ByteWriter& out, const SourceStatus& status);

/// Main, stream and info packets of a stream of ours.
void write_headers(ByteWriter& out, const media::StreamFormat& format, unsigned decode_delay);

}  // namespace campipe::wire::nut
