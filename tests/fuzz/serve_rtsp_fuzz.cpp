// What an RTSP client can say before it is known: bytes on the connection, URLs, Transport headers. The first byte
// chooses how the rest is cut into segments.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "serve/rtsp/demultiplexer.hpp"
#include "serve/rtsp/response.hpp"
#include "serve/rtsp/transport_header.hpp"
#include "serve/rtsp/url.hpp"

namespace {

using namespace campipe;

void use(const net::Request& request) {
  const auto target = serve::rtsp::parse_target(request.target);
  if (target && (target->name.empty() || target->name.size() > 64)) std::abort();
  if (!serve::rtsp::content_base(request.target, "127.0.0.1:8554").ends_with('/')) std::abort();
  if (const std::string* header = request.header("Transport")) {
    const auto transport = serve::rtsp::choose_transport(*header);
    if (transport && transport->lower == serve::rtp::LowerTransport::udp && !transport->pair) std::abort();
    if (transport && transport->lower == serve::rtp::LowerTransport::tcp && transport->pair &&
        transport->pair->second > 255)
      std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Got = serve::rtsp::Demultiplexer::Got;
  if (size == 0) return 0;
  const std::size_t segment = data[0] == 0 ? size : data[0];
  auto rest = std::as_bytes(std::span(data, size)).subspan(1);
  serve::rtsp::Demultiplexer demultiplexer;
  while (!rest.empty()) {
    auto bytes = rest.first(std::min(segment, rest.size()));
    rest = rest.subspan(bytes.size());
    for (Got got = Got::frame; got != Got::nothing;) {
      const std::size_t before = bytes.size();
      got = demultiplexer.next(bytes);
      if (got == Got::request) use(demultiplexer.request());
      if (got == Got::frame && demultiplexer.payload().size() > 65535) std::abort();
      if (got == Got::error) {
        (void)serve::rtsp::scan_cseq(demultiplexer.head());
        return 0;
      }
      if (got != Got::nothing && bytes.size() == before) std::abort();  // it would never end
    }
    if (!bytes.empty()) std::abort();
  }
  return 0;
}
