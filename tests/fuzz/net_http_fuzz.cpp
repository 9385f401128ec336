// HTTP and RTSP requests as peers send them, in pieces, and their targets. The first byte chooses dialect and piece
// size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "net/message_parser.hpp"
#include "net/url.hpp"

using namespace campipe::net;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const Request& request) {
  const MessageParser::Limits limits;
  require(!request.method.empty() && request.target.size() <= limits.line_bytes);
  require(request.headers.size() <= limits.headers && request.body.size() <= limits.body_bytes);
  const auto target = parse_target(request.target);
  require(!target || target->path.starts_with('/'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto dialect = (data[0] & 1) != 0 ? MessageParser::Dialect::rtsp : MessageParser::Dialect::http;
  const std::size_t step = (data[0] >> 1) + std::size_t{1};
  std::span<const std::byte> rest(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  MessageParser parser(dialect);
  while (!rest.empty()) {
    const auto piece = rest.first(std::min(step, rest.size()));
    const auto taken = parser.feed(piece);
    if (!taken) return 0;
    require(*taken <= piece.size() && (*taken > 0 || parser.complete()));
    rest = rest.subspan(*taken);
    if (parser.complete()) check(parser.take());
  }
  return 0;
}
