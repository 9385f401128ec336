// What receivers and cameras send into lib/rtp: RTCP packets, access units, JPEG images.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "rtp/packetizer.hpp"
#include "rtp/rtcp.hpp"

namespace {

using namespace campipe;

void split(media::VideoCodec codec, std::span<const std::byte> bytes) {
  media::VideoFormat format;
  format.codec = codec;
  format.parameter_sets.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 4));
  constexpr std::size_t kMaxPayload = 300;
  const auto packetizer = rtp::make_packetizer(format, kMaxPayload);
  const auto list = packetizer->split(media::Payload::copy_of(bytes));
  if (!list) return;
  std::size_t sum = 0;
  for (const rtp::RtpPayload& payload : list->payloads()) {
    std::size_t own = payload.prefix_bytes;
    for (std::size_t i = 0; i < payload.pieces; ++i) {
      const auto piece = list->piece(payload, i);
      own += piece.size();
      volatile std::byte touched = piece.empty() ? std::byte{0} : piece.back();
      (void)touched;
    }
    if (own != payload.bytes || own > kMaxPayload || own == 0) std::abort();
    if (payload.marker != (&payload == &list->payloads().back())) std::abort();
    sum += own;
  }
  if (sum != list->bytes() || list->payloads().empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] & 3) {
    case 0: {
      const auto info = rtp::parse_rtcp(bytes);
      if (info && info->reports.size() > 32) std::abort();
      break;
    }
    case 1:
      split(media::VideoCodec::h264, bytes);
      break;
    case 2:
      split(media::VideoCodec::h265, bytes);
      break;
    default:
      split(media::VideoCodec::mjpeg, bytes);
      break;
  }
  return 0;
}
