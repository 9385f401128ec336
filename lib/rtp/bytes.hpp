#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Big-endian fields: RTP and RTCP are network byte order throughout.
namespace campipe::rtp {

inline void put_u16(std::byte* out, std::uint32_t value) noexcept {
  out[0] = static_cast<std::byte>(value >> 8 & 0xFF);
  out[1] = static_cast<std::byte>(value & 0xFF);
}

inline void put_u32(std::byte* out, std::uint32_t value) noexcept {
  put_u16(out, value >> 16);
  put_u16(out + 2, value & 0xFFFF);
}

inline void append_u16(std::vector<std::byte>& out, std::uint32_t value) {
  out.resize(out.size() + 2);
  put_u16(out.data() + out.size() - 2, value);
}

inline void append_u32(std::vector<std::byte>& out, std::uint32_t value) {
  out.resize(out.size() + 4);
  put_u32(out.data() + out.size() - 4, value);
}

/// The caller has checked the length.
inline std::uint32_t get_u16(std::span<const std::byte> in, std::size_t at) noexcept {
  return std::to_integer<std::uint32_t>(in[at]) << 8 | std::to_integer<std::uint32_t>(in[at + 1]);
}

inline std::uint32_t get_u32(std::span<const std::byte> in, std::size_t at) noexcept {
  return get_u16(in, at) << 16 | get_u16(in, at + 2);
}

}  // namespace campipe::rtp
