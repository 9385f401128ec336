#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "serve/hub/client.hpp"
#include "serve/hub/stream.hpp"

namespace campipe::serve::http {

/// A request that waits for something to come of one of several streams. For the loop's thread.
class Waiter final : public hub::Client {
public:
  /// Tries to answer; true when that is done and the waiting over. `last` tells that this is the last try.
  using Attempt = std::function<bool(bool last)>;

  Waiter(const std::vector<hub::Stream*>& streams, std::string peer, std::int64_t deadline_ms, Attempt attempt);

  bool done() const noexcept { return done_; }
  /// Gives up when the deadline has come.
  void tick(std::int64_t now_ms);

  void on_units_available() override { attempt(false); }
  void on_format_changed() override { attempt(false); }
  void on_stream_ended() override { attempt(false); }
  void end(std::string_view) override { attempt(true); }

  std::string_view protocol() const override { return "http-waiting"; }
  std::string peer() const override { return peer_; }
  std::int64_t connected_at_us() const override { return connected_at_us_; }
  std::int64_t lag_us() const override { return 0; }
  hub::ClientCounters counters() const override { return {}; }

private:
  void attempt(bool last);

  std::string peer_;
  std::int64_t connected_at_us_, deadline_ms_;
  Attempt attempt_;
  bool done_ = false;
  std::vector<hub::Attachment> attachments_;
};

}  // namespace campipe::serve::http
