#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "rtp/packetizer.hpp"
#include "rtp/sender.hpp"
#include "serve/hub/unit.hpp"

namespace campipe::serve::rtp {

/// What carries the packets: datagrams, or the connection of the dialogue.
enum class LowerTransport { udp, tcp };

/// The RTP payloads of a unit, kept in Unit::derived: split once for all clients.
struct Split {
  Expected<campipe::rtp::PayloadList, campipe::rtp::RtpError> list;
};

/// How the packets of one session leave. Holds no queue: one unit is under way at most, the next is taken when idle().
/// For the loop's thread.
class Output {
public:
  virtual ~Output() = default;

  /// Whether a unit may be sent; when it was not, Session::pump() is called once it is again.
  virtual bool idle() const = 0;

  /// Sends one unit of a track; only while idle(). Returns the bytes it takes on the wire, transport headers excluded.
  /// @param list  belongs to `unit`, which is kept alive until all is sent.
  virtual std::size_t send(std::size_t track, campipe::rtp::RtpSender& sender, campipe::rtp::RtpTicks time,
                           const campipe::rtp::PayloadList& list, hub::UnitPtr unit) = 0;

  /// Sends an RTCP packet at any time; never in the middle of an RTP packet.
  virtual void send_rtcp(std::size_t track, std::span<const std::byte> packet) = 0;

  struct Progress {
    /// CLOCK_MONOTONIC when the kernel had the last byte of the unit sent last; absent until then.
    std::optional<std::int64_t> taken_ns;
    bool lost = false;             ///< instead: the rest of the unit was given up
    std::uint64_t send_calls = 0;  ///< system calls since the start
  };
  virtual Progress progress() = 0;

  /// How long the peer has taken nothing of what is under way; 0 while idle().
  virtual std::int64_t stuck_ms() const = 0;
};

}  // namespace campipe::serve::rtp
