#include "load/report.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace fanout {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

void put(Json& json, const std::string& name, Samples& samples, std::initializer_list<int> percentiles) {
  for (const int p : percentiles)
    json[name + (p == 100 ? "_max_ms" : "_p" + std::to_string(p) + "_ms")] = rounded(samples.percentile(p));
}

struct Sums {
  Samples frames;
  std::uint64_t lost = 0, lost_packets = 0, undecodable = 0, damaged = 0;
  int closed = 0, refused = 0, without_frame = 0;
  double closed_after_s = 0;
  std::string reason;
};

Sums sum(const std::vector<std::unique_ptr<Client>>& clients, Role role) {
  Sums sums;
  for (const auto& client : clients) {
    if (client->role() != role) continue;
    FrameMeter& meter = client->meter();
    sums.frames.add(static_cast<double>(meter.frames()));
    sums.lost += meter.lost();
    sums.lost_packets += meter.lost_packets();
    sums.undecodable += meter.undecodable_frames();
    sums.damaged += meter.damaged_frames();
    sums.without_frame += meter.any() ? 0 : 1;
    if (!client->reason().empty()) {
      ++sums.refused;
      sums.reason = client->reason();
    } else if (client->closed()) {
      ++sums.closed;
      sums.closed_after_s = std::max(sums.closed_after_s, client->played_s());
    }
  }
  return sums;
}

}  // namespace

std::string report(const Options& options, const std::vector<std::unique_ptr<Client>>& clients, Totals& good,
                   Totals& slow, double window_s, const Use& before, const Use& after) {
  Sums sums = sum(clients, Role::good), slow_sums = sum(clients, Role::slow), stalled = sum(clients, Role::stalled);
  Json json;
  json["clients"] = options.good;
  json["stalled"] = options.stalled;
  json["slow"] = options.slow;
  json["seconds"] = rounded(window_s);
  json["receiver"] = options.protocol == Protocol::mjpeg && options.discard ? "discards" : "copies";
  json["frames_min"] = sums.frames.percentile(0);
  json["frames_median"] = sums.frames.percentile(50);
  json["fps_min"] = rounded(sums.frames.percentile(0) / window_s);
  json["fps_median"] = rounded(sums.frames.percentile(50) / window_s);
  json["lost"] = sums.lost;
  json["lost_packets"] = sums.lost_packets;
  json["damaged"] = sums.damaged;
  json["undecodable"] = sums.undecodable;
  put(json, "gap", good.gap_ms, {50, 99, 100});
  Samples& age = good.stamp_age_ms.size() > 0 ? good.stamp_age_ms : good.told_age_ms;
  json["age_by"] = good.stamp_age_ms.size() > 0 ? "stamp" : "server";
  put(json, "age", age, {50, 95, 99, 100});
  put(json, "first_frame", good.first_frame_ms, {50, 95, 99, 100});
  put(json, "first_key", good.first_key_ms, {50, 95, 99, 100});
  put(json, "connected_frame", good.connected_frame_ms, {50, 95, 99, 100});
  json["joined"] = good.first_frame_ms.size();
  json["without_frame"] = sums.without_frame;
  json["mbit_s"] = rounded(static_cast<double>(good.bytes) * 8 / 1e6 / window_s);
  json["good_closed"] = sums.closed + sums.refused;
  json["refused"] = sums.refused;
  json["refused_reason"] = sums.reason;
  json["stalled_closed"] = stalled.closed;
  json["stalled_closed_after_s"] = rounded(stalled.closed_after_s);
  json["slow_frames_median"] = slow_sums.frames.percentile(50);
  json["slow_undecodable"] = slow_sums.undecodable;
  json["slow_lost_packets"] = slow_sums.lost_packets;
  json["slow_closed"] = slow_sums.closed;
  put(json, "slow_age", slow.stamp_age_ms, {50, 99});
  json["server_cpu_percent"] =
      rounded(static_cast<double>(after.server.cpu_ns - before.server.cpu_ns) / 1e7 / window_s);
  json["load_cpu_percent"] = rounded(static_cast<double>(after.self.cpu_ns - before.self.cpu_ns) / 1e7 / window_s);
  json["server_anonymous_kib"] = after.server.anonymous_kib;
  json["server_anonymous_before_kib"] = before.server.anonymous_kib;
  json["server_threads"] = after.server.threads;
  json["server_descriptors"] = after.server.descriptors;
  json["server_switches_s"] =
      rounded(static_cast<double>(after.server.voluntary_switches - before.server.voluntary_switches) / window_s);
  json["udp_receive_drops"] = after.udp_drops - before.udp_drops;
  return json.dump();
}

}  // namespace fanout
