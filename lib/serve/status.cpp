#include "serve/status.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"

namespace campipe::serve {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

Json stream_json(const Stream& stream) {
  Json json;
  json["name"] = stream.name();
  json["rendition"] = stream.rendition();
  json["path"] = stream.path();
  json["state"] = name(stream.state());
  json["reason"] = why_not_flowing(stream);
  const auto& format = stream.format();
  json["codec"] = format ? Json(media::name(format->video.codec)) : Json();
  json["width"] = format ? Json(format->video.size.width_px) : Json();
  json["height"] = format ? Json(format->video.size.height_px) : Json();
  json["frame_rate"] = format && format->video.frame_rate ? Json(format_rate(format->video.frame_rate)) : Json();
  json["audio"] = format && format->audio ? Json(media::name(format->audio->codec)) : Json();
  json["fps"] = rounded(stream.frames_per_second(), 2);
  json["bits_per_second"] = std::llround(stream.bits_per_second());
  const auto age = stream.age_ns();
  json["age_s"] = age ? Json(rounded(static_cast<double>(*age) / 1e9, 3)) : Json();
  const UnitPtr newest = stream.history().newest_video();
  json["newest_us"] = newest ? Json(newest->packet.pts_us) : Json();
  json["clients"] = stream.client_count();
  json["wanted"] = stream.wanted();
  json["can_rest"] = stream.has_source();  // who writes it is told whether frames are wanted
  json["frames"] = stream.totals().units;
  json["keyframes"] = stream.totals().keyframes;
  json["bytes"] = stream.totals().bytes;
  json["dropped"] = stream.totals().dropped;
  return json;
}

Json client_json(const Stream& stream, const Client& client) {
  const ClientCounters counters = client.counters();
  Json json;
  json["stream"] = stream.path();
  json["protocol"] = client.protocol();
  json["peer"] = client.peer();
  json["connected_s"] = rounded(static_cast<double>(realtime_us() - client.connected_at_us()) / 1e6, 1);
  json["frames"] = counters.units;
  json["bytes"] = counters.bytes;
  json["skips"] = counters.skips;
  json["skipped_frames"] = counters.skipped_units;
  json["lag_ms"] = client.lag_us() / 1000;
  const std::optional<ReceiverQuality> quality = client.quality();
  json["loss_fraction"] = quality ? Json(rounded(quality->loss_fraction, 4)) : Json();
  json["packets_lost"] = quality ? Json(quality->packets_lost) : Json();
  json["jitter_ms"] = quality ? Json(rounded(quality->jitter_ms, 2)) : Json();
  json["round_trip_ms"] = quality && quality->round_trip_ms ? Json(rounded(*quality->round_trip_ms, 2)) : Json();
  return json;
}

}  // namespace

std::string why_not_flowing(const Stream& stream) {
  switch (stream.state()) {
    case StreamState::flowing:
      return {};
    case StreamState::waiting:
      return stream.has_source() && !stream.has_writer() ? "no frame yet: nobody writes its ring" : "no frame yet";
    case StreamState::idle:
      return stream.wanted() ? "no frame yet since its writer was asked for some" : "nobody watches";
    case StreamState::stalled:
      return fmt::format("no frame for {} s{}", stream.age_ns().value_or(0) / 1'000'000'000,
                         stream.has_source() && !stream.has_writer() ? ": nobody writes its ring" : "");
    case StreamState::ended:
      return "the input ended: " + stream.end_reason();
  }
  return {};
}

std::string streams_json(const Hub& hub, const ServerFacts& facts) {
  Json json;
  json["instance"] = facts.instance;
  json["version"] = CAMPIPE_VERSION;
  json["uptime_s"] = rounded(static_cast<double>(realtime_us() - facts.started_at_us) / 1e6, 1);
  json["now_us"] = realtime_us();
  json["http_port"] = facts.http_port > 0 ? Json(facts.http_port) : Json();
  json["rtsp_port"] = facts.rtsp_port > 0 ? Json(facts.rtsp_port) : Json();
  json["streams"] = Json::array();
  for (const auto& stream : hub.streams()) json["streams"].push_back(stream_json(*stream));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string clients_json(const Hub& hub) {
  Json json;
  json["clients"] = Json::array();
  for (const auto& stream : hub.streams()) {
    for (const Client* client : stream->clients()) {
      if (client != nullptr) json["clients"].push_back(client_json(*stream, *client));
    }
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Health health(const Hub& hub) {
  Health health{true, {}};
  for (const auto& stream : hub.streams()) {
    const std::string why = why_not_flowing(*stream);
    if (why.empty() || stream->state() == StreamState::idle) continue;
    health.good = false;
    fmt::format_to(std::back_inserter(health.text), "{}: {}\n", stream->path(), why);
  }
  if (hub.streams().empty()) health.good = false;
  if (health.good) health.text = "ok\n";
  for (const std::string& pattern : hub.unmatched())
    fmt::format_to(std::back_inserter(health.text), "{}: no ring of such a name\n", pattern);
  return health;
}

}  // namespace campipe::serve
