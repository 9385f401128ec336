#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "watch/config/config.hpp"

namespace campipe::watch::log {

/// Cuts what a stage writes on its stderr into lines, at most `lines_per_s` a second: a program gone wild must not wear
/// the disk out or push everybody else's lines away. A line ends at LF or CR; what is longer than 4096 bytes is cut
/// there.
class LineReader {
public:
  using OnLine = std::function<void(std::string_view line)>;
  LineReader(int lines_per_s, OnLine on_line) : lines_per_s_(lines_per_s), on_line_(std::move(on_line)) {}

  void set_limit(int lines_per_s) noexcept { lines_per_s_ = lines_per_s; }

  void feed(std::string_view bytes, config::Duration now);

  /// The writer is gone: an unfinished line is a line.
  void end(config::Duration now);

  /// Once a second: tells how many lines were left out.
  void tick(config::Duration now);

private:
  void emit(config::Duration now);

  int lines_per_s_;
  OnLine on_line_;
  std::string line_;
  config::Duration second_{0};  ///< when the present second began
  int in_second_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace campipe::watch::log
