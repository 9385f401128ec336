#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace campipe::serve::hub {

/// What a client has had of its stream.
struct ClientCounters {
  std::uint64_t units = 0;          ///< sent (video)
  std::uint64_t bytes = 0;          ///< given to the kernel for it
  std::uint64_t skips = 0;          ///< times it was too far behind and was moved forward
  std::uint64_t skipped_units = 0;  ///< video units it did not get by that
};

/// What a client says of what reached it.
struct ReceiverQuality {
  double loss_fraction = 0;             ///< of the packets since the report before, 0 to 1
  std::int64_t packets_lost = 0;        ///< in all; below 0 when the network doubled some
  double jitter_ms = 0;                 ///< between arrivals
  std::optional<double> round_trip_ms;  ///< unknown until it answers a report of ours
};

/// One who follows a stream. It has a cursor (cursor.hpp) and no queue: it is told that there is something and takes
/// what it can send. Called in the loop's thread; each call may detach or destroy this client or others.
class Client {
public:
  Client() noexcept : id_(++newest_id_) {}
  virtual ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Never the same again in this process.
  std::uint64_t id() const noexcept { return id_; }

  /// The stream has a new unit.
  virtual void on_units_available() = 0;
  /// Stream::format() and generation() are new; the units of the new format come after it. Also the first format of a
  /// stream that had none. A restarted writer with the same format is no change.
  virtual void on_format_changed() = 0;
  /// Its input is at an end and will not come back.
  virtual void on_stream_ended() = 0;
  /// Somebody wants it to go: it follows its stream no longer, gets what is under way and an orderly end. Not from
  /// inside another call of the stream's.
  /// @param reason  what metrics call it: "kicked".
  virtual void end(std::string_view reason) = 0;
  /// One of the calls above threw, which has been counted and logged: it goes, and the stream's other clients do not
  /// notice.
  virtual void on_fault() { end("fault"); }

  /// For /api/clients and the metrics.
  virtual std::string_view protocol() const = 0;     ///< "http-mjpeg", "rtsp-tcp", "rtsp-udp"
  virtual std::string peer() const = 0;              ///< address and port
  virtual std::int64_t connected_at_us() const = 0;  ///< Unix time
  virtual std::int64_t lag_us() const = 0;           ///< media time between what it has and the newest
  virtual ClientCounters counters() const = 0;
  /// Nothing for protocols whose clients do not report, and until the first report.
  virtual std::optional<ReceiverQuality> quality() const { return std::nullopt; }

private:
  static inline std::uint64_t newest_id_ = 0;
  std::uint64_t id_;
};

}  // namespace campipe::serve::hub
