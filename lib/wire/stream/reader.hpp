#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/fd.hpp"
#include "base/source_status.hpp"
#include "media/packet.hpp"

namespace campipe::wire::stream {

enum class Pull {
  format,   ///< format() is new: before the first packet and at each change
  packet,   ///< packet() is there
  end,      ///< the input ended (stats().truncated tells whether in the middle of a frame)
  stopped,  ///< ReadOptions::stop_fd became readable
};

/// What to do when a stream's format changes (--on-change).
enum class OnChange { follow, exit };

struct ReaderStats {
  std::uint64_t packets = 0;  ///< video
  std::uint64_t audio_packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t resyncs = 0;  ///< times the stream had to be searched for a place to go on
  std::uint64_t dropped = 0;  ///< frames left out: damaged, or between damage and the next keyframe
  /// Frames that the source's sequence numbers say are missing; not those that were not made because nobody wanted
  /// them.
  std::uint64_t gaps = 0;
  bool truncated = false;
};

/// What a reader of a ring gets when it does not keep up.
enum class Delivery {
  in_order,  ///< everything that the ring still has; the rest is told as lost
  /// Raw pictures in order too, until what is next is about to leave the ring: then on with the newest. The others as
  /// in_order.
  live_pictures,
};

struct ReadOptions {
  int stop_fd = -1;  ///< readable = give up waiting; borrowed
  /// Empty: recognised by the first bytes (NUT, JPEG, Annex B H.264 or H.265, Y4M). Else "nut", "mjpeg", "h264",
  /// "h265", "y4m" or "rawvideo:PIXFMT:WxH@FPS".
  std::string input_format;
  OnChange on_change = OnChange::follow;
  /// Called about once a second while waiting for input, in the reading thread.
  std::function<void()> on_idle;
  Rational assumed_rate{30, 1};            ///< frame rate told for bare formats that have none
  Delivery delivery = Delivery::in_order;  ///< rings
  bool want = true;                        ///< rings: set_wanted() at the start
  /// Rings: called with true when nothing comes for a second, with false when it does again; in the reading thread.
  std::function<void(bool)> on_waiting;
  /// Rings: called with whether somebody writes the ring, at first and at each change; in the reading thread.
  std::function<void(bool)> on_writer;
  /// Called with what the writer of a ring or pipe says of its source, at each change; once a second, too, by a pipe in
  /// which nothing else comes. In the reading thread.
  std::function<void(const SourceStatus&)> on_source;
};

/// Reads packets from a blocking descriptor, in one thread. Distrusts everything: lengths are bounded (an access unit
/// or picture at most 256 MiB, headers 1 MiB), damage is counted and searched past, memory does not grow with time.
///
/// Decoding times increase within a track, but for packets marked as a discontinuity. After damage, after another
/// writer took the pipe over and when joined in the middle, H.264 and H.265 begin with a keyframe.
///
/// Times: NUT of ours carries them; other NUT keeps its pts, shifted so that the first packet is at its arrival; bare
/// formats get the arrival as capture time and pts from a pipe, and follow each other at the frame rate from a file.
/// Payloads come out canonical (media/format.hpp).
class Reader {
public:
  virtual ~Reader() = default;

  /// Blocks for the next event. Throws Error(bad_data) when the input is no stream that we know (its first bytes tell),
  /// Error(io_error) when reading fails, Error(bad_data) on a change with OnChange::exit.
  virtual Pull next() = 0;

  virtual const media::StreamFormat& format() const = 0;  ///< valid after the first Pull::format
  virtual media::Packet& packet() = 0;                    ///< valid after Pull::packet until next(); may be moved from
  virtual const ReaderStats& stats() const = 0;

  /// How long ago packet() was written to the ring it comes from, in ns; 0 for anything else.
  virtual std::int64_t age_ns() const { return 0; }

  // What a ring's writer is told; a pipe cannot pass it on. Any thread.

  /// Whether frames are wanted: a writer that works on demand rests while nobody does.
  virtual void set_wanted(bool) noexcept {}
  /// Asks for a keyframe soon.
  virtual void request_keyframe() noexcept {}
};

}  // namespace campipe::wire::stream
