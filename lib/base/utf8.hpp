#pragma once
#include <cstddef>
#include <string_view>

namespace campipe {

/// Bytes of the UTF-8 sequence that starts `text`, 0 when it is none (RFC 3629, 4: no overlong form, no surrogate,
/// nothing beyond U+10FFFF). `text` is not empty.
std::size_t utf8_length(std::string_view text) noexcept;

/// Whether all of `text` is UTF-8.
bool is_utf8(std::string_view text) noexcept;

}  // namespace campipe
