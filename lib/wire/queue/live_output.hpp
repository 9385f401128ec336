#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "wire/queue/packet_output.hpp"

namespace campipe::wire::queue {

/// One output of a tool that has several or must not be held up: a thread of its own with blocking writes behind a
/// short queue, so that none waits for another.
///
/// Live: offer() never blocks. When the reader does not keep up, raw pictures and JPEG: the oldest waiting frame goes
/// (newest wins; at most 4 frames or 250 ms wait); H.264 and H.265: once 1 s waits, all that waits goes and what comes
/// until the next keyframe; the packet after a drop is flagged as a discontinuity. Audio has a queue of its own, at
/// most 2 s. Not live (a file as source, a filter): offer() waits for room.
class LiveOutput final : public PacketOutput {
public:
  LiveOutput(std::unique_ptr<stream::Writer> writer, std::string name, bool live);
  /// finish() with no time left.
  ~LiveOutput() override;

  void set_format(const media::StreamFormat& format) override;
  void offer(const media::Packet& packet) override;
  void set_source(const SourceStatus& status) override;
  bool finish(int timeout_ms) override;
  Stats stats() const override;
  const std::string& name() const noexcept override;

private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive us inside a blocked write
};

}  // namespace campipe::wire::queue
