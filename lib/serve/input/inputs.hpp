#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cli/telemetry.hpp"
#include "net/loop.hpp"
#include "serve/hub/hub.hpp"
#include "serve/input/input.hpp"
#include "serve/input/ring_names.hpp"
#include "serve/input/spec.hpp"

namespace campipe::serve::input {

/// All inputs of a server and their streams: those of the command line, which stay, and those that patterns over rings
/// bring and take away. Tells the telemetry how they stand. For the loop's thread.
///
/// A ring that is gone takes its stream along: at once when nobody follows it; else when it has given nothing for
/// `gone_ms`, unless it comes back before. One whose writer ended in order is let go after `gone_ms` without a client
/// and goes itself then, when nobody else reads it.
class Inputs {
public:
  struct Options {
    std::vector<Spec> specs;
    std::string input_format;  ///< wire::stream::ReadOptions::input_format, for all but rings
    bool rtsp = true;          ///< warn of what RTSP cannot carry
    /// NAMEs that /health judges though a pattern brings them, and misses when nobody does.
    std::vector<std::string> required;
    std::int64_t gone_ms = 10'000;
  };

  /// Opens what is given and makes its streams. Throws Error.
  /// @param on_all_ended  There are no patterns and all inputs are at their end.
  Inputs(net::Loop& loop, hub::Hub& hub, cli::Telemetry& telemetry, Options options,
         std::function<void()> on_all_ended);
  ~Inputs();
  Inputs(const Inputs&) = delete;
  Inputs& operator=(const Inputs&) = delete;

  /// Starts to read.
  void start();
  /// Ends all reading.
  void stop();
  /// Four times a second.
  void tick();

  /// Of the first of the given that failed.
  std::optional<ExitCode> failure() const noexcept { return failure_; }

private:
  struct One {
    wire::Endpoint endpoint;
    std::shared_ptr<hub::Stream> stream;
    bool followed = false;  // a pattern brought it
    Fd fd;                  // until its thread has it
    std::unique_ptr<Input> input;
    bool told_of_keyframes = false;
    std::optional<std::int64_t> gone_since_ms;    // the ring's object
    std::optional<std::int64_t> unused_since_ms;  // without writer and client
  };

  void start(One& one);
  void on_ring(const std::string& name);
  void follow(const std::string& name);
  void on_ring_gone(const std::string& name);
  void on_format(One& one, bool first);
  void on_first_format(const One& one);
  void tell_of_rtsp(One& one);
  void on_end(One& one, const Input::End& how);
  void refuse(const std::string& name, const std::string& why);
  void remove(One& one, std::string reason);
  void look_after(One& one);
  void warn_of_keyframes(One& one);
  bool is_left_over(const One& one) const;
  void tell_telemetry();
  void tell_unmatched();
  One* find(const std::string& ring);

  net::Loop& loop_;
  hub::Hub& hub_;
  cli::Telemetry& telemetry_;
  Options options_;
  std::function<void()> on_all_ended_;
  std::optional<ExitCode> failure_;
  std::list<One> inputs_;
  std::set<const hub::Stream*> told_of_audio_;  // that it is left out of RTSP
  std::set<const hub::Stream*> told_of_size_;   // likewise
  std::map<std::string, std::string> refused_;  // followed rings and the reason that was told
  std::set<std::string> retry_;                 // followed rings for which there was no descriptor, memory or thread
  std::set<std::string> told_unmatched_;
  bool told_lost_ = false;
  std::unique_ptr<RingNames> names_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // what is deferred finds out whether we are
};

}  // namespace campipe::serve::input
