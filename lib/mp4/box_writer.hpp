#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace campipe::mp4 {

using Bytes = std::vector<std::byte>;

/// Appends ISO base media boxes (ISO/IEC 14496-12, 4.2) to a vector; numbers are big-endian. A box is open as long as
/// its Scope lives; its 32-bit size is filled in then. Not thread-safe.
class BoxWriter {
public:
  explicit BoxWriter(Bytes& out) noexcept : out_(out) {}

  class Scope {
  public:
    Scope(Bytes& out, std::size_t start) noexcept : out_(out), start_(start) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

  private:
    Bytes& out_;
    std::size_t start_;
  };

  /// @param type  Four characters.
  [[nodiscard]] Scope box(std::string_view type);
  [[nodiscard]] Scope full_box(std::string_view type, int version, std::uint32_t flags);

  void u8(std::uint64_t value) { number(value, 1); }
  void u16(std::uint64_t value) { number(value, 2); }
  void u32(std::uint64_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void bytes(std::span<const std::byte> bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void text(std::string_view text);
  void zeros(std::size_t count) { out_.resize(out_.size() + count); }

  std::size_t position() const noexcept { return out_.size(); }
  /// Overwrites four bytes written earlier.
  void patch_u32(std::size_t position, std::uint32_t value);

private:
  void number(std::uint64_t value, int size);

  Bytes& out_;
};

}  // namespace campipe::mp4
