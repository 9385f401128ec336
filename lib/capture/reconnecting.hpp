#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/backoff.hpp"
#include "base/error.hpp"
#include "capture/source.hpp"

namespace campipe::capture {

/// A source that may be tried again later: thrown by Source::open() for what passes (unplugged, refused, no signal),
/// unlike what will not (a wrong password, a size that the device has not).
bool may_pass(ExitCode code) noexcept;

/// Keeps another source going: when it is lost, says so once, waits with backoff (100 ms, doubling to 5 s, with
/// jitter), opens it again and flags the first packet after it as a discontinuity. What comes in a new format is
/// announced as such; the same format again is not. Outputs and the stream's clock know nothing of it.
class Reconnecting : public Source {
public:
  struct Options {
    bool reconnect = true;             ///< false: a loss is answered as such
    bool wait_at_start = false;        ///< open() returns at once; what is not there at first is waited for
    bool permission_may_pass = false;  ///< a node that udev has not given to its group yet; not a wrong password
    std::chrono::milliseconds first_delay{100};
    std::chrono::milliseconds longest_delay{5000};
  };

  Reconnecting(std::unique_ptr<Source> inner, Options options, Host host);

  /// Fails as the inner source does, unless wait_at_start.
  void open() override;
  /// Answers Pull::lost only where it shall not reconnect. Throws what open() fails with when trying again is of no
  /// use.
  Pull next() override;
  void close() noexcept override;
  const media::StreamFormat& format() const override { return inner_->format(); }
  media::Packet& packet() override { return inner_->packet(); }
  const std::string& loss() const override { return inner_->loss(); }
  const std::string& name() const override { return inner_->name(); }
  bool is_live() const override { return !ever_open_ || inner_->is_live(); }
  SourceStats stats() const override { return inner_->stats(); }
  void draw_in(media::BufferSource source) override { inner_->draw_in(std::move(source)); }
  /// Lost from the loss, or the start without it, to the next frame.
  void tell_status(std::function<void(const SourceStatus&)> listener) override { on_status_ = std::move(listener); }
  std::uint64_t reconnections() const noexcept { return reconnections_; }

private:
  bool try_open();
  void lost(const std::string& why);
  Wake wait_for_it();
  void opened();
  void tell(SourceState state, std::string_view why = {});
  void flows();

  std::unique_ptr<Source> inner_;
  Options options_;
  Host host_;
  std::function<void(const SourceStatus&)> on_status_;
  SourceStatus status_;
  Backoff backoff_;
  bool open_ = false;
  bool ever_open_ = false;
  bool discontinuity_ = false;
  bool outage_ = false;  // from a loss to the next picture
  std::string said_;     // the reason told last in this outage
  std::int64_t gone_since_ns_ = 0, open_since_ns_ = 0;
  std::uint64_t reconnections_ = 0;
};

}  // namespace campipe::capture
