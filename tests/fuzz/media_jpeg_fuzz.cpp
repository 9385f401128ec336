// JPEG images as cameras and peers send them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "media/jpeg.hpp"

using namespace campipe::media;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(std::span<const std::byte> bytes, const jpeg::Info& info) {
  require(info.length <= bytes.size() && info.scan_offset <= info.length);
  require(info.sof_offset < info.sos_offset && info.sos_offset < info.scan_offset);
  require(info.size.width_px > 0 && info.size.width_px < 65536 && info.size.height_px > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  jpeg::comment(bytes);
  const auto info = jpeg::parse(bytes);
  if (!info) return 0;
  check(bytes, *info);
  jpeg::canonical(bytes, *info, false);
  if (const auto repaired = jpeg::canonical(bytes, *info, true)) {
    const auto again = jpeg::parse(*repaired);
    require(again && again->complete && again->size == info->size);
    check(*repaired, *again);
    require(!jpeg::canonical(*repaired, *again, true));
  }
  return 0;
}
