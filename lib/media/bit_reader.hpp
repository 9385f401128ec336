#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace campipe::media {

/// Reads bits, most significant first, and Exp-Golomb codes (H.264, 9.1) from bytes it borrows. Past the end, or on a
/// code longer than 32 bits, it fails for good: everything read from then on is 0 and ok() is false. So a parser may
/// read a whole structure and ask once, as long as the loops in it are bounded by values it checked.
class BitReader {
public:
  explicit BitReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  bool ok() const noexcept { return ok_; }
  std::size_t bits_left() const noexcept { return ok_ ? bytes_.size() * 8 - at_ : 0; }

  bool flag() noexcept { return bits(1) != 0; }

  /// u(n) for n from 0 to 32.
  std::uint32_t bits(int count) noexcept {
    if (!take(static_cast<std::size_t>(count))) return 0;
    std::uint64_t value = 0;
    const std::size_t first = (at_ - static_cast<std::size_t>(count)) / 8, end = (at_ + 7) / 8;
    for (std::size_t i = first; i < end; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes_[i]);
    const std::uint64_t mask = (std::uint64_t{1} << count) - 1;
    return static_cast<std::uint32_t>(value >> (end * 8 - at_) & mask);
  }

  void skip(std::size_t count) noexcept { take(count); }

  /// ue(v), 0 to 2^32 - 2.
  std::uint32_t ue() noexcept {
    int zeros = 0;
    while (ok_ && !flag()) {
      if (++zeros > 31) ok_ = false;
    }
    if (!ok_) return 0;
    const std::uint32_t value = (std::uint32_t{1} << zeros) - 1 + bits(zeros);
    return ok_ ? value : 0;
  }

  /// ue(v) of a syntax element that may not be above `max`; fails when it is.
  int ue_up_to(int max) noexcept {
    const std::uint32_t value = ue();
    if (value > static_cast<std::uint32_t>(max)) ok_ = false;
    return ok_ ? static_cast<int>(value) : 0;
  }

  /// se(v).
  std::int64_t se() noexcept {
    const std::int64_t code = ue();
    return code % 2 != 0 ? (code + 1) / 2 : -(code / 2);
  }

private:
  bool take(std::size_t count) noexcept {
    if (!ok_ || count > bytes_.size() * 8 - at_) {
      ok_ = false;
      return false;
    }
    at_ += count;
    return true;
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;  // in bits
  bool ok_ = true;
};

}  // namespace campipe::media
