#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "wire/writer.hpp"

namespace campipe::wire {

/// One output of a tool that has several or must not be held up: a thread of its own with blocking writes behind a
/// short queue, so that none waits for another.
///
/// Live: offer() never blocks. When the reader does not keep up, raw pictures and JPEG: the oldest waiting frame goes
/// (newest wins; at most 4 frames or 250 ms wait); H.264 and H.265: once 1 s waits, all that waits goes and what comes
/// until the next keyframe; the packet after a drop is flagged as a discontinuity. Audio has a queue of its own, at
/// most 2 s. Not live (a file as source, a filter): offer() waits for room.
class LiveOutput {
public:
  struct Stats {
    std::uint64_t packets = 0;  ///< written (video)
    std::uint64_t bytes = 0;
    std::uint64_t dropped = 0;  ///< video packets
    std::uint64_t audio_dropped = 0;
    bool closed = false;   ///< the reader went, or the writer failed, or the output is complete
    bool blocked = false;  ///< a write has been waiting for the reader for over a second
  };

  LiveOutput(std::unique_ptr<StreamWriter> writer, std::string name, bool live);
  /// finish() with no time left.
  ~LiveOutput();
  LiveOutput(const LiveOutput&) = delete;
  LiveOutput& operator=(const LiveOutput&) = delete;

  /// From one thread.
  void set_format(const media::StreamFormat& format);
  void offer(const media::Packet& packet);

  /// Writes what waits, at most for `timeout_ms`; then gives up on a reader that does not take it. Returns whether all
  /// was written. No offer() after it. Rethrows what the writer failed with, but not OutputClosed.
  bool finish(int timeout_ms);

  Stats stats() const;  ///< any thread
  const std::string& name() const noexcept;

private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive us inside a blocked write
};

}  // namespace campipe::wire
