#include "serve/http/api.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/units.hpp"
#include "serve/status/metrics.hpp"
#include "wire/endpoint.hpp"

namespace campipe::serve::http {

namespace {

using net::HttpRequest;
using net::HttpResponse;
using net::text_response;

constexpr std::string_view kReading = "GET, HEAD, OPTIONS";
constexpr std::string_view kReadingAndDelete = "GET, HEAD, OPTIONS, DELETE";
constexpr std::string_view kJson = "application/json";

HttpResponse json(std::string text) {
  return uncached(200, std::string(kJson), std::move(text));
}

/// Whether a page that is not ours makes the browser ask.
bool is_foreign(const HttpRequest& request) {
  const std::string* site = request.head.header("Sec-Fetch-Site");  // which pages cannot forge
  if (site != nullptr) return *site != "same-origin" && *site != "none";
  const std::string* origin = request.head.header("Origin");
  if (origin == nullptr) return false;  // no browser, or a page of ours that says nothing
  const std::string_view host = request.authority();
  const std::size_t scheme = origin->find("://");
  return host.empty() || scheme == std::string::npos ||
         !net::equal_ignoring_case(std::string_view(*origin).substr(scheme + 3), host);
}

HttpResponse list_clients(const hub::Hub& hub, const HttpRequest& request) {
  if (!request.target.query.contains("stream")) return json(status::clients_json(hub));
  const Wanted wanted = parse_wanted(request.target.get("stream"));
  const auto streams = hub.find(wanted.name, wanted.rendition);
  return streams.empty() ? no_such_stream(hub, wanted) : json(status::clients_json(streams));
}

HttpResponse one_stream(const hub::Hub& hub, std::string_view path) {
  const Wanted wanted = parse_wanted(path);
  const auto streams = hub.find(wanted.name, wanted.rendition);
  return streams.empty() ? no_such_stream(hub, wanted) : json(status::stream_json(streams));
}

HttpResponse one_client(const hub::Hub& hub, std::string_view id_text, const HttpRequest& request) {
  const auto id = parse_integer(id_text, 1, INT64_MAX);
  hub::Client* client = id ? hub.find_client(static_cast<std::uint64_t>(*id)) : nullptr;
  if (request.head.method == "DELETE" && is_foreign(request))
    return text_response(403, "a page from another place may not end clients");
  if (client == nullptr) return text_response(404, "no client of that id: /api/clients lists them");
  if (request.head.method != "DELETE") return json(status::client_json(hub, *client));
  client->end("kicked");
  return uncached(204, "", "");
}

}  // namespace

Wanted parse_wanted(std::string_view path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  return {std::string(path.substr(0, slash)), std::string(path.substr(std::min(slash + 1, path.size())))};
}

HttpResponse no_such_stream(const hub::Hub& hub, const Wanted& wanted) {
  const bool sane =
      wire::is_stream_name(wanted.name) && (wanted.rendition.empty() || wire::is_stream_name(wanted.rendition));
  return text_response(
      404, fmt::format("no stream{}: there is {}", sane ? " '" + wanted.path() + "'" : " of that name", hub.offer()));
}

HttpResponse uncached(int status, std::string content_type, std::string body) {
  HttpResponse out;
  out.status = status;
  out.content_type = std::move(content_type);
  out.headers.push_back({"Cache-Control", "no-store"});
  out.body = std::move(body);
  return out;
}

std::optional<HttpResponse> refuse_method(const std::string& method, std::string_view allow) {
  for (std::string_view rest = allow; method != "OPTIONS" && !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(", "));
    if (one == method) return std::nullopt;
    rest.remove_prefix(std::min(one.size() + 2, rest.size()));
  }
  HttpResponse out = method == "OPTIONS"
                         ? uncached(204, "", "")
                         : text_response(405, fmt::format("{} is not answered here, but {}", method, allow));
  out.headers.push_back({"Allow", std::string(allow)});
  return out;
}

std::optional<HttpResponse> answer_api(hub::Hub& hub, const status::ServerFacts& facts, const HttpRequest& request) {
  const std::string_view path = request.target.path;
  constexpr std::string_view kStreams = "/api/streams/", kClients = "/api/clients/";
  const bool is_client = path.starts_with(kClients) && path.size() > kClients.size();
  const bool is_stream = path.starts_with(kStreams) && path.size() > kStreams.size();
  const bool known = is_client || is_stream || path == "/health" || path == "/metrics" || path == "/api/streams" ||
                     path == "/api/clients";
  if (!known) return std::nullopt;
  if (auto refused = refuse_method(request.head.method, is_client ? kReadingAndDelete : kReading)) return refused;
  if (is_client) return one_client(hub, path.substr(kClients.size()), request);
  if (is_stream) return one_stream(hub, path.substr(kStreams.size()));
  if (path == "/api/streams") return json(status::streams_json(hub, facts));
  if (path == "/api/clients") return list_clients(hub, request);
  if (path == "/metrics")
    return uncached(200, "text/plain; version=0.0.4; charset=utf-8", status::metrics_text(hub, facts));
  const status::Health now = status::health(hub);
  return uncached(now.good ? 200 : 503, std::string(kJson), now.json);
}

}  // namespace campipe::serve::http
