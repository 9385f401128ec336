#include "serve/http/host_check.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "net/authority.hpp"

namespace campipe::serve::http {

namespace {

constexpr std::size_t kMaxTold = 32;

}  // namespace

std::optional<net::HttpResponse> HostCheck::refuse(const net::HttpRequest& request) {
  if (request.head.count("Host") > 1) return net::text_response(400, "there is more than one Host header");
  const std::string_view authority = request.authority();
  if (authority.empty() || request.peer.is_unix()) return std::nullopt;
  const auto host = net::host_of_authority(authority);
  if (!host) return net::text_response(400, "the name of the server in this request (Host) is none");
  if (rules_.accepts(*host, loop_.now_ms())) return std::nullopt;
  hub_.count("http_hosts_refused_total");
  tell(*host, request.peer);
  return net::text_response(
      421,
      fmt::format("this server does not go by the name '{0}': ask by its address, or start camserve with --host {0}",
                  *host));
}

void HostCheck::tell(const std::string& host, const net::Address& peer) {
  if (told_.size() > kMaxTold || !told_.insert(host).second) return;
  if (told_.size() > kMaxTold)
    return log::warning("more names than {} were refused: no more of them are told, /metrics counts them", kMaxTold);
  log::warning("http {}: asked for '{}', which is no name of this server: refused; --host {} allows it",
               peer.to_string(), host, host);
}

}  // namespace campipe::serve::http
