// Plays a recorded clip as a source that never loses a frame, so that whatever a client of it misses was lost behind
// it.
//
//   clip_player CLIP OUTPUT FPS     CLIP: a NUT file; OUTPUT: -, a path, shm:NAME
//
// The clip runs round and round, one frame each 1/FPS s, with exact times and sequence numbers; a frame that is late is
// sent as soon as possible, never left out. Lines on stdin change what comes from the next frame on:
//   step SECONDS   the clock jumps, forward or back
//   pause | go     nothing comes | it goes on where it stopped, in the time of the day
//   clip CLIP      another one from its beginning: another size, another codec
//   half           half a frame, then it is dead (as after a SIGKILL in the middle of a write); paths only
// The end of stdin ends it.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "media/packet.hpp"
#include "wire/open.hpp"

namespace campipe {
namespace {

struct Clip {
  media::StreamFormat format;
  std::vector<media::Packet> packets;
};

Clip read_clip(const std::string& path) {
  Clip clip;
  const auto reader = wire::open_reader(wire::parse_endpoint(path), {});
  for (auto pull = reader->next(); pull != wire::stream::Pull::end; pull = reader->next()) {
    if (pull == wire::stream::Pull::format) clip.format = reader->format();
    if (pull == wire::stream::Pull::packet) clip.packets.push_back(reader->packet());
  }
  if (clip.packets.empty()) throw Error(ExitCode::bad_data, path + ": no frame");
  clip.format.clock.reset();
  return clip;
}

class Player {
public:
  Player(const std::string& clip, const std::string& output, int fps)
      : clip_(read_clip(clip)), fps_(fps), output_(wire::parse_endpoint(output)) {
    auto opened = wire::open_for_writing(output_);
    if (opened.fd) fd_ = Fd(::fcntl(opened.fd.get(), F_DUPFD_CLOEXEC, 0));
    writer_ = wire::make_writer(std::move(opened), wire::stream::OutputFormat::nut, ring_options());
    use_format();
  }

  void run() {
    begin();
    for (;;) {
      const std::int64_t wait_ms = paused_ ? 1000 : (due_ns() - monotonic_ns() + 999'999) / 1'000'000;
      pollfd in{STDIN_FILENO, POLLIN, 0};
      if (::poll(&in, 1, static_cast<int>(wait_ms > 0 ? wait_ms : 0)) > 0) {
        if (!take_commands()) return;
        continue;
      }
      if (!paused_ && monotonic_ns() >= due_ns()) send();
    }
  }

private:
  wire::RingOptions ring_options() const {
    wire::RingOptions options;
    options.name = output_.name;
    return options;
  }

  void use_format() {
    clip_.format.video.frame_rate = Rational{fps_, 1};
    writer_->set_format(clip_.format);
  }

  /// Counts frames from now on.
  void begin() {
    begin_ns_ = monotonic_ns();
    begin_us_ = realtime_us();
    frame_ = 0;
  }

  std::int64_t after_ns() const { return frame_ * 1'000'000'000 / fps_; }
  std::int64_t due_ns() const { return begin_ns_ + after_ns(); }

  void send() {
    media::Packet packet = clip_.packets[at_++ % clip_.packets.size()];
    packet.pts_us = begin_us_ + after_ns() / 1000 + step_us_;
    packet.dts_us.reset();
    packet.captured_ns.reset();
    packet.sequence = sequence_++;
    packet.discontinuity = std::exchange(torn_, false);
    writer_->write(packet);
    ++frame_;
  }

  bool take_commands() {
    char text[4096];
    const ssize_t got = ::read(STDIN_FILENO, text, sizeof text);
    if (got <= 0) return false;
    pending_.append(text, static_cast<std::size_t>(got));
    for (std::size_t end; (end = pending_.find('\n')) != std::string::npos; pending_.erase(0, end + 1))
      obey(std::string_view(pending_).substr(0, end));
    return true;
  }

  void obey(std::string_view line) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, space);
    const std::string rest(line.substr(std::min(space + 1, line.size())));
    if (word == "step") {
      step_us_ += static_cast<std::int64_t>(std::strtod(rest.c_str(), nullptr) * 1e6);
      torn_ = true;
    } else if (word == "pause") {
      paused_ = true;
    } else if (word == "go") {
      paused_ = false;
      begin();
    } else if (word == "clip") {
      clip_ = read_clip(rest);
      at_ = 0;
      use_format();
    } else if (word == "half") {
      constexpr std::string_view kHalf = "NUT cut";  // no syncpoint, no frame: what a reader has to search past
      const auto bytes = clip_.packets.front().payload.bytes();
      if (::write(fd_.get(), kHalf.data(), kHalf.size()) < 0 || ::write(fd_.get(), bytes.data(), bytes.size() / 2) < 0)
        throw_errno(errno, "half a frame");
      std::_Exit(0);
    } else {
      throw Error(ExitCode::usage, "clip_player: " + std::string(line) + ": not known");
    }
  }

  Clip clip_;
  int fps_;
  wire::Endpoint output_;
  Fd fd_;
  std::unique_ptr<wire::stream::Writer> writer_;
  std::string pending_;
  std::size_t at_ = 0;
  std::uint64_t sequence_ = 0;
  std::int64_t begin_ns_ = 0, begin_us_ = 0, step_us_ = 0, frame_ = 0;
  bool paused_ = false, torn_ = false;
};

}  // namespace
}  // namespace campipe

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: clip_player CLIP OUTPUT FPS\n");
    return 64;
  }
  try {
    campipe::Player(argv[1], argv[2], std::max(1, std::atoi(argv[3]))).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "clip_player: %s\n", error.what());
    return 70;
  }
  return 0;
}
