#pragma once
#include <cstddef>
#include <vector>

#include "media/nal.hpp"
#include "rtp/packetizer.hpp"

namespace campipe::rtp {

/// H.265 by RFC 7798, without DONL (sprop-max-don-diff=0): single NAL unit packets, aggregation packets (AP) for runs
/// of small units that are no slices (VPS, SPS, PPS, SEI), fragmentation units (FU) for units that do not fit. The
/// marker is on the last packet of the access unit.
class H265Packetizer : public Packetizer {
public:
  /// @param max_payload     bytes; throws std::invalid_argument under kLeastMaxPayload.
  /// @param parameter_sets  Annex B; sent before a random access picture that comes without any of its own (clients
  /// join there).
  H265Packetizer(std::size_t max_payload, std::vector<std::byte> parameter_sets);

  /// @param access_unit  Annex B. AUD, filler and end-of-sequence units are left out.
  Expected<PayloadList, RtpError> split(const media::Payload& access_unit) const override;

private:
  std::size_t max_payload_;
  std::vector<std::byte> parameter_sets_;
};

}  // namespace campipe::rtp
