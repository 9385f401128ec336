#include <utility>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/run.hpp"
#include "cli/signals.hpp"
#include "cli/telemetry.hpp"
#include "codec/pipeline.hpp"
#include "ffmpeg/error.hpp"
#include "media/inter_coded.hpp"
#include "options.hpp"
#include "outputs.hpp"
#include "wire/open.hpp"
#include "wire/stream/source_relay.hpp"

namespace campipe {

namespace {

std::unique_ptr<wire::stream::Reader> open_reader(const EncodeOptions& options, int stop_fd, cli::Telemetry& telemetry,
                                                  wire::stream::ReadOptions read) {
  read.stop_fd = stop_fd;
  read.input_format = options.input_format;
  read.on_change = options.on_change;
  read.on_waiting = [&telemetry](bool now) { telemetry.set_waiting(now); };
  read.delivery = wire::stream::Delivery::live_pictures;  // a filter that is too slow must skip, or be ever later
  return wire::open_reader(wire::parse_endpoint(options.input), std::move(read));
}

/// What was asked for has been written, the input or the outputs are at their end, or a signal came.
enum class End { complete, input, outputs, stopped };

class Encode {
public:
  Encode(const EncodeOptions& options, cli::Telemetry& telemetry, int stop_fd)
      : input_(wire::shown_input(wire::parse_endpoint(options.input))),
        limit_(options.frames),
        telemetry_(telemetry),
        relay_({.ring = wire::parse_endpoint(options.input).kind == wire::Endpoint::Kind::ring,
                .name = input_,
                .on_demand = options.demand.on_demand}),
        reader_(open_reader(options, stop_fd, telemetry, listeners())),
        outputs_(options.outputs, options.output_format, options.ring, telemetry, options.demand,
                 [this](bool wanted) { demand_changed(wanted); }),
        inherited_(outputs_.inherited()),
        pipeline_(options.settings, {.format = [this](const auto& format) { outputs_.set_format(format); },
                                     .packet = [this](const auto& packet) { write(packet); }}) {}

  void run() {
    telemetry_.ready();
    End end = pump();
    if (end == End::input || end == End::stopped) pipeline_.finish();
    if (limit_ > 0 && written_ == limit_) end = End::complete;
    outputs_.finish(end == End::complete);
    if (end == End::input) complain_of_the_input();
  }

private:
  /// Of what the reader tells, all in its thread, which is ours.
  wire::stream::ReadOptions listeners() {
    wire::stream::ReadOptions read;
    read.on_idle = [this] {
      telemetry_.alive();
      hand_on_source(true);
    };
    read.on_source = [this](const SourceStatus& status) {
      relay_.told(status);
      hand_on_source(false);
    };
    read.on_writer = [this](bool there) {
      relay_.writer(there);
      hand_on_source(false);
    };
    return read;
  }

  /// What the source does, to those behind us; once a second also where it is as it was.
  void hand_on_source(bool again) {
    const SourceStatus& status = relay_.status();
    const bool news = std::exchange(told_, status) != status;
    if (news) telemetry_.set_source(status);
    if (outputs_ready_ && (news || again)) outputs_.set_source(status);
  }

  End pump() {
    outputs_ready_ = true;
    hand_on_source(true);
    for (;;) {
      const wire::stream::Pull event = reader_->next();
      telemetry_.alive();
      if (event == wire::stream::Pull::end) return End::input;
      if (event == wire::stream::Pull::stopped) return End::stopped;
      if (event == wire::stream::Pull::format) set_format(reader_->format());
      if (event == wire::stream::Pull::packet) push(std::move(reader_->packet()));
      if (limit_ > 0 && written_ == limit_) return End::complete;
      if (outputs_.all_closed()) return End::outputs;
    }
  }

  /// In a thread of Demand's. Who reads our ring wants frames, so we want those we make them of; the other way round
  /// as well.
  void demand_changed(bool wanted) {
    relay_.set_wanted(wanted);
    reader_->set_wanted(wanted);
    log::info("{}", wanted ? "frames are wanted again" : "nobody wants frames: resting until somebody does");
  }

  /// Whether the packet is to be left alone because nobody wants what would come of it.
  bool rests(media::Packet& packet) {
    if (!outputs_.demand().wanted()) return resting_ = true;
    if (!resting_) return false;
    const bool inter = media::is_inter_coded(reader_->format().video.codec);
    if (packet.track == media::Track::audio || (inter && !packet.keyframe)) return true;
    resting_ = false;
    packet.discontinuity = true;
    pipeline_.force_keyframe();
    return false;
  }

  /// What the camenc before us has put into the ring is not put there once more.
  void set_format(const media::StreamFormat& format) {
    const auto before = std::exchange(inherited_, std::nullopt);
    if (before && before->newest_pts_us && format.clock == before->clock)
      pipeline_.resume_after(*before->newest_pts_us);
    relay_.rate(format.video.frame_rate);
    pipeline_.set_format(format);
  }

  void push(media::Packet packet) {
    if (packet.track == media::Track::video) relay_.frame();
    hand_on_source(false);
    if (rests(packet)) return;
    if (outputs_.demand().take_keyframe_wish() && !pipeline_.force_keyframe()) reader_->request_keyframe();
    if (packet.track == media::Track::video) telemetry_.frame_in(packet.payload.size());
    if (const std::uint64_t dropped = reader_->stats().dropped; dropped > told_dropped_)
      telemetry_.drop(dropped - std::exchange(told_dropped_, dropped));
    const std::uint64_t broken = pipeline_.stats().broken;
    pipeline_.push(std::move(packet));
    if (pipeline_.stats().broken > broken) telemetry_.drop();
  }

  void write(const media::Packet& packet) {
    if (limit_ > 0 && written_ == limit_) return;
    outputs_.offer(packet);
    if (packet.track != media::Track::video) return;
    ++written_;
    telemetry_.frame_out(packet.payload.size());
    if (packet.captured_ns) telemetry_.latency(monotonic_ns() - *packet.captured_ns);
  }

  void complain_of_the_input() const {
    const auto& stats = pipeline_.stats();
    if (written_ == 0 && stats.frames_in == 0) {
      throw Error(ExitCode::bad_data, input_ + ": ended before its first frame: look at what the source says");
    }
    if (written_ == 0) {
      const std::string& why = pipeline_.last_complaint();
      throw Error(ExitCode::bad_data, fmt::format("{}: none of {} frames could be decoded: {}", input_, stats.frames_in,
                                                  why.empty() ? "no keyframe among them" : why));
    }
    if (reader_->stats().truncated) throw Error(ExitCode::bad_data, input_ + ": ended in the middle of a frame");
  }

  std::string input_;
  std::uint64_t limit_, written_ = 0, told_dropped_ = 0;
  bool resting_ = false;
  cli::Telemetry& telemetry_;
  wire::stream::SourceRelay relay_;
  std::optional<SourceStatus> told_;
  bool outputs_ready_ = false;
  std::unique_ptr<wire::stream::Reader> reader_;
  Outputs outputs_;
  std::optional<wire::stream::Inherited> inherited_;
  codec::Pipeline pipeline_;
};

int camenc(int argc, char** argv) {
  EncodeOptions options;
  if (const auto code = parse_options(argc, argv, options)) return *code;
  ffmpeg::route_log();
  cli::StopSignal stop;
  cli::Telemetry telemetry({.stats_interval = options.common.stats});
  Encode(options, telemetry, stop.fd()).run();
  return 0;
}

}  // namespace

}  // namespace campipe

int main(int argc, char** argv) {
  return campipe::cli::run("camenc", [&] { return campipe::camenc(argc, argv); });
}
