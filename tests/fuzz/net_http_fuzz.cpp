// HTTP and RTSP requests as peers send them, in pieces, and their targets. The first byte chooses dialect and piece
// size.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/authority.hpp"
#include "net/message_parser.hpp"
#include "net/url.hpp"

using namespace campipe::net;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Whoever takes it apart finds names between single slashes, and what is normal stays so.
void check_path(const std::string& path) {
  require(path.starts_with('/') && (path == "/" || !path.ends_with('/')) && path.find("//") == std::string::npos);
  require((path + "/").find("/./") == std::string::npos && (path + "/").find("/../") == std::string::npos);
  require(path.find_first_of(std::string_view("\0\r\n\\", 4)) == std::string::npos);
  require(path.find('%') != std::string::npos || normal_path(path).value_or("") == path);
}

void check(const Request& request) {
  const MessageParser::Limits limits;
  require(!request.method.empty() && request.target.size() <= limits.line_bytes);
  require(request.headers.size() <= limits.headers && request.body.size() <= limits.body_bytes);
  const auto target = parse_target(request.target);
  if (target) check_path(target->path);
  const std::string* name = request.header("Host");
  if (const auto host = name != nullptr ? host_of_authority(*name) : std::nullopt)
    require(!host->empty() && host->size() <= 255 && host_of_authority(*host) == host);
  (void)request.list("Host");
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
