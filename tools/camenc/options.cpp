#include "options.hpp"

#include <limits>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "cli/plan.hpp"
#include "cli/ring_options.hpp"
#include "wire/bare/plain_writers.hpp"

namespace campipe {

namespace {

constexpr const char* kExamples =
    R"(  camgrab | camenc | camserve                              a camera as MJPEG to browsers
  camgrab | camenc -c h264 -b 4M | camrec /var/lib/video   H.264 to disk
  camgrab | camenc -s 640x -r 10 -q 60 | camserve          smaller, slower, coarser
  camgrab -n 1 | camenc --output-format jpeg > now.jpg     one picture
  camenc -i shm:front.raw -c h264 -o shm:front.h264        from one ring to another
  camgrab | camenc --output-format rawvideo --pixel-format bgr24 | ./vision.py
)";

using codec::Target;
using media::PixelFormat;
using wire::stream::OutputFormat;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ExitCode::usage, why + ": see camenc --help");
}

/// What the options were before they are checked against each other.
struct Words {
  std::string codec, size, preset, pixel_format, output_format = "nut", on_change = "follow";
  std::int64_t frames = 0, quality = 0, gop_frames = 0, bitrate = 0, threads = 0;
  Rational rate{0, 1};
};

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

void declare_source(cli::App& app, EncodeOptions& options, Words& words) {
  app.group("Source");
  app->add_option("-i,--input", options.input, "Where the stream comes from: -, fd:N, a path or shm:NAME (default -)")
      ->type_name("ENDPOINT");
  app->add_option("--input-format", options.input_format,
                  "nut, mjpeg, h264, h265, y4m or rawvideo:PIXFMT:WxH@FPS (default: by the first bytes)")
      ->type_name("FORMAT:{nut,mjpeg,h264,h265,y4m}");
  app->add_option("--on-change", words.on_change, "When the input's format changes: follow or exit (default follow)")
      ->check(CLI::IsMember({"follow", "exit"}))
      ->type_name("WHAT");
}

void declare_output(cli::App& app, EncodeOptions& options, Words& words) {
  app.group("Output");
  app->add_option("-o,--output", options.outputs,
                  "Where it goes: -, fd:N, a path or shm:NAME; may be repeated (default -)")
      ->type_name("ENDPOINT")
      ->allow_extra_args(false);
  app->add_option("--output-format", words.output_format, "nut, jpeg, mjpeg, h264, h265, y4m or rawvideo (default nut)")
      ->type_name("FORMAT:{nut,jpeg,mjpeg,h264,h265,y4m,rawvideo}");
  app.integer("-n,--frames", words.frames, 1, kMost, "End after N frames");
}

void declare_encoding(cli::App& app, Words& words) {
  app.group("Encoding");
  app->add_option("-c,--codec", words.codec, "mjpeg, h264, raw or copy (default mjpeg)")
      ->type_name("CODEC:{mjpeg,h264,raw,copy}");
  app->add_option("-s,--size", words.size, "Scale to WxH; Wx or xH keeps the shape")->type_name("WxH");
  app.frame_rate("-r,--rate", words.rate, "Leave frames out down to FPS; never doubles any");
  app->add_option("--pixel-format", words.pixel_format,
                  "For -c raw: yuv420p, nv12, bgr24, rgb24, gray … (default the source's)")
      ->type_name("FORMAT:{yuv420p,nv12,bgr24,rgb24,gray}");
  app.integer("-q,--quality", words.quality, 1, 100, "MJPEG quality, 1 to 100 (default 80)");
}

