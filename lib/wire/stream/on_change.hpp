#pragma once
#include <string>

#include "wire/stream/reader.hpp"

namespace campipe::wire::stream {

/// With OnChange::exit: throws Error(bad_data) when a stream that was `before` is another one `now`.
/// @param input  What messages call it.
void obey_on_change(OnChange on_change, const media::StreamFormat& before, const media::StreamFormat& now,
                    const std::string& input);

}  // namespace campipe::wire::stream
