#pragma once
#include <cstddef>

#include "base/units.hpp"
#include "rtp/packetizer.hpp"

namespace campipe::rtp {

/// RFC 2435 counts blocks of 8 pixels in one byte.
inline constexpr int kMaxJpegPx = 2040;
constexpr bool fits_jpeg(Size size) noexcept {
  return size.width_px <= kMaxJpegPx && size.height_px <= kMaxJpegPx;
}

/// JPEG by RFC 2435, types 0 (4:2:2) and 1 (4:2:0), 64 and 65 with restart markers; quantisation tables in-band in
/// every picture (Q = 255). A picture the format cannot carry is refused with the reason, never sent garbled.
class JpegPacketizer : public Packetizer {
public:
  /// @param max_payload  bytes; throws std::invalid_argument under 256, as the first packet holds 128 bytes of tables.
  explicit JpegPacketizer(std::size_t max_payload);

  /// @param access_unit  a full JPEG interchange image.
  Expected<PayloadList, RtpError> split(const media::Payload& access_unit) const override;

private:
  std::size_t max_payload_;
};

}  // namespace campipe::rtp
