#include "options.hpp"

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/redact.hpp"
#include "cli/plan.hpp"
#include "cli/ring_options.hpp"
#include "wire/bare/plain_writers.hpp"

namespace campipe {

namespace {

using capture::SourceKind;

constexpr const char* kExamples =
    R"(  camgrab | camenc | camserve                       the first camera on http://127.0.0.1:8080/
  camgrab --list                                    what cameras there are
  camgrab 0 -s 1280x720 -r 30 | mpv -               look at /dev/video0
  camgrab 0 -f h264 --wait | camrec /rec            record a camera's own H.264, wait until it is plugged in
  camgrab rtsp://camera.lan/stream | camserve       pass an RTSP camera on
  camgrab --url-file /etc/cam.url | camrec /rec     a URL with a password, kept out of the process list
  camgrab film.mp4 --realtime --loop | camserve     a file as if it were a camera
  camgrab pattern -n 300 -o a.nut -o b.nut          ten seconds of the test pattern, twice
  camgrab 0 -o shm:front.raw                        for any number of readers, each with camenc -i shm:front.raw
)";

struct Texts {
  std::string source, format, url_file, output_format = "nut";
  Size size;
  Rational rate{0, 1};
  std::int64_t frames = 0;
  std::chrono::nanoseconds stall{-1};
  bool no_reconnect = false;
};

void add_source_options(cli::App& app, GrabOptions& options, Texts& texts) {
  app->add_option("source", texts.source,
                  "auto (first camera), N or /dev/videoN, pattern, a URL, a file (default auto)")
      ->type_name("SOURCE:{auto,pattern}");
  app.group("Source");
  app.size("-s,--size", texts.size, "Picture size of a camera or the pattern");
  app.frame_rate("-r,--rate", texts.rate, "Frames a second; raw and MJPEG of faster cameras are thinned out");
  app->add_option("-f,--format", texts.format,
                  "mjpeg, h264, h265, raw, yuyv, nv12, yuv420p, rgb24, … of a camera or the pattern")
      ->type_name("FORMAT:{mjpeg,h264,h265,raw,yuyv,nv12,yuv420p,rgb24}");
  app->add_flag("--wait", options.wait, "Wait for a source that is not there yet instead of failing");
  app->add_flag("--no-reconnect", texts.no_reconnect, "End with 74 when the source is lost");
  app.duration("--stall-timeout", texts.stall,
               "Reopen a source silent for DURATION, 0s never (default 5s, network 10s)");
  app->add_flag("--realtime", options.realtime, "Read a file at its own pace, as if it were live");
  app->add_flag("--loop", options.loop, "Start a file again at its end, for ever");
}

void add_network_options(cli::App& app, GrabOptions& options, Texts& texts) {
  app.group("Network");
  app->add_option("--url-file", texts.url_file, "Take the URL from the first line of FILE; $CAMGRAB_URL does it too")
      ->type_name("FILE");
  app->add_option("--rtsp-transport", options.rtsp_transport, "tcp or udp (default tcp)")
      ->check(CLI::IsMember({"tcp", "udp"}))
      ->type_name("PROTOCOL");
  app.duration("--timeout", options.timeout, "Give up connecting to a server after DURATION (default 10s)");
}

void add_output_options(cli::App& app, GrabOptions& options, Texts& texts) {
  app.group("Output");
  app->add_option("-o,--output", options.outputs,
                  "-, fd:N, a path or shm:NAME; may be repeated, each drops on its own (default -)")
      ->type_name("ENDPOINT")
      ->allow_extra_args(false);
  app->add_option("--output-format", texts.output_format, "nut, mjpeg, jpeg, h264, h265, y4m or rawvideo (default nut)")
      ->type_name("FORMAT:{nut,mjpeg,jpeg,h264,h265,y4m,rawvideo}");
  app.integer("-n,--frames", texts.frames, 1, std::numeric_limits<std::int64_t>::max(), "End after N frames");
  app.duration("--duration", options.duration, "End after DURATION");
}

void add_list_options(cli::App& app, GrabOptions& options) {
  app.group("Lists");
  app->add_flag("--list", options.list, "List the cameras and end");
  app->add_flag("--list-formats", options.list_formats, "List what SOURCE, a camera, offers and end");
  app->add_flag("--json", options.json, "Lists as JSON");
}

/// What was given as a URL may be a path, too, but then of something. It is not printed: it may be a password.
capture::SourceName checked_url(capture::SourceName source, const GrabOptions& options, const std::string& where) {
  std::error_code error;
  if (source.kind == SourceKind::file && !options.wait && !options.common.check &&
      !std::filesystem::exists(source.text, error) && !error)
    throw Error(ExitCode::no_input, where + " is no URL, device or file: write it like rtsp://user:password@host/path");
  return source;
}

capture::SourceName find_source(const Texts& texts, GrabOptions& options) {
  if (!texts.url_file.empty()) {
    if (!texts.source.empty()) throw Error(ExitCode::usage, "--url-file: there is a SOURCE already: give one of them");
    return checked_url(capture::parse_source(capture::read_url_file(texts.url_file)), options,
                       texts.url_file + ": its first line");
  }
  if (!texts.source.empty()) {
    options.url_was_argument = redact_url(texts.source) != texts.source;
    return capture::parse_source(texts.source);
  }
  const char* url = std::getenv("CAMGRAB_URL");
  if (url == nullptr || *url == '\0') return capture::parse_source("auto");
  return checked_url(capture::parse_source(url), options, "$CAMGRAB_URL");
}

/// An option that the source cannot obey is refused, not ignored.
void check_source_options(cli::App& app, const GrabOptions& options) {
  const SourceKind kind = options.source.kind;
  const bool has_size = kind == SourceKind::device || kind == SourceKind::pattern;
  const bool is_file =
      kind == SourceKind::file || (kind == SourceKind::network && options.source.text.starts_with("http"));
  const auto only = [&](const char* option, bool fits, const char* rule) {
    if (app->get_option(option)->count() > 0 && !fits)
      throw Error(ExitCode::usage, std::string(option) + ": " + rule + ": see camgrab --help");
  };
  only("--size", has_size, "the source has its own size, camenc -s scales");
  only("--format", has_size, "the source has its own format, camenc -c converts");
  only("--realtime", is_file, "only a file can be slowed down");
  only("--on-demand", kind != SourceKind::file, "a file is read to its end");
  only("--loop", kind == SourceKind::file, "only a file can start again");
  only("--rtsp-transport", options.source.text.starts_with("rtsp"), "the source is no RTSP URL");
  only("--timeout", kind == SourceKind::network, "the source is no URL");
  only("--json", options.list || options.list_formats, "only --list and --list-formats have it");
  only("--list-formats", kind == SourceKind::device,
       "only cameras have it; camgrab SOURCE -n 1 -o /dev/null --stats 1s tells what comes");
}

std::string no_such_format(const std::string& word) {
  const std::vector<std::string> names{"mjpeg", "h264",    "h265",  "raw",   "yuyv",
                                       "nv12",  "yuv420p", "rgb24", "bgr24", "gray"};
  const std::string what = "no such format: " + word, meant = did_you_mean(word, names);
  if (!meant.empty()) return what + meant;
  return what + ": there are " + listed(names) + "; a camera's own: camgrab --list-formats";
}

/// Options of the programs before and behind it.
void add_hints(cli::App& app) {
  for (const char* option : {"-c", "--codec", "-q", "--quality", "-b", "--bitrate"})
    app.hint(option, std::string("camgrab does not encode: put camenc ") + option + " behind it");
  for (const char* option : {"-i", "--input", "-d", "--device"})
    app.hint(option, "the source is given without: camgrab SOURCE");
  for (const char* option : {"--fps", "--framerate"}) app.hint(option, "use -r FPS");
}

cli::Plan plan_of(const GrabOptions& options) {
  cli::Plan plan{.inputs = {}, .outputs = options.outputs, .folders = {}, .listens = {}, .waits = options.wait};
  for (const std::string& output : options.outputs) wire::parse_endpoint(output);  // throws
  const bool has_path = options.source.kind == SourceKind::device || options.source.kind == SourceKind::file;
  if (has_path && !options.source.text.empty()) plan.inputs.push_back(options.source.text);
  if (options.list || options.list_formats) plan.outputs.clear();
  return plan;
}

}  // namespace

