#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "rtp/packetizer.hpp"
#include "rtp/sender.hpp"
#include "serve/hub/unit.hpp"

namespace campipe::serve::rtp {

/// One unit's packets as one block of bytes, the packets end to end. All clients that get the unit use it in turn: each
/// writes its own headers over those of the one before it, and what it sends is one piece of memory instead of two for
/// each packet. Holds one unit at a time. For the loop's thread.
class Block {
public:
  /// Room before each packet's RTP header, which the caller writes (4 for interleaved ones), in bytes.
  explicit Block(std::size_t framing) : framing_(framing) {}

  struct Packet {
    std::size_t offset = 0;        ///< in bytes()
    std::size_t bytes = 0;         ///< framing, headers and media
    std::size_t header_bytes = 0;  ///< of that what is the client's own: framing, RTP header, prefix
  };

  /// Lays `list` out, which belongs to `unit`, unless it is there already. Headers are then whatever they were.
  void hold(const hub::UnitPtr& unit, const campipe::rtp::PayloadList& list);

  /// Writes the RTP header of each packet, counting it as sent.
  void write_headers(campipe::rtp::RtpSender& sender, campipe::rtp::RtpTicks time);

  /// Copies the packets' headers from `first` on, one behind the other, and back again.
  void save_headers(std::size_t first, std::vector<std::byte>& out) const;
  void restore_headers(std::size_t first, std::span<const std::byte> saved);

  std::span<std::byte> bytes() noexcept { return bytes_; }
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  std::span<const Packet> packets() const noexcept { return packets_; }

private:
  std::size_t framing_;
  hub::UnitPtr unit_;  // so that list_ is no other's
  const campipe::rtp::PayloadList* list_ = nullptr;
  std::vector<std::byte> bytes_;
  std::vector<Packet> packets_;
};

}  // namespace campipe::serve::rtp
