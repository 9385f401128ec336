#pragma once
#include <cstddef>
#include <span>

namespace campipe::media::jpeg {

/// The standard Huffman tables (T.81, tables K.3 to K.6: luma DC, luma AC, chroma DC, chroma AC) as the content of one
/// DHT segment, behind marker and length: for each table class and destination, 16 counts, values. 416 bytes, static.
std::span<const std::byte> standard_huffman_tables() noexcept;

}  // namespace campipe::media::jpeg
