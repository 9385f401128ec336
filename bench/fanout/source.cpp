// A camera that costs nothing: a short clip at its rate, again and again, as a stream on stdout; each frame with the
// time at which it left in it (stamp.hpp). So several servers get the same pictures, and clients tell their age.
//
//   fanout_source CLIP.nut | camserve
#include <cstdio>
#include <ctime>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/run.hpp"
#include "clip.hpp"
#include "wire/endpoint.hpp"
#include "wire/make_writer.hpp"

namespace {

using namespace campipe;

void sleep_until(std::int64_t at_ns) {
  const timespec at{at_ns / 1'000'000'000, at_ns % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
  }
}

int body(int argc, char** argv) {
  if (argc != 2) throw Error(ExitCode::usage, "usage: fanout_source CLIP.nut > STREAM");
  fanout::Clip clip(argv[1]);
  media::StreamFormat format = clip.format();
  format.clock = StreamClock::now();
  const auto writer =
      wire::make_writer(wire::open_output(wire::parse_endpoint("-")), "stdout", wire::stream::OutputFormat::nut);
  writer->set_format(format);
  std::int64_t due_ns = monotonic_ns();
  for (std::uint64_t sequence = 0;; ++sequence, due_ns += clip.frame_ns()) {
    sleep_until(due_ns);
    const std::int64_t now_ns = monotonic_ns();
    const fanout::Clip::Frame& frame = clip.next(now_ns);
    media::Packet packet;
    packet.pts_us = format.clock->pts_us(due_ns);
    packet.captured_ns = now_ns;
    packet.sequence = sequence;
    packet.keyframe = frame.keyframe;
    packet.payload = media::Payload(nullptr, frame.coded.bytes);  // written before the clip comes round
    writer->write(packet);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return campipe::cli::run("fanout_source", [&] { return body(argc, argv); });
}
