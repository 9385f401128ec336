#pragma once
#include <optional>
#include <string>

#include "net/http_server.hpp"
#include "serve/hub/hub.hpp"
#include "serve/status/status.hpp"

namespace campipe::serve::http {

/// What a request path says of a stream: NAME or NAME/RENDITION.
struct Wanted {
  std::string name, rendition;
  std::string path() const { return rendition.empty() ? name : name + "/" + rendition; }
};
Wanted parse_wanted(std::string_view path);

/// 404 that says which streams there are.
net::HttpResponse no_such_stream(const hub::Hub& hub, const Wanted& wanted);

/// A body that nobody may keep.
net::HttpResponse uncached(int status, std::string content_type, std::string body);

/// For methods that a path does not take; with `allow` in the Allow header. OPTIONS itself is answered.
std::optional<net::HttpResponse> refuse_method(const std::string& method, std::string_view allow);

/// Answers /health, /metrics and all below /api/; nothing for other paths. The only request that changes anything is
/// DELETE /api/clients/ID, which a page from elsewhere cannot make: browsers ask first for what is no simple request
/// and are told of no permission, and one whose Origin is not our Host is refused.
std::optional<net::HttpResponse> answer_api(hub::Hub& hub, const status::ServerFacts& facts,
                                            const net::HttpRequest& request);

}  // namespace campipe::serve::http
