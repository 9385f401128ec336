#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "net/message_parser.hpp"

namespace campipe::serve::rtsp {

/// An answer to an RTSP request (RFC 2326, 7).
struct Response {
  int status = 200;
  std::string reason;                ///< the phrase behind the status, which players show; empty = the usual one
  std::vector<net::Header> headers;  ///< beside CSeq, Server and Content-Length
  std::string body;

  Response& with(std::string name, std::string value) {
    headers.push_back({std::move(name), std::move(value)});
    return *this;
  }
};

/// What stands behind the status code.
std::string_view reason_phrase(int status) noexcept;

/// The text on the wire. An empty `cseq` is left out.
std::string to_text(const Response& response, std::string_view cseq);

/// The CSeq of a request that could not be parsed, from as much of it as came; empty when there is none.
std::string scan_cseq(std::string_view head);

}  // namespace campipe::serve::rtsp
