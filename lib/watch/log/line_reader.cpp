#include "watch/log/line_reader.hpp"

#include <fmt/format.h>

namespace campipe::watch::log {

namespace {
constexpr std::size_t kMaxLine = 4096;
}

void LineReader::feed(std::string_view bytes, config::Duration now) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find_first_of("\n\r");
    const std::size_t take = std::min({end, bytes.size(), kMaxLine - line_.size()});
    line_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (take == end) {
      bytes.remove_prefix(1);
      emit(now);
    } else if (line_.size() == kMaxLine) {
      emit(now);
    }
  }
}

void LineReader::end(config::Duration now) {
  emit(now);
}

void LineReader::tick(config::Duration now) {
  if (now - second_ < std::chrono::seconds(1)) return;
  second_ = now;
  in_second_ = 0;
  if (left_out_ == 0) return;
  on_line_(fmt::format("({} lines left out: over {} a second)", left_out_, lines_per_s_));
  left_out_ = 0;
}

void LineReader::emit(config::Duration now) {
  if (line_.empty()) return;
  tick(now);
  if (++in_second_ <= lines_per_s_) {
    on_line_(line_);
  } else {
    ++left_out_;
  }
  line_.clear();
}

}  // namespace campipe::watch::log
