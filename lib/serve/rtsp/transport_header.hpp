#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/expected.hpp"
#include "serve/rtp/output.hpp"

namespace campipe::serve::rtsp {

/// One alternative of a Transport header (RFC 2326, 12.39) that can be served: RTP/AVP, unicast, to play.
struct TransportHeader {
  rtp::LowerTransport lower = rtp::LowerTransport::udp;
  std::string protocol = "RTP/AVP";  ///< as it was asked for: "RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP"
  /// UDP: RTP and RTCP port of the client. TCP: channels; nothing = the server chooses.
  std::optional<std::pair<std::uint16_t, std::uint16_t>> pair;
};

enum class TransportError {
  malformed,    ///< 400
  unsupported,  ///< 461: multicast, SRTP, RECORD, UDP without ports
};

/// The first alternative of the header's comma-separated list that can be served. Parameters that are not known are
/// ignored, `destination` too: media only ever goes to where the request came from.
Expected<TransportHeader, TransportError> choose_transport(std::string_view header);

}  // namespace campipe::serve::rtsp
