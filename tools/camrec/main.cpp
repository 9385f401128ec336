#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/units.hpp"
#include "cli/app.hpp"
#include "cli/plan.hpp"
#include "cli/run.hpp"
#include "cli/signals.hpp"
#include "cli/telemetry.hpp"
#include "ffmpeg/error.hpp"
#include "record/recording.hpp"
#include "wire/open.hpp"

namespace {

using namespace campipe;

constexpr const char* kDescription =
    "Records a live stream into files: whole ones at any moment, the oldest deleted in time";

constexpr const char* kExamples =
    "  camgrab pattern | camenc -c h264 | camrec /rec\n"
    "  camgrab --url-file front.url | camrec --name front --keep 30d --max-size 500G /rec\n"
    "  camgrab 0 -f mjpeg | camrec --segment 1m --min-free 20G /rec";

struct Options {
  std::string input = "-";
  std::string input_format;
  std::string name;
  std::string container = "auto";
  std::string min_free = "5%";
  record::Recording::Options recording;
};

void add_options(cli::App& app, Options& options) {
  app.group("Source");
  app->add_option("-i,--input", options.input, "Where the stream comes from: -, fd:N, PATH or shm:NAME (default -)")
      ->type_name("ENDPOINT");
  app->add_option("--input-format", options.input_format, "nut, mjpeg, h264 or h265 (default: by its first bytes)")
      ->type_name("FORMAT:{nut,mjpeg,h264,h265}");
  app.group("Files and limits");
  app->add_option("--name", options.name, "Folder of this camera in DIR (default cam, or the ring's name)")
      ->type_name("NAME");
  app.duration("--segment", options.recording.segment,
               "Length of a file, which ends at the next keyframe (default 10m)");
  app.duration("--keep", options.recording.limits.keep, "Delete files older than this; 0 keeps all (default 7d)",
               "12h or 7d; 0 keeps everything");
  app.bytes("--max-size", options.recording.limits.max_bytes,
            "Delete the oldest when all files of NAME take more; 0 = no limit (default 0)");
  app->add_option("--min-free", options.min_free,
                  "Delete the oldest when less of the disk is free: 5% or bytes; 0 = no limit (default 5%)")
      ->type_name("SHARE");
  app->add_option("--container", options.container,
                  "auto, mp4, mkv or ts (default auto: mp4, or mkv for what mp4 players do not expect)")
      ->check(CLI::IsMember({"auto", "mp4", "mkv", "ts"}))
      ->type_name("FORMAT");
  app->add_option("dir", options.recording.root, "Where to record; files go to DIR/NAME/YYYY-MM-DD/HH in UTC")
      ->required()
      ->type_name("DIR");
}

std::string default_name(const wire::Endpoint& endpoint) {
  return endpoint.kind == wire::Endpoint::Kind::ring ? endpoint.name.substr(0, endpoint.name.find('.')) : "cam";
}

record::Pace::Source source_of(const wire::Endpoint& endpoint) {
  if (endpoint.kind == wire::Endpoint::Kind::ring) return record::Pace::Source::ring;
  return wire::is_file(endpoint) ? record::Pace::Source::file : record::Pace::Source::measured;
}

void check(Options& options, const wire::Endpoint& endpoint) {
  using namespace std::chrono_literals;
  record::Recording::Options& recording = options.recording;
  recording.name = options.name.empty() ? default_name(endpoint) : options.name;
  if (!wire::is_stream_name(recording.name)) {
    throw Error(ExitCode::usage, "--name: cannot use '" + recording.name + "': letters, digits, - and _, at most 64");
  }
  if (recording.segment < 1s || recording.segment > 24h) {
    throw Error(ExitCode::usage, "--segment: cannot use " + format_duration(recording.segment) + ": from 1s to 24h");
  }
  const auto min_free = record::library::parse_min_free(options.min_free);
  if (!min_free)
    throw Error(ExitCode::usage, "--min-free: cannot use '" + options.min_free + "': write it like 5% or 20G");
  recording.limits.min_free = *min_free;
  recording.container = record::segment::container_by_name(options.container);
}

int run(int argc, char** argv) {
  using namespace std::chrono_literals;
  Options options;
  options.recording.limits.keep = 7 * 24h;
  cli::App app("camrec", kDescription, kExamples);
  add_options(app, options);
  for (const char* option : {"-o", "--output", "--dir"}) app.hint(option, "the folder is given without: camrec DIR");
  if (const auto code = app.parse(argc, argv)) return *code;
  const wire::Endpoint endpoint = wire::parse_endpoint(options.input);
  check(options, endpoint);
  if (app.common().check)
    return cli::print({.inputs = {options.input}, .outputs = {}, .folders = {options.recording.root}, .listens = {}});

  cli::StopSignal stop(10s);  // finishing a segment on a slow disk takes its time
  ffmpeg::route_log();
  options.recording.source = source_of(endpoint);
  cli::Telemetry telemetry({.stats_interval = app.common().stats});
  wire::stream::ReadOptions read_options{.stop_fd = stop.fd(), .input_format = options.input_format};
  read_options.on_idle = [&] { telemetry.alive(); };
  read_options.on_waiting = [&](bool now) { telemetry.set_waiting(now); };
  SourceStatus source;
  read_options.on_source = [&, name = wire::shown_input(endpoint)](const SourceStatus& status) {
    const SourceStatus before = std::exchange(source, status);
    if (status.lost() && !before.lost()) log::warning("{}: its source is lost: {}", name, status.reason);
    if (before.lost() && !status.lost()) log::info("{}: its source is back", name);
    telemetry.set_source(status);
  };
  const auto reader = wire::open_reader(endpoint, std::move(read_options));
  record::Recording recording(std::move(options.recording));
  return recording.run(*reader, telemetry,
                       {.request = [&] { stop.request(); }, .wanted = [&] { return stop.stopped(); }});
}

}  // namespace

int main(int argc, char** argv) {
  return campipe::cli::run("camrec", [&] { return run(argc, argv); });
}
