#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace campipe::mp4 {

/// A box's type as a number: fourcc("moov").
constexpr std::uint32_t fourcc(std::string_view type) noexcept {
  std::uint32_t value = 0;
  for (const char c : type) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

/// One box in memory, borrowed from the bytes it was found in.
struct Box {
  std::uint32_t type = 0;
  std::span<const std::byte> whole;    ///< with its header
  std::span<const std::byte> payload;  ///< without; for a full box it begins with version and flags
};

/// Walks the boxes that lie one after the other in `bytes`. Distrusts every length: ends at the first that is shorter
/// than its header or runs over the end.
class BoxReader {
public:
  explicit BoxReader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}
  std::optional<Box> next() noexcept;

private:
  std::span<const std::byte> rest_;
};

/// The first box at `path` ("trak", "mdia", …) under `bytes`.
std::optional<Box> find_box(std::span<const std::byte> bytes, std::initializer_list<std::string_view> path) noexcept;

/// Reads big-endian numbers; past the end it answers zero and ok() is false from then on.
class FieldReader {
public:
  explicit FieldReader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  std::uint32_t u8() noexcept { return static_cast<std::uint32_t>(number(1)); }
  std::uint32_t u16() noexcept { return static_cast<std::uint32_t>(number(2)); }
  std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() noexcept { return number(8); }
  void skip(std::size_t bytes) noexcept;

  bool ok() const noexcept { return ok_; }
  std::span<const std::byte> rest() const noexcept { return rest_; }

private:
  std::uint64_t number(std::size_t size) noexcept;

  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace campipe::mp4
