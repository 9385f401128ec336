#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "capture/rate_limit.hpp"
#include "capture/source.hpp"
#include "cli/telemetry.hpp"
#include "wire/queue/packet_output.hpp"
#include "wire/shm/demand.hpp"
#include "wire/stream/writer.hpp"

namespace campipe::capture {

/// What camgrab does: takes packets from a source and hands each to all outputs, of which a live source's drop on their
/// own.
class Grab {
public:
  struct Output {
    std::string name;
    std::unique_ptr<wire::stream::Writer> writer;
    bool file = false;  ///< a regular one: what is dropped before it is lost, and run() fails
  };
  struct Limits {
    std::uint64_t frames = 0;      ///< 0 = no limit
    Rational rate{0, 1};           ///< thin out raw pictures and JPEG to this rate; 0 = as they come
    bool complete_is_end = false;  ///< an output that closes has all it wants (--output-format jpeg)
  };

  /// @param host    The source's.
  /// @param demand  On demand, the source is closed while no reader of the outputs, all of them rings, wants frames.
  Grab(Source& source, Host host, std::vector<Output> outputs, cli::Telemetry& telemetry, Limits limits,
       wire::shm::Demand::Options demand = {});
  ~Grab();

  /// Until the source's end, the limit, a stop, or no output being left. Throws OutputClosed when all readers are gone,
  /// what an output failed with, or Error(io_error) for a file that lacks frames, once the others are done,
  /// Error(io_error) when the source is lost, Error(bad_data) when it ended without a frame.
  void run();

  std::uint64_t frames() const noexcept { return frames_; }  ///< video, handed to the outputs
  /// Why there was no frame: what the source said last, or what became of its frames.
  std::string why_none() const;

  /// At least once a second in the source's thread, from Host::alive: outputs hear again what the source does.
  void tick();

private:
  struct Sink;

  void start_outputs();
  bool take(media::Packet& packet);
  bool rest();
  void set_source(const SourceStatus& status);
  bool wanted(const media::Packet& packet);
  bool offer(const media::Packet& packet);
  void look_after(Sink& sink);
  void failed(const Error& error);
  void count(const media::Packet& packet);
  void finish(bool stopped);
  void tell_drops(const Sink& sink);

  Source& source_;
  Host host_;
  cli::Telemetry& telemetry_;
  Limits limits_;
  std::vector<Output> outputs_;  // until the source is open and its kind known
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::optional<RateLimit> rate_limit_;
  bool rate_warned_ = false;
  std::uint64_t frames_ = 0, told_out_ = 0, told_dropped_ = 0;
  SourceStatus status_;
  std::int64_t told_ns_ = 0;    // tick()
  bool rested_ = false;         // until the next video packet
  std::exception_ptr failure_;  // the first output's that failed
  const bool on_demand_;
  wire::shm::Demand demand_;  // asks the rings among the outputs, and so goes first
};

}  // namespace campipe::capture
