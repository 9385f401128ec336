#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace campipe::wire {

/// Formats that the first bytes of an input tell.
enum class Kind { nut, mjpeg, h264, h265, y4m };

enum class Guess {
  certain,    ///< `kind` says what it is
  need_more,  ///< what is there may still become a stream we know
  unknown,    ///< it cannot
};

struct Recognised {
  Guess guess = Guess::need_more;
  Kind kind = Kind::nut;
};

/// Judges the first bytes of an input. A NUT start code anywhere in them wins: who joins a pipe in the middle finds
/// pieces of pictures before it.
/// @param all  no more bytes will come.
Recognised recognise(std::span<const std::byte> bytes, bool all);

/// Bytes from further on: only NUT's start codes can still tell.
Recognised recognise_joined(std::span<const std::byte> bytes);

/// The first bytes for a message: text in quotes, else hex; a known container's name behind it.
std::string describe_start(std::span<const std::byte> bytes);

}  // namespace campipe::wire
