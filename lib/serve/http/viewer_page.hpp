#pragma once
#include <string>
#include <string_view>

namespace campipe::serve::http {

/// The viewer page, whole, with `nonce` on its style and script for the Content-Security-Policy.
std::string viewer_html(std::string_view nonce);

}  // namespace campipe::serve::http
