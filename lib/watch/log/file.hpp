#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace campipe::watch::log {

/// A chain's log: PATH, and when it is full PATH.1, PATH.2, … up to `keep` older ones. One line is one write. A disk
/// that refuses lines costs lines (counted), never the chain; a log that somebody moves or deletes is made anew.
class File {
public:
  struct Limits {
    std::int64_t max_size_bytes = 0;  ///< of one file
    int keep = 0;                     ///< older ones
  };

  /// Opens or goes on with PATH. Throws Error when that cannot be.
  File(std::string path, Limits limits);

  /// `line` without its end; control bytes are made visible, passwords in URLs hidden, the time is put before it.
  void write(std::string_view source, std::string_view line);

  /// Once a second: whether PATH is still the file that is written to, and how large it is.
  void tick();

  /// Other limits from now on, and goes on at another path if it is one. Throws Error when that cannot be opened, and
  /// then nothing has changed.
  void move_to(std::string path, Limits limits);

private:
  static Fd opened(const std::string& path);
  void open();
  int rotate();
  void make_room();
  bool is_in_place() const;

  std::string path_;
  Limits limits_;
  Fd fd_;
  std::int64_t size_ = 0;
  std::uint64_t lost_ = 0;
  bool told_of_rotation_ = false;
};

/// "2025-11-21T01:45:00.040Z"
std::string format_utc(std::int64_t realtime_us);

}  // namespace campipe::watch::log
