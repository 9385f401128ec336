#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "wire/stream/writer.hpp"

namespace campipe::wire::queue {

/// One of a tool's outputs, as the thread that makes the packets sees it: LiveOutput, or what needs no thread.
class PacketOutput {
public:
  struct Stats {
    std::uint64_t packets = 0;  ///< written (video)
    std::uint64_t bytes = 0;
    std::uint64_t dropped = 0;  ///< video packets
    std::uint64_t audio_dropped = 0;
    bool closed = false;   ///< the reader went, or the writer failed, or the output is complete
    bool blocked = false;  ///< a write has been waiting for the reader for over a second
  };

  PacketOutput() = default;
  virtual ~PacketOutput() = default;
  PacketOutput(const PacketOutput&) = delete;
  PacketOutput& operator=(const PacketOutput&) = delete;

  // From one thread, as are room() and set_source().
  virtual void set_format(const media::StreamFormat& format) = 0;
  virtual void offer(const media::Packet& packet) = 0;
  /// stream::Writer::set_source(), in order with the packets. An output that has a thread repeats it each second while
  /// nothing flows; for the others the caller does.
  virtual void set_source(const SourceStatus& status) = 0;

  /// stream::Writer::room() where offer() writes at once.
  virtual std::shared_ptr<media::Buffer> room(std::size_t) { return nullptr; }

  /// Writes what waits, at most for `timeout_ms`; then gives up on a reader that does not take it. Returns whether all
  /// was written. No offer() after it. Rethrows what the writer failed with, but not OutputClosed.
  virtual bool finish(int timeout_ms) = 0;

  virtual Stats stats() const = 0;  ///< any thread
  virtual const std::string& name() const noexcept = 0;
};

/// A LiveOutput; for a writer that never blocks an output without a thread, that hands each packet on at once.
std::unique_ptr<PacketOutput> make_output(std::unique_ptr<stream::Writer> writer, std::string name, bool live);

}  // namespace campipe::wire::queue
