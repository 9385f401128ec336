#pragma once
#include <cstddef>

namespace campipe::wire::stream {

/// The largest access unit or raw frame that a reader takes, in bytes, whatever the input claims.
constexpr std::size_t kMaxFrameBytes = std::size_t{256} << 20;

}  // namespace campipe::wire::stream
