#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "media/payload.hpp"
#include "wire/stream/byte_input.hpp"

namespace campipe::wire::nut {

/// Reads payloads of known length from an Input: what is not yet buffered goes straight to its place. Memory grows only
/// as bytes arrive, whatever length was claimed.
///
/// A payload that stops coming for 50 ms, or comes for over 250 ms, is watched (when asked for) for the beginning of
/// another NUT stream: its writer was killed and another one writes into the same pipe.
class PayloadReader {
public:
  enum class Result {
    complete,
    damaged,  ///< what came was put back into the input: search it
    end,      ///< the input ended before; what came was put back
    stopped,
  };
  struct Want {
    std::span<const std::byte> prefix;  ///< goes before what is read
    std::size_t size = 0;
    std::optional<std::uint32_t> crc;  ///< CRC-32C of the last 64 bytes
    bool watch = false;                ///< for another NUT stream, as above
    bool pooled = false;               ///< big pictures: recycle buffers; else each has just its size
  };

  Result read(stream::ByteInput& input, const Want& want, media::Payload& payload);

private:
  Result read_rest(stream::ByteInput& input, const Want& want, media::Buffer& buffer, std::size_t have);
  std::shared_ptr<media::Buffer> buffer_for(const Want& want, std::size_t bytes);

  media::BufferPool pool_;
  std::size_t proven_ = 0;  // largest payload that has come whole
};

/// How many times a watched payload of this process stopped coming: counted each 50 ms that brought no byte, before the
/// reader looks for more. A test that has another writer come in the middle of a payload waits for it.
std::uint64_t stalls() noexcept;

/// Whether `bytes` end in what the CRC says.
bool crc_holds(std::span<const std::byte> bytes, const std::optional<std::uint32_t>& crc) noexcept;

}  // namespace campipe::wire::nut
