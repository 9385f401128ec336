#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "media/nal.hpp"
#include "rtp/packetizer.hpp"

namespace campipe::rtp {

/// One NAL unit on its way into RTP packets.
struct NalPart {
  media::Nal nal;
  bool in_source = true;  ///< false: outside the access unit's buffer, copied into the payload list
  bool small = false;     ///< no slice: may share a packet with its neighbours
};

/// What H.264 and H.265 have in common: single units, aggregation of neighbours, fragments. The codec supplies the
/// payload header bytes.
class NalScheme {
public:
  virtual ~NalScheme() = default;
  virtual std::size_t nal_header_bytes() const noexcept = 0;
  /// Payload header of an aggregation packet for `parts`.
  virtual std::vector<std::byte> aggregation_header(std::span<const NalPart> parts) const = 0;
  /// Payload header of a fragment, with the start and end bits.
  virtual std::vector<std::byte> fragment_header(media::Nal nal, bool start, bool end) const = 0;
};

/// Appends the packets of `parts` (at least one, none shorter than its NAL header) to `list`; the last has the marker.
void split_nals(const NalScheme& scheme, std::span<const NalPart> parts, std::size_t max_payload, PayloadList& list);

}  // namespace campipe::rtp
