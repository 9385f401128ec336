#pragma once
#include <string>
#include <string_view>

namespace campipe {

/// The URL with its password as "***", for every message, status and log: "rtsp://user:***@host/path". Query values
/// named like a secret (password, passwd, pwd, token, key, secret, auth) are hidden too. Text that is no URL comes back
/// as it is; works on a URL inside a longer text as well (a library's error message that quotes it).
std::string redact_url(std::string_view text);

/// A request line or its target: what redact_url() hides, and the query of a target without scheme and host, too:
/// "GET /stream/cam?token=*** HTTP/1.1". Keys count in any encoding. Nothing else may stand beside the URL.
std::string redact_request(std::string_view text);

}  // namespace campipe