std::optional<int> parse_options(int argc, char** argv, GrabOptions& options) {
  cli::App app("camgrab",
               "Takes live video from a camera, the network, a file or a test pattern and writes it to pipes.",
               kExamples);
  Texts texts;
  cli::RingOptions ring;
  add_source_options(app, options, texts);
  add_network_options(app, options, texts);
  add_output_options(app, options, texts);
  ring.add_to(app);
  add_list_options(app, options);
  add_hints(app);
  if (const auto code = app.parse(argc, argv)) return code;

  options.common = app.common();
  options.ring = ring.settle(app, options.outputs);
  options.demand = {.on_demand = ring.on_demand(), .linger = ring.linger()};
  options.source = find_source(texts, options);
  check_source_options(app, options);
  options.frames = static_cast<std::uint64_t>(texts.frames);
  options.reconnect = !texts.no_reconnect;
  if (texts.size.width_px > 0) options.size = texts.size;
  if (texts.rate) options.rate = texts.rate;
  if (texts.stall.count() >= 0) options.stall_timeout = texts.stall;
  if (!texts.format.empty()) {
    options.format = capture::v4l2::parse_format_wish(texts.format);
    if (!options.format) throw Error(ExitCode::usage, "--format: " + no_such_format(texts.format));
  }
  const auto format = wire::bare::output_format_by_name(texts.output_format);
  if (!format)
    throw Error(ExitCode::usage, "--output-format: no such format: " + texts.output_format +
                                     ": there are nut, mjpeg, jpeg, h264, h265, y4m and rawvideo");
  options.output_format = *format;
  options.output_format_name = texts.output_format;
  if (options.common.check) return cli::print(plan_of(options));
  return std::nullopt;
}

}  // namespace campipe
