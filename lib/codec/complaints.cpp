#include "codec/complaints.hpp"

#include <fmt/format.h>

namespace campipe::codec {

std::optional<std::string> Complaints::about(const std::string& why, std::int64_t now_ns) {
  if (last_ns_ && now_ns - *last_ns_ < quiet_ns_) {
    ++unsaid_;
    return std::nullopt;
  }
  std::string line = why;
  if (unsaid_ > 0) line += fmt::format(" (and {} more since)", unsaid_);
  last_ns_ = now_ns;
  unsaid_ = 0;
  return line;
}

}  // namespace campipe::codec
