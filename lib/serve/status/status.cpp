#include "serve/status/status.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <set>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"

namespace campipe::serve::status {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

/// "2026-11-21T18:27:36.123Z"
std::string date_time(std::int64_t unix_us) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(unix_us / 1'000'000)),
                     unix_us / 1000 % 1000);
}

double seconds(std::int64_t ns) {
  return rounded(static_cast<double>(ns) / 1e9, 3);
}

/// Since its newest frame, or since there is the stream.
std::int64_t inactive_ns(const hub::Stream& stream) {
  return std::max<std::int64_t>(0, stream.age_ns().value_or(stream.uptime_ns()));
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// What is to be shown of a stream that does not flow: "" (nothing), "amber" at first, "red" when its source is lost or
/// nothing came for long.
std::string_view alarm(const hub::Stream& stream) {
  constexpr std::int64_t kRedNs = 10'000'000'000;
  switch (stream.state()) {
    case hub::StreamState::stalled:
      return stream.source_status().lost() || inactive_ns(stream) >= kRedNs ? "red" : "amber";
    case hub::StreamState::waiting:
      return stream.uptime_ns() >= kRedNs ? "red" : "amber";
    case hub::StreamState::ended:
      return "red";
    case hub::StreamState::idle:
    case hub::StreamState::flowing:
      break;
  }
  return "";
}

/// What the writer of a ring or pipe says of its source.
Json source_json(const hub::Stream& stream) {
  const SourceStatus& status = stream.source_status();
  Json json;
  json["state"] = campipe::name(status.state);
  json["since"] = status.since_us > 0 ? Json(date_time(status.since_us)) : Json();
  json["reason"] = status.reason;
  return json;
}

Json rendition_json(const hub::Stream& stream) {
  Json json;
  json["name"] = stream.name();
  json["rendition"] = stream.rendition();
  json["path"] = stream.path();
  json["state"] = name(stream.state());
  json["reason"] = why_not_flowing(stream);
  json["alarm"] = alarm(stream);
  json["source"] = source_json(stream);
  const auto& format = stream.format();
  json["codec"] = format ? Json(media::name(format->video.codec)) : Json();
  json["width"] = format ? Json(format->video.size.width_px) : Json();
  json["height"] = format ? Json(format->video.size.height_px) : Json();
  json["frame_rate"] = format && format->video.frame_rate ? Json(format_rate(format->video.frame_rate)) : Json();
  json["audio"] = format && format->audio ? Json(media::name(format->audio->codec)) : Json();
  json["fps"] = rounded(stream.frames_per_second(), 2);
  json["bits_per_second"] = std::llround(stream.bits_per_second());
  const auto age = stream.age_ns();
  json["age_s"] = age ? Json(seconds(*age)) : Json();
  const hub::UnitPtr newest = stream.history().newest_video();
  json["newest_us"] = newest ? Json(newest->packet.pts_us) : Json();
  json["clients"] = stream.client_count();
  json["wanted"] = stream.wanted();
  json["can_rest"] = stream.can_rest();
  json["frames"] = stream.totals().units;
  json["keyframes"] = stream.totals().keyframes;
  json["bytes"] = stream.totals().bytes;
  json["dropped"] = stream.totals().dropped;
  json["created_at"] = date_time(stream.created_at_us());
  json["uptime_seconds"] = seconds(stream.uptime_ns());
  json["total_frames"] = stream.totals().units;
  json["viewer_count"] = stream.client_count();
  json["inactive_seconds"] = seconds(inactive_ns(stream));
  return json;
}

/// The host of "192.0.2.7:80", "[2001:db8::7]:80"; others ("unix") as they are.
std::string_view host_of(std::string_view peer) {
  const std::size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return peer;
  const std::string_view host = peer.substr(0, colon);
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

Json client_of_json(const hub::Stream& stream, const hub::Client& client) {
  const hub::ClientCounters counters = client.counters();
  const std::string peer = client.peer();
  Json json;
  json["id"] = fmt::to_string(client.id());
  json["stream"] = stream.path();
  json["protocol"] = client.protocol();
  json["address"] = host_of(peer);
  json["peer"] = peer;
  json["since"] = date_time(client.connected_at_us());
  json["connected_s"] = rounded(static_cast<double>(realtime_us() - client.connected_at_us()) / 1e6, 1);
  json["frames"] = counters.units;
  json["bytes"] = counters.bytes;
  json["skips"] = counters.skips;
  json["skipped_frames"] = counters.skipped_units;
  json["lag_ms"] = client.lag_us() / 1000;
  const std::optional<hub::ReceiverQuality> quality = client.quality();
  json["loss_fraction"] = quality ? Json(rounded(quality->loss_fraction, 4)) : Json();
  json["packets_lost"] = quality ? Json(quality->packets_lost) : Json();
  json["jitter_ms"] = quality ? Json(rounded(quality->jitter_ms, 2)) : Json();
  json["round_trip_ms"] = quality && quality->round_trip_ms ? Json(rounded(*quality->round_trip_ms, 2)) : Json();
  return json;
}

/// "source lost 12 s ago: Connection refused"
std::string source_lost(const SourceStatus& status) {
  const std::int64_t seconds = std::max<std::int64_t>(0, realtime_us() - status.since_us) / 1'000'000;
  return fmt::format("source lost {} s ago{}{}", seconds, status.reason.empty() ? "" : ": ", status.reason);
}

}  // namespace

std::string why_not_flowing(const hub::Stream& stream) {
  switch (stream.state()) {
    case hub::StreamState::flowing:
      return {};
    case hub::StreamState::waiting:
      return stream.has_source() && !stream.has_writer() ? "no frame yet: nobody writes its ring" : "no frame yet";
    case hub::StreamState::idle:
      return stream.wanted() ? "no frame yet since its writer was asked for some" : "nobody watches";
    case hub::StreamState::stalled:
      if (stream.source_status().lost()) return source_lost(stream.source_status());
      return fmt::format("no frame for {} s{}", stream.age_ns().value_or(0) / 1'000'000'000,
                         stream.has_source() && !stream.has_writer() ? ": nobody writes its ring" : "");
    case hub::StreamState::ended:
      return "the input ended: " + stream.end_reason();
  }
  return {};
}

std::string streams_json(const hub::Hub& hub, const ServerFacts& facts) {
  Json json;
  json["instance"] = facts.instance;
  json["version"] = CAMPIPE_VERSION;
  json["uptime_s"] = rounded(static_cast<double>(realtime_us() - facts.started_at_us) / 1e6, 1);
  json["now_us"] = realtime_us();
  json["http_port"] = facts.http_port > 0 ? Json(facts.http_port) : Json();
  json["rtsp_port"] = facts.rtsp_port > 0 ? Json(facts.rtsp_port) : Json();
  json["count"] = hub.streams().size();
  json["streams"] = Json::array();
  for (const auto& stream : hub.streams()) json["streams"].push_back(rendition_json(*stream));
  return dump(json);
}

std::string stream_json(const std::vector<hub::Stream*>& streams) {
  std::int64_t created_at_us = streams.front()->created_at_us(), uptime_ns = 0, inactive = INT64_MAX;
  std::int64_t newest_us = 0;
  std::uint64_t frames = 0;
  std::size_t viewers = 0, buffered = 0, buffered_bytes = 0;
  bool has_current = false;
  Json renditions = Json::array();
  for (const hub::Stream* stream : streams) {
    created_at_us = std::min(created_at_us, stream->created_at_us());
    uptime_ns = std::max(uptime_ns, stream->uptime_ns());
    inactive = std::min(inactive, inactive_ns(*stream));
    if (const hub::UnitPtr newest = stream->history().newest_video())
      newest_us = std::max(newest_us, newest->packet.pts_us);
    frames += stream->totals().units;
    viewers += stream->client_count();
    buffered += stream->history().size();
    buffered_bytes += stream->history().bytes();
    has_current = has_current || stream->state() == hub::StreamState::flowing;
    renditions.push_back(rendition_json(*stream));
  }
  Json json;
  json["name"] = streams.front()->name();
  json["created_at"] = date_time(created_at_us);
  json["uptime_seconds"] = seconds(uptime_ns);
  json["total_frames"] = frames;
  json["viewer_count"] = viewers;
  json["inactive_seconds"] = seconds(inactive);
  json["last_frame_time"] = newest_us > 0 ? Json(date_time(newest_us)) : Json();
  json["buffer_size"] = buffered;
  json["buffer_bytes"] = buffered_bytes;
  json["has_current_frame"] = has_current;
  json["renditions"] = std::move(renditions);
  return dump(json);
}

std::string clients_json(const hub::Hub& hub) {
  std::vector<hub::Stream*> all;
  for (const auto& stream : hub.streams()) all.push_back(stream.get());
  return clients_json(all);
}

std::string clients_json(const std::vector<hub::Stream*>& streams) {
  Json clients = Json::array();
  std::set<const hub::Client*> told;  // who waits may wait for several
  for (const hub::Stream* stream : streams) {
    for (const hub::Client* client : stream->clients()) {
      if (client != nullptr && told.insert(client).second) clients.push_back(client_of_json(*stream, *client));
    }
  }
  Json json;
  json["count"] = clients.size();
  json["clients"] = std::move(clients);
  return dump(json);
}

std::string client_json(const hub::Hub& hub, const hub::Client& client) {
  for (const auto& stream : hub.streams()) {
    if (std::ranges::find(stream->clients(), &client) != stream->clients().end())
      return dump(client_of_json(*stream, client));
  }
  return dump(Json());
}

Health health(const hub::Hub& hub) {
  std::size_t active = 0, idle = 0, stalled = 0;
  Json reasons = Json::array();
  for (const auto& stream : hub.streams()) {
    const hub::StreamState state = stream->state();
    if (state == hub::StreamState::flowing) ++active;
    if (state == hub::StreamState::idle) ++idle;
    if (state == hub::StreamState::stalled) ++stalled;
    if (state == hub::StreamState::flowing || state == hub::StreamState::idle || !stream->judged()) continue;
    reasons.push_back(fmt::format("{}: {}", stream->path(), why_not_flowing(*stream)));
  }
  for (const std::string& name : hub.required()) {
    if (hub.find(name, "").empty()) reasons.push_back(name + ": required, and there is no such stream");
  }
  if (hub.streams().empty()) reasons.push_back("there is no stream");
  Json unmatched = Json::array();
  for (const std::string& pattern : hub.unmatched()) unmatched.push_back(pattern + ": no ring of such a name");
  const bool good = reasons.empty();
  Json json;
  json["status"] = good ? "healthy" : "degraded";
  json["timestamp"] = date_time(realtime_us());
  json["active_streams"] = active;
  json["idle_streams"] = idle;
  json["stalled_streams"] = stalled;
  json["streams"] = hub.streams().size();
  json["reasons"] = std::move(reasons);
  json["waiting_for"] = std::move(unmatched);
  return {good, dump(json)};
}

}  // namespace campipe::serve::status
