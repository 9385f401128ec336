#include "serve/rtsp/response.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace campipe::serve::rtsp {

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 414:
      return "Request-URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 451:
      return "Parameter Not Understood";
    case 453:
      return "Not Enough Bandwidth";
    case 454:
      return "Session Not Found";
    case 455:
      return "Method Not Valid in This State";
    case 459:
      return "Aggregate Operation Not Allowed";
    case 461:
      return "Unsupported Transport";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "RTSP Version Not Supported";
    case 551:
      return "Option Not Supported";
    default:
      return "Unknown";
  }
}

std::string to_text(const Response& response, std::string_view cseq) {
  const std::string_view reason = response.reason.empty() ? reason_phrase(response.status) : response.reason;
  std::string text = fmt::format("RTSP/1.0 {} {}\r\n", response.status, reason);
  if (!cseq.empty()) text += fmt::format("CSeq: {}\r\n", cseq);
  text += "Server: campipe/" CAMPIPE_VERSION "\r\n";
  for (const net::Header& header : response.headers) text += fmt::format("{}: {}\r\n", header.name, header.value);
  if (!response.body.empty()) text += fmt::format("Content-Length: {}\r\n", response.body.size());
  return text + "\r\n" + response.body;
}

std::string scan_cseq(std::string_view head) {
  constexpr std::string_view kName = "cseq:";
  constexpr std::size_t kMaxDigits = 10;
  while (!head.empty()) {
    std::string_view line = head.substr(0, head.find('\n'));
    head.remove_prefix(std::min(line.size() + 1, head.size()));
    if (line.size() < kName.size() || !net::equal_ignoring_case(line.substr(0, kName.size()), kName)) continue;
    line.remove_prefix(kName.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    const std::string_view digits = line.substr(0, std::min(line.find_first_not_of("0123456789"), line.size()));
    return digits.size() <= kMaxDigits ? std::string(digits) : std::string();
  }
  return {};
}

}  // namespace campipe::serve::rtsp
