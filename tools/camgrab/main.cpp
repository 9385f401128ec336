#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"
#include "base/units.hpp"
#include "capture/grab.hpp"
#include "capture/network/source.hpp"
#include "capture/pattern/source.hpp"
#include "capture/reconnecting.hpp"
#include "capture/stop_after.hpp"
#include "capture/v4l2/device_list.hpp"
#include "capture/v4l2/source.hpp"
#include "cli/run.hpp"
#include "cli/signals.hpp"
#include "cli/telemetry.hpp"
#include "ffmpeg/error.hpp"
#include "options.hpp"
#include "remedy.hpp"
#include "wire/open.hpp"

namespace campipe {

namespace {

using capture::SourceKind;

std::unique_ptr<capture::Source> make_pattern(const GrabOptions& options, capture::Host host, StreamClock clock) {
  capture::pattern::Source::Options pattern;
  if (options.size) pattern.size = *options.size;
  if (options.rate) pattern.rate = *options.rate;
  if (options.format &&
      !(options.format->codec == media::VideoCodec::raw && options.format->pixel_format == media::PixelFormat::none)) {
    pattern.pixel_format = options.format->pixel_format;  // none for a codec: refused with what there is
  }
  return std::make_unique<capture::pattern::Source>(pattern, std::move(host), std::move(clock));
}

std::unique_ptr<capture::Source> make_device(const GrabOptions& options, capture::Host host, StreamClock clock) {
  capture::v4l2::Source::Options device{.path = options.source.text,
                                        .wish = {options.size, options.rate, options.format}};
  device.stall_timeout = options.stall_timeout.value_or(device.stall_timeout);
  return std::make_unique<capture::v4l2::Source>(std::move(device), std::move(host), std::move(clock));
}

std::unique_ptr<capture::Source> make_av(const GrabOptions& options, capture::Host host, StreamClock clock) {
  capture::network::Source::Options av{.url = options.source.text,
                                       .is_network = options.source.kind == SourceKind::network};
  av.rtsp_transport = options.rtsp_transport;
  av.connect_timeout = options.timeout;
  av.stall_timeout = options.stall_timeout.value_or(av.stall_timeout);
  av.realtime = options.realtime;
  av.loop = options.loop;
  av.bare_rate = options.rate.value_or(av.bare_rate);
  return std::make_unique<capture::network::Source>(std::move(av), std::move(host), std::move(clock));
}

std::unique_ptr<capture::Source> make_source(const GrabOptions& options, const capture::Host& host,
                                             const StreamClock& clock) {
  std::unique_ptr<capture::Source> source;
  switch (options.source.kind) {
    case SourceKind::pattern:
      return make_pattern(options, host, clock);
    case SourceKind::device:
      source = make_device(options, host, clock);
      break;
    case SourceKind::network:
      source = make_av(options, host, clock);
      break;
    case SourceKind::file:
      source = make_av(options, host, clock);
      if (!options.wait) return source;
      break;
  }
  const capture::Reconnecting::Options again{.reconnect = options.reconnect,
                                             .wait_at_start = options.wait,
                                             .permission_may_pass = options.source.kind == SourceKind::device};
  return std::make_unique<capture::Reconnecting>(std::move(source), again, host);
}

std::vector<wire::OpenedOutput> open_outputs(const GrabOptions& options) {
  std::vector<wire::OpenedOutput> outputs;
  for (const std::string& text : options.outputs) outputs.push_back(wire::open_for_writing(wire::parse_endpoint(text)));
  return outputs;
}

std::vector<capture::Grab::Output> make_writers(std::vector<wire::OpenedOutput> outputs, const GrabOptions& options,
                                                cli::Telemetry& telemetry) {
  std::vector<capture::Grab::Output> writers;
  for (wire::OpenedOutput& output : outputs) {
    const std::string name = output.name;
    struct stat about{};
    const bool file = output.fd && ::fstat(output.fd.get(), &about) == 0 && S_ISREG(about.st_mode);
    if (output.endpoint.kind == wire::Endpoint::Kind::ring && options.source.kind == SourceKind::file &&
        !options.realtime) {
      log::info("{}: the file goes there as fast as it can be read, a ring waits for nobody: --realtime slows it down",
                name);
    }
    auto writer = wire::make_writer(std::move(output), options.output_format, options.ring,
                                    [&telemetry](bool now) { telemetry.blocked(now); });
    writers.push_back({name, std::move(writer), file});
  }
  return writers;
}

/// That of camwatch's chain, else that of the stream which a ring carried before, else a new one.
StreamClock stream_clock(const std::vector<capture::Grab::Output>& writers) {
  if (const auto given = StreamClock::from_environment()) return *given;
  for (const auto& output : writers) {
    if (const auto before = output.writer->inherited()) return before->clock;
  }
  return StreamClock::now();
}

int list(const GrabOptions& options) {
  std::string text;
  if (options.list) {
    const auto devices = capture::v4l2::list_devices();
    text = options.json ? capture::v4l2::devices_json(devices) : capture::v4l2::devices_text(devices);
    if (devices.empty() && !options.json) log::info("no cameras found");
  } else {
    std::string path = options.source.text;
    if (path.empty()) path = capture::v4l2::first_camera();
    capture::v4l2::Device device(path);
    const auto formats = device.formats();
    text = options.json ? capture::v4l2::formats_json(path, device.info(), formats)
                        : capture::v4l2::formats_text(path, device.info(), formats);
  }
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    throw Error(ExitCode::io_error, "stdout: cannot write");
  return 0;
}

/// A password on the command line can be read by everybody on the machine; from here on it cannot.
void hide_password(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string shown = redact_url(argv[i]);
    const std::size_t room = std::strlen(argv[i]);
    if (shown == argv[i]) continue;
    std::memset(argv[i], 0, room);
    std::memcpy(argv[i], shown.data(), std::min(shown.size(), room));
  }
  log::warning("the URL's password stood in the process list: use --url-file or $CAMGRAB_URL");
}

int camgrab(int argc, char** argv) {
  GrabOptions options;
  if (const auto code = parse_options(argc, argv, options)) return *code;
  if (options.list || options.list_formats) return list(options);
  if (options.url_was_argument) hide_password(argc, argv);
  ffmpeg::route_log();
  cli::StopSignal stop;  // first: opening a FIFO waits for its reader
  auto outputs = open_outputs(options);

  const capture::StopAfter end(stop.fd(), options.duration);
  cli::Telemetry telemetry({.stats_interval = options.common.stats});
  std::function<void()> tick;
  const capture::Host host{.stop_fd = end.fd(), .alive = [&] {
                             telemetry.alive();
                             if (tick) tick();
                           }};
  auto writers = make_writers(std::move(outputs), options, telemetry);
  const auto source = make_source(options, host, stream_clock(writers));
  const bool thins = options.rate && options.source.kind != SourceKind::pattern;
  capture::Grab grab(*source, host, std::move(writers), telemetry,
                     {.frames = options.frames,
                      .rate = thins ? *options.rate : Rational{0, 1},
                      .complete_is_end = options.output_format == wire::stream::OutputFormat::jpeg},
                     options.demand);
  tick = [&grab] { grab.tick(); };
  try {
    grab.run();
  } catch (const OutputClosed&) {
    throw;
  } catch (const Error& error) {
    if (grab.frames() > 0 && error.code() != ExitCode::usage) throw;  // it has worked
    throw Error(error.code(), error.what() + remedy_for(error, options));
  }
  if (grab.frames() == 0 && end.is_over() && !stop.stopped() && !options.demand.on_demand) {
    throw Error(ExitCode::bad_data,
                source->name() + ": no frame within " + format_duration(options.duration) + grab.why_none());
  }
  return 0;
}

}  // namespace

}  // namespace campipe

int main(int argc, char** argv) {
  return campipe::cli::run("camgrab", [&] { return campipe::camgrab(argc, argv); });
}
