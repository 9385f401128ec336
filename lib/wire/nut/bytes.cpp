#include "wire/nut/bytes.hpp"

#include <array>
#include <limits>

namespace campipe::wire::nut {

namespace {

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i << 24;
    for (int bit = 0; bit < 8; ++bit) value = (value & 0x80000000U) != 0 ? value << 1 ^ 0x04C11DB7U : value << 1;
    table[i] = value;
  }
  return table;
}();

}  // namespace

std::uint32_t checksum(std::span<const std::byte> bytes) noexcept {
  std::uint32_t crc = 0;
  for (const std::byte b : bytes) crc = crc << 8 ^ kTable[crc >> 24 ^ static_cast<std::uint32_t>(b)];
  return crc;
}

std::uint64_t fold(std::int64_t value) noexcept {
  const auto bits = static_cast<std::uint64_t>(value);
  return value > 0 ? 2 * bits - 1 : 2 * (0 - bits);
}

std::int64_t unfold(std::uint64_t value) noexcept {
  const std::uint64_t half = value / 2;
  return (value & 1) != 0 ? static_cast<std::int64_t>(half + 1) : static_cast<std::int64_t>(0 - half);
}

void ByteWriter::fixed(std::uint64_t value, int bytes) {
  while (bytes-- > 0) bytes_.push_back(static_cast<std::byte>(value >> (8 * bytes) & 0xFF));
}

void ByteWriter::v(std::uint64_t value) {
  int groups = 1;
  while (groups < 10 && value >> (7 * groups) != 0) ++groups;
  while (groups-- > 0) {
    const auto bits = static_cast<std::uint8_t>(value >> (7 * groups) & 0x7F);
    bytes_.push_back(static_cast<std::byte>(groups > 0 ? bits | 0x80 : bits));
  }
}

void ByteWriter::s(std::int64_t value) {
  v(fold(value));
}

void ByteWriter::vb(std::span<const std::byte> bytes) {
  v(bytes.size());
  raw(bytes);
}

void ByteWriter::vb(std::string_view text) {
  vb(std::as_bytes(std::span(text)));
}
void ByteWriter::raw(std::string_view text) {
  raw(std::as_bytes(std::span(text)));
}
void ByteWriter::raw(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void ByteWriter::packet(std::uint64_t start, const ByteWriter& body) {
  constexpr std::size_t kFooterBytes = 4;
  constexpr std::size_t kLargePacket = 4096;  // above it the forward pointer has a checksum of its own
  const std::size_t begin = bytes_.size();
  fixed(start, 8);
  v(body.size() + kFooterBytes);
  if (body.size() + kFooterBytes > kLargePacket) fixed(checksum(bytes().subspan(begin)), 4);
  raw(body.bytes());
  fixed(checksum(body.bytes()), 4);
}

void ByteReader::over_the_end() noexcept {
  ok_ = enough_ = false;
  position_ = bytes_.size();
}

std::uint64_t ByteReader::fixed(int bytes) noexcept {
  if (bytes_.size() - position_ < static_cast<std::size_t>(bytes)) {
    over_the_end();
    return 0;
  }
  std::uint64_t value = 0;
  while (bytes-- > 0) value = value << 8 | static_cast<std::uint64_t>(bytes_[position_++]);
  return value;
}

std::uint64_t ByteReader::v() noexcept {
  constexpr std::uint64_t kFull = std::numeric_limits<std::uint64_t>::max() >> 7;
  constexpr int kMaxGroups = 16;  // some leading zero groups are legal padding
  std::uint64_t value = 0;
  for (int group = 0; group < kMaxGroups; ++group) {
    if (position_ == bytes_.size()) {
      over_the_end();
      return 0;
    }
    const auto b = static_cast<std::uint8_t>(bytes_[position_++]);
    if (value > kFull) break;
    value = value << 7 | (b & 0x7FU);
    if ((b & 0x80) == 0) return value;
  }
  ok_ = false;
  return 0;
}

std::span<const std::byte> ByteReader::vb() noexcept {
  const std::uint64_t length = v();
  if (!ok_) return {};
  if (length > bytes_.size() - position_) {
    over_the_end();
    return {};
  }
  const auto part = bytes_.subspan(position_, length);
  position_ += length;
  return part;
}

std::string ByteReader::text() {
  const auto part = vb();
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

void ByteReader::skip(std::size_t bytes) noexcept {
  if (bytes > bytes_.size() - position_) {
    over_the_end();
  } else {
    position_ += bytes;
  }
}

}  // namespace campipe::wire::nut
