#include "rtp/nal_splitter.hpp"

#include <array>

#include "rtp/bytes.hpp"

namespace campipe::rtp {

namespace {

constexpr std::size_t kLengthBytes = 2;  // of each unit in an aggregation packet

void add(PayloadList& list, const NalPart& part, media::Nal bytes) {
  if (part.in_source) {
    list.add(bytes);
  } else {
    list.add_copy(bytes);
  }
}

/// How many of the leading parts fit one aggregation packet: 0 or 1 means none is worth it.
std::size_t aggregatable(std::span<const NalPart> parts, std::size_t header_bytes, std::size_t max_payload) {
  std::size_t bytes = header_bytes;
  std::size_t count = 0;
  for (const NalPart& part : parts) {
    bytes += kLengthBytes + part.nal.size();
    if (!part.small || bytes > max_payload) break;
    ++count;
  }
  return count;
}

void put_aggregate(const NalScheme& scheme, std::span<const NalPart> parts, bool last, PayloadList& list) {
  std::vector<std::byte> prefix = scheme.aggregation_header(parts);
  append_u16(prefix, static_cast<std::uint32_t>(parts.front().nal.size()));
  list.begin(prefix);
  add(list, parts.front(), parts.front().nal);
  for (const NalPart& part : parts.subspan(1)) {
    std::array<std::byte, kLengthBytes> length{};
    put_u16(length.data(), static_cast<std::uint32_t>(part.nal.size()));
    list.add_copy(length);
    add(list, part, part.nal);
  }
  list.end(last);
}

void put_single(const NalPart& part, bool last, PayloadList& list) {
  list.begin({});
  add(list, part, part.nal);
  list.end(last);
}

void put_fragments(const NalScheme& scheme, const NalPart& part, std::size_t max_payload, bool last,
                   PayloadList& list) {
  media::Nal rest = part.nal.subspan(scheme.nal_header_bytes());
  bool start = true;
  while (!rest.empty()) {
    const std::size_t room = max_payload - scheme.nal_header_bytes() - 1;
    const std::size_t bytes = std::min(room, rest.size());
    const bool end = bytes == rest.size();
    list.begin(scheme.fragment_header(part.nal, start, end));
    add(list, part, rest.first(bytes));
    list.end(last && end);
    rest = rest.subspan(bytes);
    start = false;
  }
}

}  // namespace

void split_nals(const NalScheme& scheme, std::span<const NalPart> parts, std::size_t max_payload, PayloadList& list) {
  while (!parts.empty()) {
    std::size_t taken = aggregatable(parts, scheme.nal_header_bytes(), max_payload);
    if (taken >= 2) {
      put_aggregate(scheme, parts.first(taken), taken == parts.size(), list);
    } else {
      taken = 1;
      const bool last = parts.size() == 1;
      if (parts.front().nal.size() <= max_payload) {
        put_single(parts.front(), last, list);
      } else {
        put_fragments(scheme, parts.front(), max_payload, last, list);
      }
    }
    parts = parts.subspan(taken);
  }
}

}  // namespace campipe::rtp
