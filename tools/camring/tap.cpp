#include "tap.hpp"

#include <utility>

#include "base/clock.hpp"
#include "cli/signals.hpp"
#include "cli/telemetry.hpp"
#include "wire/endpoint.hpp"
#include "wire/make_writer.hpp"
#include "wire/open.hpp"
#include "wire/stream/source_relay.hpp"
#include "wire/stream/writer.hpp"

namespace campipe {

int tap(const TapOptions& options) {
  cli::StopSignal stop;
  cli::Telemetry telemetry({.stats_interval = options.stats});
  wire::stream::ReadOptions read;
  read.stop_fd = stop.fd();
  const auto out =
      wire::make_writer(wire::open_output(wire::parse_endpoint("-")), "stdout", wire::stream::OutputFormat::nut,
                        [&telemetry](bool now) { telemetry.blocked(now); });
  wire::stream::SourceRelay relay({.ring = true, .name = "shm:" + options.name});
  SourceStatus told;
  const auto hand_on = [&](bool again) {
    const SourceStatus& status = relay.status();
    const bool news = std::exchange(told, status) != status;
    if (news) telemetry.set_source(status);
    if (news || again) out->set_source(status);
  };
  read.on_idle = [&] {
    telemetry.alive();
    hand_on(true);
  };
  read.on_source = [&](const SourceStatus& status) {
    relay.told(status);
    hand_on(false);
  };
  read.on_writer = [&](bool there) { relay.writer(there); };
  const auto reader = wire::open_reader(wire::parse_endpoint("shm:" + options.name), std::move(read));
  telemetry.ready();
  while (options.frames == 0 || telemetry.frames_out() < options.frames) {
    const wire::stream::Pull event = reader->next();
    telemetry.alive();
    if (event == wire::stream::Pull::end || event == wire::stream::Pull::stopped) break;
    if (event == wire::stream::Pull::format) {
      out->set_format(reader->format());
      relay.rate(reader->format().video.frame_rate);
      continue;
    }
    const media::Packet packet = std::move(reader->packet());
    const bool video = packet.track == media::Track::video;
    if (video) {
      telemetry.frame_in(packet.payload.size());
      relay.frame();
      hand_on(false);
    }
    out->write(packet);
    if (!video) continue;
    telemetry.frame_out(packet.payload.size());
    if (packet.captured_ns) telemetry.latency(monotonic_ns() - *packet.captured_ns);
  }
  return 0;
}

}  // namespace campipe
