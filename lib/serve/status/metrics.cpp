#include "serve/status/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/faults.hpp"

namespace campipe::serve::status {

namespace {

/// A stream's names are [A-Za-z0-9_-], so nothing in a label needs escaping.
std::string labels(const hub::Stream& stream) {
  return fmt::format("stream=\"{}\",rendition=\"{}\",codec=\"{}\"", stream.name(), stream.rendition(),
                     stream.format() ? media::name(stream.format()->video.codec) : "unknown");
}

class MetricsWriter {
public:
  explicit MetricsWriter(const hub::Hub& hub) : hub_(hub) {}

  void describe(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP campipe_{0} {1}\n# TYPE campipe_{0} {2}\n", name, help, type);
  }
  template <class T>
  void sample(std::string_view name, std::string_view with_labels, T value) {
    fmt::format_to(std::back_inserter(text_), "campipe_{}{{{}}} {}\n", name, with_labels, value);
  }
  template <class Value>
  void each_stream(std::string_view name, std::string_view type, std::string_view help, Value value) {
    describe(name, type, help);
    for (const auto& stream : hub_.streams()) sample(name, labels(*stream), value(*stream));
  }
  void histogram(std::string_view name, std::string_view with_labels, const hub::Histogram& values) {
    auto out = std::back_inserter(text_);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < hub::Histogram::kBoundsUs.size(); ++i) {
      count += values.buckets()[i];
      fmt::format_to(out, "campipe_{}_bucket{{{},le=\"{}\"}} {}\n", name, with_labels,
                     static_cast<double>(hub::Histogram::kBoundsUs[i]) / 1e6, count);
    }
    fmt::format_to(
        out, "campipe_{0}_bucket{{{1},le=\"+Inf\"}} {2}\ncampipe_{0}_sum{{{1}}} {3}\ncampipe_{0}_count{{{1}}} {2}\n",
        name, with_labels, values.count(), values.sum_s());
  }
  void add(std::string_view line) { fmt::format_to(std::back_inserter(text_), "{}\n", line); }
  std::string take() { return std::move(text_); }

private:
  const hub::Hub& hub_;
  std::string text_;
};

void write_clients(MetricsWriter& out, const hub::Hub& hub) {
  std::map<std::string, std::size_t> by_labels;
  std::uint64_t skipped = 0;
  std::int64_t worst_lag_us = 0;
  for (const auto& stream : hub.streams()) {
    for (const hub::Client* client : stream->clients()) {
      if (client == nullptr) continue;
      ++by_labels[fmt::format("{},protocol=\"{}\"", labels(*stream), client->protocol())];
      skipped += client->counters().skipped_units;
      worst_lag_us = std::max(worst_lag_us, client->lag_us());
    }
  }
  out.describe("clients", "gauge", "Clients connected now.");
  for (const auto& [key, count] : by_labels) out.sample("clients", key, count);
  out.describe("clients_skipped_frames", "gauge",
               "Frames that the clients of now did not get because they were too slow.");
  out.sample("clients_skipped_frames", "", skipped);
  out.describe("clients_worst_lag_seconds", "gauge", "Media time that the slowest client of now is behind.");
  out.sample("clients_worst_lag_seconds", "", static_cast<double>(worst_lag_us) / 1e6);
}

/// Of each stream and protocol that has had a client.
class DeliveriesWriter {
public:
  DeliveriesWriter(MetricsWriter& out, const hub::Hub& hub) : out_(out) {
    for (const auto& stream : hub.streams()) {
      for (const hub::Protocol protocol : hub::Deliveries::kProtocols) {
        const hub::Delivered& delivered = stream->deliveries().of(protocol);
        if (delivered.clients > 0)
          rows_.emplace_back(fmt::format("{},protocol=\"{}\"", labels(*stream), name(protocol)), &delivered);
      }
    }
  }
  void counter(std::string_view name, std::string_view help, std::uint64_t hub::Delivered::* value) {
    out_.describe(name, "counter", help);
    for (const auto& [key, delivered] : rows_) out_.sample(name, key, delivered->*value);
  }
  void histogram(std::string_view name, std::string_view help, hub::Histogram hub::Delivered::* values) {
    out_.describe(name, "histogram", help);
    for (const auto& [key, delivered] : rows_) out_.histogram(name, key, delivered->*values);
  }

private:
  MetricsWriter& out_;
  std::vector<std::pair<std::string, const hub::Delivered*>> rows_;
};

void write_deliveries(MetricsWriter& out, const hub::Hub& hub) {
  DeliveriesWriter deliveries(out, hub);
  deliveries.counter("delivered_clients_total", "Clients that began to follow a stream.", &hub::Delivered::clients);
  deliveries.counter("delivered_frames_total", "Video frames whose last byte the kernel has taken.",
                     &hub::Delivered::frames);
  deliveries.counter("delivered_bytes_total", "Bytes of frames and sound that the kernel has taken.",
                     &hub::Delivered::bytes);
  deliveries.counter("skips_total", "Times that a client was too slow and was moved forward.", &hub::Delivered::skips);
  deliveries.counter("skipped_frames_total", "Frames that clients did not get by that.",
                     &hub::Delivered::skipped_frames);
  deliveries.counter("send_calls_total", "System calls that sent.", &hub::Delivered::send_calls);
  deliveries.histogram("client_lag_seconds", "Media time between a frame and the newest one when it was sent.",
                       &hub::Delivered::lag);
  deliveries.histogram("client_join_seconds", "Time from a request until the kernel had all of the first frame.",
                       &hub::Delivered::join);
  deliveries.histogram("client_delay_seconds", "Time from a frame's arrival until the kernel had its last byte.",
                       &hub::Delivered::delay);
  out.describe("stream_fanout_seconds", "histogram",
               "Time from a frame's arrival until each client that could take it at once had been given it.");
  for (const auto& stream : hub.streams())
    out.histogram("stream_fanout_seconds", labels(*stream), stream->deliveries().fanout);
}

}  // namespace

