#pragma once
#include <span>
#include <string>
#include <string_view>

namespace campipe {

/// The one of `words` that `text` was probably meant to be: case does not count, and up to a third of its letters (3 at
/// most) may be wrong, missing, too many or swapped with their neighbour. Empty when none is so close, and for a text
/// or word of more than 64 bytes. The first of several that are equally close.
std::string nearest(std::string_view text, std::span<const std::string> words);

/// ": did you mean WORD?" of the nearest, shown as BEFORE + WORD; empty when there is none.
std::string did_you_mean(std::string_view text, std::span<const std::string> words, std::string_view before = {});

/// "a, b and c" for messages.
std::string listed(std::span<const std::string> words);

}  // namespace campipe
