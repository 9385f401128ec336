#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace campipe::serve::access {

/// The log's lines about single clients, as many as can be read: 20 in 10 s, which is right for ten clients and for
/// five hundred; of the others the last line tells how many came and left. For the loop's thread.
class ClientLines {
public:
  static constexpr std::size_t kMost = 20;
  static constexpr std::int64_t kWindowMs = 10'000;

  enum class About { came, left, trouble };

  /// @param elsewhere  where the lines are that are left out: "--access-log FILE has each".
  explicit ClientLines(std::string elsewhere = "--access-log FILE has each") : elsewhere_(std::move(elsewhere)) {}
  ClientLines(const ClientLines&) = delete;
  ClientLines& operator=(const ClientLines&) = delete;
  /// Tells what is left to be told.
  ~ClientLines() { finish(); }

  /// Logs `line`, a warning when it is about trouble and info else, or counts it.
  void say(About about, std::string_view line, std::int64_t now_ms);
  /// Now and then: tells what was left out once its 10 s are over.
  void tick(std::int64_t now_ms);

private:
  void finish();

  std::string elsewhere_;
  std::int64_t since_ms_ = 0;  // of the first line
  std::size_t lines_ = 0, came_ = 0, left_ = 0, trouble_ = 0;
};

}  // namespace campipe::serve::access