void declare_h264(cli::App& app, Words& words) {
  app.bytes("-b,--bitrate", words.bitrate, "H.264 bits per second, e.g. 4M (default by size and rate)", "4M or 800k")
      ->type_name("BITRATE");
  app.integer("-g,--gop", words.gop_frames, 1, 100'000, "H.264 frames from keyframe to keyframe (default 1 s of them)");
  app->add_option("-p,--preset", words.preset,
                  "x264's preset, ultrafast to veryslow (default superfast, above 720p30 ultrafast)")
      ->check(CLI::IsMember(
          {"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"}))
      ->type_name("PRESET");
  app.integer("--threads", words.threads, 1, 64, "For H.264 (default: as many as the pictures need)");
}

std::string no_such_pixel_format(const std::string& word) {
  std::vector<std::string> names;
  for (int i = static_cast<int>(PixelFormat::none) + 1; i <= static_cast<int>(PixelFormat::rgb565le); ++i)
    names.emplace_back(media::name(static_cast<PixelFormat>(i)));
  const std::string meant = did_you_mean(word, names);
  return fmt::format("no such format: {}{}", word, meant.empty() ? ": there are " + listed(names) : meant);
}

/// The codec that goes with an output format when -c is not given.
Target target_for(OutputFormat format) {
  switch (format) {
    case OutputFormat::h264:
      return Target::h264;
    case OutputFormat::y4m:
    case OutputFormat::rawvideo:
      return Target::raw;
    case OutputFormat::h265:
      return Target::copy;
    default:
      return Target::mjpeg;
  }
}

bool fits(Target target, OutputFormat format) {
  return format == OutputFormat::nut || target == Target::copy || target == target_for(format);
}

template <class T>
std::optional<T> given(std::int64_t value) {
  return value > 0 ? std::optional<T>(static_cast<T>(value)) : std::nullopt;
}

void settle_codec(const Words& words, EncodeOptions& options) {
  const auto format = wire::bare::output_format_by_name(words.output_format);
  if (!format) {
    refuse(fmt::format("--output-format: no such format: {}: there are nut, jpeg, mjpeg, h264, h265, y4m and rawvideo",
                       words.output_format));
  }
  options.output_format = *format;
  const auto target = words.codec.empty() ? target_for(*format) : codec::target_by_name(words.codec);
  if (!target) refuse(fmt::format("-c: no such codec: {}: there are mjpeg, h264, raw and copy", words.codec));
  if (!fits(*target, *format))
    refuse(fmt::format("-c {} does not go with --output-format {}", words.codec, words.output_format));
  options.settings.target = *target;
}

/// An option of one encoder with another one would change nothing: say so.
void check_belongs(bool is_given, const char* option, Target belongs_to, const codec::Settings& settings) {
  if (is_given && settings.target != belongs_to) {
    refuse(
        fmt::format("{} is for -c {}, not for -c {}", option, codec::name(belongs_to), codec::name(settings.target)));
  }
}

void settle_settings(const Words& words, EncodeOptions& options) {
  codec::Settings& settings = options.settings;
  check_belongs(words.quality > 0, "-q", Target::mjpeg, settings);
  check_belongs(words.bitrate > 0, "-b", Target::h264, settings);
  check_belongs(words.gop_frames > 0, "-g", Target::h264, settings);
  check_belongs(!words.preset.empty(), "-p", Target::h264, settings);
  check_belongs(!words.pixel_format.empty(), "--pixel-format", Target::raw, settings);
  settings.quality = given<int>(words.quality);
  settings.bitrate = given<std::int64_t>(words.bitrate);
  settings.gop_frames = given<int>(words.gop_frames);
  settings.threads = static_cast<int>(words.threads);
  if (!words.preset.empty()) settings.preset = words.preset;
  if (words.rate) settings.rate = words.rate;
  if (!words.size.empty()) {
    settings.size = codec::parse_size_request(words.size);
    if (!settings.size)
      refuse(fmt::format("-s: cannot use '{}': write it like 1280x720, 1280x or x720, from 16 to 16384", words.size));
    if (settings.target == Target::copy) refuse("-s needs pictures: it does not go with -c copy");
  }
  if (!words.pixel_format.empty()) {
    settings.pixel_format = media::pixel_format_by_name(words.pixel_format);
    if (!settings.pixel_format) refuse("--pixel-format: " + no_such_pixel_format(words.pixel_format));
  } else if (options.output_format == OutputFormat::y4m && settings.target == Target::raw) {
    settings.pixel_format = media::PixelFormat::yuv420p;
  }
  constexpr std::int64_t kLeastBits = 1000, kMostBits = 1'000'000'000;
  if (settings.bitrate && (*settings.bitrate < kLeastBits || *settings.bitrate > kMostBits))
    refuse("-b: from 1k to 1G bits per second, e.g. 4M");
}

cli::Plan plan_of(const EncodeOptions& options) {
  wire::parse_endpoint(options.input);  // throws
  for (const std::string& output : options.outputs) wire::parse_endpoint(output);
  return {.inputs = {options.input}, .outputs = options.outputs, .folders = {}, .listens = {}};
}

}  // namespace

std::optional<int> parse_options(int argc, char** argv, EncodeOptions& options) {
  cli::App app("camenc", "Decodes, scales, thins out and encodes live video on its way through a pipe.", kExamples);
  Words words;
  cli::RingOptions ring;
  declare_source(app, options, words);
  declare_encoding(app, words);
  declare_h264(app, words);
  declare_output(app, options, words);
  ring.add_to(app);
  for (const char* option : {"--fps", "--framerate"}) app.hint(option, "use -r FPS");
  if (const auto code = app.parse(argc, argv)) return code;
  options.common = app.common();
  settle_codec(words, options);
  settle_settings(words, options);
  options.on_change = words.on_change == "exit" ? wire::stream::OnChange::exit : wire::stream::OnChange::follow;
  options.frames = options.output_format == OutputFormat::jpeg ? 1 : static_cast<std::uint64_t>(words.frames);
  if (options.outputs.empty()) options.outputs = {"-"};
  options.ring = ring.settle(app, options.outputs);
  options.demand = {.on_demand = ring.on_demand(), .linger = ring.linger()};
  if (options.common.check) return cli::print(plan_of(options));
  return std::nullopt;
}

}  // namespace campipe
