#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "media/format.hpp"
#include "media/payload.hpp"

namespace campipe::rtp {

/// Largest RTP payload in bytes, RTP header excluded: with the 12 bytes of it, 8 of UDP and 40 of IPv6 an Ethernet
/// frame of 1500 bytes is full, so that no packet is ever fragmented there.
inline constexpr std::size_t kDefaultMaxPayload = 1440;
/// What packetizers refuse to go below: no payload header leaves room for data.
inline constexpr std::size_t kLeastMaxPayload = 64;

/// Why an access unit cannot become RTP payloads.
enum class RtpError {
  empty,              ///< no bytes, no NAL unit
  too_large,          ///< longer than the payload format can say
  not_jpeg,           ///< markers or lengths are wrong
  jpeg_over_2040_px,  ///< RFC 2435 counts 8-pixel blocks in one byte
  jpeg_not_baseline,  ///< progressive, arithmetic, 12 bit, several scans
  jpeg_sampling,      ///< neither 4:2:0 nor 4:2:2 with one chroma block a unit
  jpeg_quantisation,  ///< 16-bit or missing tables, or two different ones for chroma
  jpeg_huffman,       ///< tables other than those of T.81, K.3, which RFC 2435 takes for granted
};

/// The reason in words, lower case: "JPEG pictures over 2040 pixels do not fit RTP (RFC 2435)".
std::string_view text(RtpError error) noexcept;

/// One RTP payload: `prefix`, then its pieces. Small payload headers sit in the prefix so that a sender can write them
/// behind its own RTP header and needs one more buffer only for the media.
struct RtpPayload {
  std::array<std::byte, 12> prefix{};
  std::uint8_t prefix_bytes = 0;
  bool marker = false;
  std::uint32_t first_piece = 0;
  std::uint32_t pieces = 0;
  std::uint32_t bytes = 0;        ///< prefix and pieces
  std::uint32_t extra_ticks = 0;  ///< to add to the access unit's time (audio cut into several packets)
};

/// The payloads of one access unit, computed once and shared by all clients: pieces refer to the access unit's own
/// bytes or to a few bytes kept here. Immutable once made, then fit for any thread.
class PayloadList {
public:
  explicit PayloadList(media::Payload source) : source_(std::move(source)) {}

  std::span<const RtpPayload> payloads() const noexcept { return payloads_; }
  /// @param index  below payload.pieces.
  std::span<const std::byte> piece(const RtpPayload& payload, std::size_t index) const noexcept;
  /// Sum of all payloads' bytes.
  std::size_t bytes() const noexcept { return bytes_; }

  /// @name For packetizers, in order: begin a payload, add its pieces, end it.
  /// @{
  void begin(std::span<const std::byte> prefix);
  void add(std::span<const std::byte> part_of_source);
  /// Copies: for the few bytes that are not in the access unit.
  void add_copy(std::span<const std::byte> bytes);
  void end(bool marker, std::uint32_t extra_ticks = 0);
  /// @}

private:
  struct Piece {
    std::uint32_t offset;
    std::uint32_t bytes;
    bool own;  // in own_, else in source_
  };
  void add_piece(std::size_t offset, std::size_t bytes, bool own);

  media::Payload source_;
  std::vector<std::byte> own_;
  std::vector<Piece> pieces_;
  std::vector<RtpPayload> payloads_;
  std::size_t bytes_ = 0;
};

/// Splits access units into RTP payloads; the last of each has the marker bit where the format wants it. Has no state
/// that changes: any thread. Knows no socket, sequence number or timestamp: those are per client (RtpSender).
class Packetizer {
public:
  virtual ~Packetizer() = default;
  virtual Expected<PayloadList, RtpError> split(const media::Payload& access_unit) const = 0;
};

/// For H.264 (RFC 6184), H.265 (RFC 7798) and JPEG (RFC 2435); nothing for raw video.
/// @param max_payload  bytes; throws std::invalid_argument under kLeastMaxPayload.
std::unique_ptr<Packetizer> make_packetizer(const media::VideoFormat& format, std::size_t max_payload);

/// For AAC (RFC 3640), G.711 (RFC 3551) and Opus (RFC 7587); nothing for other codecs.
std::unique_ptr<Packetizer> make_packetizer(const media::AudioFormat& format, std::size_t max_payload);

}  // namespace campipe::rtp