std::string metrics_text(const hub::Hub& hub, const ServerFacts& facts) {
  MetricsWriter out(hub);
  out.describe("build_info", "gauge", "Version of camserve.");
  out.sample("build_info", "version=\"" CAMPIPE_VERSION "\"", 1);
  out.describe("uptime_seconds", "gauge", "Time since camserve started.");
  out.sample("uptime_seconds", "", static_cast<double>(realtime_us() - facts.started_at_us) / 1e6);
  out.each_stream("stream_up", "gauge", "1 while frames come.",
                  [](const hub::Stream& s) { return s.state() == hub::StreamState::flowing ? 1 : 0; });
  out.each_stream("stream_idle", "gauge", "1 while no frames come because nobody wants any.",
                  [](const hub::Stream& s) { return s.state() == hub::StreamState::idle ? 1 : 0; });
  out.each_stream("stream_stalled", "gauge", "1 while frames should come and do not.",
                  [](const hub::Stream& s) { return s.state() == hub::StreamState::stalled ? 1 : 0; });
  out.each_stream("stream_source_lost", "gauge", "1 while the writer says that its source is lost.",
                  [](const hub::Stream& s) { return s.source_status().lost() ? 1 : 0; });
  out.each_stream("stream_wanted", "gauge", "1 while somebody wants frames.",
                  [](const hub::Stream& s) { return s.wanted() ? 1 : 0; });
  out.each_stream("stream_frames_total", "counter", "Video frames that came in.",
                  [](const hub::Stream& s) { return s.totals().units; });
  out.each_stream("stream_keyframes_total", "counter", "Keyframes among them.",
                  [](const hub::Stream& s) { return s.totals().keyframes; });
  out.each_stream("stream_bytes_total", "counter", "Bytes that came in.",
                  [](const hub::Stream& s) { return s.totals().bytes; });
  out.each_stream("stream_dropped_frames_total", "counter",
                  "Frames damaged or missing before camserve; not those that a rest did not make.",
                  [](const hub::Stream& s) { return s.totals().dropped; });
  out.each_stream("stream_format_changes_total", "counter", "Changes of size, codec or parameter sets.",
                  [](const hub::Stream& s) { return s.totals().format_changes; });
  out.each_stream("stream_frames_per_second", "gauge", "Rate of the last two seconds.",
                  [](const hub::Stream& s) { return std::round(s.frames_per_second() * 100) / 100; });
  out.describe("stream_age_seconds", "gauge", "Time since the newest frame came.");
  for (const auto& stream : hub.streams()) {
    if (const auto age = stream->age_ns())
      out.sample("stream_age_seconds", labels(*stream), static_cast<double>(*age) / 1e9);
  }
  write_clients(out, hub);
  write_deliveries(out, hub);
  out.describe("faults_total", "counter", "Exceptions that ended one client, input or request.");
  for (const auto& [kind, count] : faults::counts())
    out.add(fmt::format("campipe_faults_total{{kind=\"{}\"}} {}", kind, count));
  std::string_view family;
  for (const auto& [key, count] : hub.counters()) {  // sorted, so a family is in one piece
    const std::string_view this_family = std::string_view(key).substr(0, key.find('{'));
    if (this_family != family) out.describe(this_family, "counter", "Counted since the start.");
    family = this_family;
    out.add(fmt::format("campipe_{} {}", key, count));
  }
  return out.take();
}

}  // namespace campipe::serve::status
