#pragma once
#include <algorithm>
#include <cerrno>
#include <limits>
#include <span>
#include <vector>

#include "ffmpeg/muxer_output.hpp"

namespace campipe::ffmpeg {

/// A file that a WriteAt writes, with no room from one call on.
struct MemoryFile {
  std::vector<std::byte> bytes;
  int calls = 0;
  int fails_at = std::numeric_limits<int>::max();  ///< the number of the first call that answers ENOSPC
  bool went_back = false;                          ///< wrote to where there was something already

  WriteAt sink() {
    return [this](std::int64_t offset, std::span<const std::byte> piece) {
      if (calls++ >= fails_at) return ENOSPC;
      const auto at = static_cast<std::size_t>(offset);
      went_back = went_back || at < bytes.size();
      bytes.resize(std::max(bytes.size(), at + piece.size()));
      std::ranges::copy(piece, bytes.begin() + offset);
      return 0;
    };
  }
};

}  // namespace campipe::ffmpeg
