#include "net/http_message.hpp"

#include <ctime>
#include <iterator>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace campipe::net {

HttpResponse text_response(int status, std::string_view line) {
  HttpResponse response;
  response.status = status;
  response.headers.push_back({"Cache-Control", "no-store"});
  response.body = fmt::format("{}\n", line);
  return response;
}

std::string_view status_text(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string format_head(const HttpResponse& response, bool with_length, bool keep_alive) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", response.status,
                                 status_text(response.status), fmt::gmtime(std::time(nullptr)));
  auto out = std::back_inserter(head);
  if (!response.content_type.empty()) fmt::format_to(out, "Content-Type: {}\r\n", response.content_type);
  if (with_length && response.status != 204) fmt::format_to(out, "Content-Length: {}\r\n", response.body_bytes());
  for (const Header& header : response.headers) fmt::format_to(out, "{}: {}\r\n", header.name, header.value);
  fmt::format_to(out, "X-Content-Type-Options: nosniff\r\nConnection: {}\r\n\r\n", keep_alive ? "keep-alive" : "close");
  return head;
}

}  // namespace campipe::net
