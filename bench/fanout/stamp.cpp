#include "stamp.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace fanout {

namespace {

/// The SEI's UUID, and what a COM segment begins with. Printable, so that no emulation prevention is needed.
constexpr std::string_view kUuid = "campipe-bench-ts";
constexpr std::size_t kDigits = 16;
static_assert(kUuid.size() == 16);

void append(std::vector<std::byte>& out, std::string_view text) {
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
}

/// Behind `head` bytes of `frame`: `opening`, the stamp, `closing`, and the rest.
StampedFrame insert(std::span<const std::byte> frame, std::size_t head, std::string_view opening,
                    std::string_view closing) {
  StampedFrame out;
  out.bytes.assign(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(head));
  append(out.bytes, opening);
  append(out.bytes, kUuid);
  out.stamp_at = out.bytes.size();
  out.bytes.resize(out.bytes.size() + kDigits, std::byte{'0'});
  append(out.bytes, closing);
  out.bytes.insert(out.bytes.end(), frame.begin() + static_cast<std::ptrdiff_t>(head), frame.end());
  return out;
}

/// Where the start code of the first slice begins; the end when there is none.
std::size_t first_slice(std::span<const std::byte> access_unit) {
  for (std::size_t i = 0; i + 4 < access_unit.size(); ++i) {
    const bool start_code = access_unit[i] == std::byte{0} && access_unit[i + 1] == std::byte{0} &&
                            access_unit[i + 2] == std::byte{0} && access_unit[i + 3] == std::byte{1};
    const int type = std::to_integer<int>(access_unit[i + 4]) & 0x1F;
    if (start_code && type >= 1 && type <= 5) return i;
  }
  return access_unit.size();
}

}  // namespace

StampedFrame with_jpeg_stamp(std::span<const std::byte> jpeg) {
  using namespace std::string_view_literals;
  return insert(jpeg, std::min<std::size_t>(2, jpeg.size()), "\xFF\xFE\x00\x22"sv, "");  // length 34 = 2 + 16 + 16
}

StampedFrame with_h264_stamp(std::span<const std::byte> access_unit) {
  using namespace std::string_view_literals;
  return insert(access_unit, first_slice(access_unit), "\x00\x00\x00\x01\x06\x05\x20"sv, "\x80"sv);  // type 5, 32 bytes
}

void set_stamp(StampedFrame& frame, std::int64_t now_ns) noexcept {
  auto rest = static_cast<std::uint64_t>(now_ns);
  for (std::size_t i = kDigits; i-- > 0; rest >>= 4)
    frame.bytes[frame.stamp_at + i] = static_cast<std::byte>("0123456789abcdef"[rest & 15]);
}

std::optional<std::int64_t> find_stamp(std::span<const std::byte> bytes) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = text.find(kUuid);
  if (at == std::string_view::npos || text.size() - at < kUuid.size() + kDigits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text.substr(at + kUuid.size(), kDigits)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace fanout
