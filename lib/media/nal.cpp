#include "media/nal.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace campipe::media {

namespace {

constexpr std::byte kZero{0};
constexpr std::array<std::byte, 4> kStartCode{kZero, kZero, kZero, std::byte{1}};
constexpr std::size_t kShortStartCode = 3;  // 00 00 01

/// Where 00 00 01 begins, or the size when there is none. A search for the 1 is the fast one: coded pictures are full
/// of neither zeros nor ones, and memchr goes through them a vector register at a time.
std::size_t find_start_code(std::span<const std::byte> bytes) noexcept {
  std::size_t at = 2;
  while (at < bytes.size()) {
    const void* one = std::memchr(bytes.data() + at, 1, bytes.size() - at);
    if (one == nullptr) break;
    at = static_cast<std::size_t>(static_cast<const std::byte*>(one) - bytes.data());
    if (bytes[at - 1] == kZero && bytes[at - 2] == kZero) return at - 2;
    at += 3;  // a 1 nearer than that would have this one where it needs a 0
  }
  return bytes.size();
}

Nal without_trailing_zeros(Nal nal) noexcept {
  while (!nal.empty() && nal.back() == kZero) nal = nal.first(nal.size() - 1);
  return nal;
}

}  // namespace

std::span<const std::byte> behind_start_code(std::span<const std::byte> bytes) noexcept {
  return bytes.subspan(std::min(find_start_code(bytes) + kShortStartCode, bytes.size()));
}

NalScanner::NalScanner(std::span<const std::byte> annex_b) noexcept : rest_(behind_start_code(annex_b)) {}

std::optional<Nal> NalScanner::next() noexcept {
  while (!rest_.empty()) {
    const std::size_t end = find_start_code(rest_);
    const Nal nal = without_trailing_zeros(rest_.first(end));
    rest_ = rest_.subspan(std::min(end + kShortStartCode, rest_.size()));
    if (!nal.empty()) return nal;
  }
  return std::nullopt;
}

std::vector<Nal> split_annex_b(std::span<const std::byte> annex_b) {
  std::vector<Nal> nals;
  NalScanner scanner(annex_b);
  while (const auto nal = scanner.next()) nals.push_back(*nal);
  return nals;
}

void append_annex_b(std::vector<std::byte>& out, Nal nal) {
  out.insert(out.end(), kStartCode.begin(), kStartCode.end());
  out.insert(out.end(), nal.begin(), nal.end());
}

std::optional<std::vector<std::byte>> annex_b_from_length_prefixed(std::span<const std::byte> in, int length_bytes) {
  if (length_bytes != 1 && length_bytes != 2 && length_bytes != 4) return std::nullopt;
  const auto prefix = static_cast<std::size_t>(length_bytes);
  std::vector<std::byte> out;
  out.reserve(in.size() + 16);
  while (!in.empty()) {
    if (in.size() < prefix) return std::nullopt;
    std::uint32_t length = 0;
    for (const std::byte byte : in.first(prefix)) length = length << 8 | std::to_integer<std::uint32_t>(byte);
    in = in.subspan(prefix);
    if (length > in.size()) return std::nullopt;
    if (length > 0) append_annex_b(out, in.first(length));
    in = in.subspan(length);
  }
  return out;
}

std::vector<std::byte> unescape_rbsp(Nal nal, std::size_t limit) {
  std::vector<std::byte> out;
  out.reserve(std::min(nal.size(), limit));
  int zeros = 0;
  for (const std::byte byte : nal) {
    if (out.size() >= limit) break;
    if (zeros >= 2 && byte == std::byte{3}) {
      zeros = 0;
      continue;
    }
    zeros = byte == kZero ? zeros + 1 : 0;
    out.push_back(byte);
  }
  return out;
}

}  // namespace campipe::media
