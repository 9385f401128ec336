#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/message_parser.hpp"

namespace campipe::net {

/// An answer to an HTTP request.
struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<Header> headers;  ///< others than Content-Type, Content-Length, Connection, Date
  std::string body;
  /// Instead of `body`: bytes that `owner` holds alive, sent without a copy.
  std::shared_ptr<const void> owner;
  std::span<const std::byte> shared_body;

  std::size_t body_bytes() const noexcept { return owner ? shared_body.size() : body.size(); }
};

/// One line of text with a newline: what all errors look like.
HttpResponse text_response(int status, std::string_view line);

std::string_view status_text(int status) noexcept;

/// The status line and headers with the empty line behind them.
/// @param length      Content-Length; without one the body ends with the connection.
std::string format_head(const HttpResponse& response, bool with_length, bool keep_alive);

}  // namespace campipe::net
