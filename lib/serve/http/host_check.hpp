#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "net/http_server.hpp"
#include "serve/access/host_rules.hpp"
#include "serve/hub/hub.hpp"

namespace campipe::serve::http {

/// Answers requests that were made by a name which is not ours, before anything else does: 421 (RFC 9110, 15.5.20),
/// with the option that allows the name. What comes over a unix socket no web page has sent, and what has no Host no
/// browser. The authority of an absolute URL counts instead of the Host header (RFC 9112, 3.2.2); X-Forwarded-Host
/// never does. Counts http_hosts_refused_total, logs each name once, as far as there are few. For the loop's thread.
class HostCheck {
public:
  HostCheck(net::Loop& loop, hub::Hub& hub, access::HostRules rules)
      : loop_(loop), hub_(hub), rules_(std::move(rules)) {}

  /// The answer, or nothing when the request may be answered. 400 when its Host cannot be read or there are several.
  std::optional<net::HttpResponse> refuse(const net::HttpRequest& request);

private:
  void tell(const std::string& host, const net::Address& peer);

  net::Loop& loop_;
  hub::Hub& hub_;
  access::HostRules rules_;
  std::set<std::string> told_;
};

}  // namespace campipe::serve::http
