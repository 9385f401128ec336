#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/expected.hpp"
#include "base/fd.hpp"
#include "media/payload.hpp"
#include "net/loop.hpp"

namespace campipe::serve::still {

/// A program that gets some bytes on its stdin and answers with others on stdout: started without a shell, with no
/// descriptor and no service manager's variable of ours, never waited for; killed when it takes too long or answers too
/// much. A failure to start it, for want of descriptors or memory too, is an outcome like others.
class ChildFilter {
public:
  struct Limits {
    std::int64_t time_ms = 5'000;
    std::size_t output_bytes = std::size_t{32} << 20;
  };
  using Bytes = std::vector<std::byte>;
  /// What it wrote, or why there is nothing: its own last line on stderr when it gave one.
  using OnDone = std::function<void(Expected<Bytes, std::string>)>;

  /// @param argv     argv[0] is a path, or a name to look for in $PATH.
  /// @param on_done  Once, from the loop, never from here; may destroy the ChildFilter.
  ChildFilter(net::Loop& loop, std::vector<std::string> argv, media::Payload input, OnDone on_done, Limits limits);
  /// Kills what still runs.
  ~ChildFilter();
  ChildFilter(const ChildFilter&) = delete;
  ChildFilter& operator=(const ChildFilter&) = delete;

private:
  void start();
  void spawn();
  void watch();
  void end_child() noexcept;
  /// Runs one of the watches' callbacks; an exception ends the child.
  void guarded(void (ChildFilter::*callback)()) noexcept;
  void on_input_writable();
  void on_output();
  void on_messages();
  void on_exit();
  void on_time();
  void kill(std::string why) noexcept;
  void finish();

  net::Loop& loop_;
  std::vector<std::string> argv_;
  media::Payload input_;
  OnDone on_done_;
  Limits limits_;
  std::size_t written_ = 0;
  Bytes output_;
  std::string messages_, failure_;
  pid_t pid_ = -1;
  std::optional<int> status_;  // once reaped
  Fd stdin_, stdout_, stderr_, pidfd_;
  std::optional<net::Watch> input_watch_, output_watch_, messages_watch_, exit_watch_;
  net::Timer timer_;
};

}  // namespace campipe::serve::still
