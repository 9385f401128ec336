#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace campipe::wire::nut {

/// CRC-32 with polynomial 0x04C11DB7, most significant bit first, starting at 0: NUT's checksum.
std::uint32_t checksum(std::span<const std::byte> bytes) noexcept;

/// Writes NUT's primitive types behind each other.
class ByteWriter {
public:
  void fixed(std::uint64_t value, int bytes);  ///< big-endian
  void v(std::uint64_t value);                 ///< 7 bits a byte, most significant first
  void s(std::int64_t value);                  ///< signed, folded into v
  void vb(std::span<const std::byte> bytes);   ///< length and bytes
  void vb(std::string_view text);
  void raw(std::string_view text);
  void raw(std::span<const std::byte> bytes);
  /// A whole packet: start code, forward pointer, body, checksum.
  void packet(std::uint64_t start, const ByteWriter& body);

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return bytes_.size(); }
  void clear() noexcept { bytes_.clear(); }

private:
  std::vector<std::byte> bytes_;
};

/// NUT's signed numbers folded into unsigned ones: 0, 1, -1, 2, -2, …
std::uint64_t fold(std::int64_t value) noexcept;
std::int64_t unfold(std::uint64_t value) noexcept;

/// Reads them. After a read over the end ok() and enough() are false and zeros come; a number over 64 bits makes ok()
/// false alone.
class ByteReader {
public:
  explicit ByteReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  std::uint64_t fixed(int bytes) noexcept;
  std::uint64_t v() noexcept;
  std::int64_t s() noexcept { return unfold(v()); }
  std::span<const std::byte> vb() noexcept;
  std::string text();
  void skip(std::size_t bytes) noexcept;

  bool ok() const noexcept { return ok_; }
  bool enough() const noexcept { return enough_; }
  std::size_t position() const noexcept { return position_; }
  std::span<const std::byte> rest() const noexcept { return bytes_.subspan(position_); }

private:
  void over_the_end() noexcept;

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  bool ok_ = true, enough_ = true;
};

}  // namespace campipe::wire::nut
