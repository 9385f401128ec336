#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace campipe::watch::log {

/// A chain's log: PATH, and when it is full PATH.1, PATH.2, … up to `keep` older ones. One line is one write. A disk
/// that refuses lines costs lines (counted), never the chain.
class File {
public:
  /// Opens or goes on with PATH. Throws Error when that cannot be.
  File(std::string path, std::int64_t max_size_bytes, int keep);

  /// `line` without its end; control bytes are made visible, passwords in URLs hidden, the time is put before it.
  void write(std::string_view source, std::string_view line);

private:
  void open();
  void rotate();

  std::string path_;
  std::int64_t max_size_;
  int keep_;
  Fd fd_;
  std::int64_t size_ = 0;
  std::uint64_t lost_ = 0;
};

/// "2025-11-21T01:45:00.040Z"
std::string format_utc(std::int64_t realtime_us);

}  // namespace campipe::watch::log
