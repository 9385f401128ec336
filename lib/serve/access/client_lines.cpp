#include "serve/access/client_lines.hpp"

#include <fmt/format.h>

#include "base/log.hpp"

namespace campipe::serve::access {

void ClientLines::say(About about, std::string_view line, std::int64_t now_ms) {
  tick(now_ms);
  if (lines_ == 0) since_ms_ = now_ms;
  if (lines_ < kMost) {
    ++lines_;
    return about == About::trouble ? log::warning("{}", line) : log::info("{}", line);
  }
  ++(about == About::came ? came_ : about == About::left ? left_ : trouble_);
}

void ClientLines::tick(std::int64_t now_ms) {
  if (lines_ > 0 && now_ms - since_ms_ >= kWindowMs) finish();
}

void ClientLines::finish() {
  const std::string trouble = trouble_ > 0 ? fmt::format(", {} had trouble", trouble_) : "";
  if (came_ + left_ + trouble_ > 0)
    log::info("… {} more clients came, {} left{} in the last 10 s; {}", came_, left_, trouble, elsewhere_);
  lines_ = came_ = left_ = trouble_ = 0;
}

}  // namespace campipe::serve::access
