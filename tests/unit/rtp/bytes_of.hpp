#pragma once
#include <initializer_list>
#include <string_view>
#include <vector>

#include "media/payload.hpp"
#include "rtp/packetizer.hpp"

namespace campipe::rtp::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes(std::initializer_list<int> values) {
  Bytes out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

inline Bytes text_bytes(std::string_view text) {
  Bytes out;
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
  return out;
}

/// `count` bytes that hold neither start codes nor JPEG markers, different from place to place.
inline Bytes noise(std::size_t count, unsigned seed = 1) {
  Bytes out;
  unsigned state = seed;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1'103'515'245U + 12'345U;
    out.push_back(static_cast<std::byte>(1 + (state >> 16) % 250));
  }
  return out;
}

inline void append(Bytes& out, std::span<const std::byte> more) {
  out.insert(out.end(), more.begin(), more.end());
}

/// A NAL unit: header bytes, then `count` bytes of noise.
inline Bytes nal(std::initializer_list<int> header, std::size_t count) {
  Bytes out = bytes(header);
  append(out, noise(count, static_cast<unsigned>(count)));
  return out;
}

inline Bytes annex_b(std::initializer_list<Bytes> nals) {
  Bytes out;
  for (const Bytes& one : nals) {
    append(out, bytes({0, 0, 0, 1}));
    append(out, one);
  }
  return out;
}

/// A payload as it goes on the wire behind the RTP header.
inline Bytes flat(const PayloadList& list, const RtpPayload& payload) {
  Bytes out(payload.prefix.begin(), payload.prefix.begin() + payload.prefix_bytes);
  for (std::size_t i = 0; i < payload.pieces; ++i) append(out, list.piece(payload, i));
  return out;
}

inline std::vector<Bytes> flat(const PayloadList& list) {
  std::vector<Bytes> out;
  for (const RtpPayload& payload : list.payloads()) out.push_back(flat(list, payload));
  return out;
}

/// Whether exactly the last payload has the marker.
inline bool marker_only_on_last(const PayloadList& list) {
  for (const RtpPayload& payload : list.payloads()) {
    if (payload.marker != (&payload == &list.payloads().back())) return false;
  }
  return true;
}

}  // namespace campipe::rtp::test
