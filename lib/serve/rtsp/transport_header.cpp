#include "serve/rtsp/transport_header.hpp"

#include "base/units.hpp"
#include "net/message_parser.hpp"

namespace campipe::serve::rtsp {

namespace {

constexpr std::int64_t kMaxPort = 65535;
constexpr std::int64_t kMaxChannel = 255;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes the text before the next `separator` off `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const std::string_view part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return trimmed(part);
}

/// "A-B"; a single number means that and the next one.
std::optional<std::pair<std::uint16_t, std::uint16_t>> parse_pair(std::string_view text, std::int64_t min,
                                                                  std::int64_t max) {
  const std::size_t dash = text.find('-');
  const auto first = parse_integer(trimmed(text.substr(0, dash)), min, max);
  if (!first) return std::nullopt;
  const auto second = dash == std::string_view::npos ? std::optional(*first + 1)
                                                     : parse_integer(trimmed(text.substr(dash + 1)), min, max);
  if (!second || *second > max || *second == *first) return std::nullopt;
  return std::pair(static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*second));
}

Expected<TransportHeader, TransportError> parse_alternative(std::string_view text) {
  TransportHeader transport;
  const std::string_view protocol = next_part(text, ';');
  transport.protocol = protocol;
  if (net::equal_ignoring_case(protocol, "RTP/AVP/TCP")) {
    transport.lower = rtp::LowerTransport::tcp;
  } else if (!net::equal_ignoring_case(protocol, "RTP/AVP") && !net::equal_ignoring_case(protocol, "RTP/AVP/UDP")) {
    return Unexpected(TransportError::unsupported);
  }
  const bool tcp = transport.lower == rtp::LowerTransport::tcp;
  while (!text.empty()) {
    std::string_view value = next_part(text, ';');
    const std::string_view key = next_part(value, '=');
    if (net::equal_ignoring_case(key, "multicast")) return Unexpected(TransportError::unsupported);
    if (net::equal_ignoring_case(key, "mode") && value.find_first_of("rR") != std::string_view::npos) {
      return Unexpected(TransportError::unsupported);  // RECORD; PLAY has no R
    }
    if (!net::equal_ignoring_case(key, tcp ? "interleaved" : "client_port")) continue;
    transport.pair = parse_pair(value, tcp ? 0 : 1, tcp ? kMaxChannel : kMaxPort);
    if (!transport.pair) return Unexpected(TransportError::malformed);
  }
  if (!tcp && !transport.pair) return Unexpected(TransportError::unsupported);
  return transport;
}

}  // namespace

Expected<TransportHeader, TransportError> choose_transport(std::string_view header) {
  TransportError error = TransportError::malformed;
  while (!header.empty()) {
    const std::string_view alternative = next_part(header, ',');
    if (alternative.empty()) continue;
    auto transport = parse_alternative(alternative);
    if (transport) return transport;
    error = transport.error();
  }
  return Unexpected(error);
}

}  // namespace campipe::serve::rtsp
