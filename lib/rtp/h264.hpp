#pragma once
#include <cstddef>
#include <vector>

#include "media/nal.hpp"
#include "rtp/packetizer.hpp"

namespace campipe::rtp {

/// H.264 by RFC 6184, packetization-mode 1: single NAL unit packets, STAP-A for runs of small units that are no slices
/// (SPS, PPS, SEI), FU-A for units that do not fit. The marker is on the last packet of the access unit.
class H264Packetizer : public Packetizer {
public:
  /// @param max_payload     bytes; throws std::invalid_argument under kLeastMaxPayload.
  /// @param parameter_sets  Annex B; sent before an IDR that comes without any of its own (clients join there).
  H264Packetizer(std::size_t max_payload, std::vector<std::byte> parameter_sets);

  /// @param access_unit  Annex B. AUD, filler and end-of-sequence units are left out.
  Expected<PayloadList, RtpError> split(const media::Payload& access_unit) const override;

private:
  std::size_t max_payload_;
  std::vector<std::byte> parameter_sets_;
};

}  // namespace campipe::rtp
