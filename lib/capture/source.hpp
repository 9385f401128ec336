#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "base/source_status.hpp"
#include "capture/host.hpp"
#include "media/packet.hpp"

namespace campipe::capture {

enum class Pull {
  format,   ///< format() is new: before the first packet and at each change
  packet,   ///< packet() is there
  end,      ///< the source is at its end (a file)
  lost,     ///< the source went away or fell silent: loss() says why; close() and open() may bring it back
  stopped,  ///< Host::stop_fd became readable
};

struct SourceStats {
  std::uint64_t frames = 0;   ///< video packets handed out
  std::uint64_t dropped = 0;  ///< damaged or incomplete ones, and those the source skipped to keep up
  std::uint64_t gaps = 0;     ///< frames that the driver's or server's count says were lost before us
};

/// Where pictures come from. One thread: open(), then next() until it answers end, lost or stopped; close() and open()
/// again as often as wanted. Payloads are canonical (media/format.hpp).
class Source {
public:
  Source() = default;
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// Sets the source up. Throws Error with the exit code that fits; OpenFailure when trying again may help.
  virtual void open() = 0;
  virtual Pull next() = 0;
  virtual void close() noexcept = 0;

  virtual const media::StreamFormat& format() const = 0;  ///< valid after the first Pull::format
  virtual media::Packet& packet() = 0;                    ///< valid after Pull::packet until next(); may be moved from
  virtual const std::string& loss() const = 0;            ///< after Pull::lost: "unplugged", "no frames for 5s"

  /// What messages call it; without passwords.
  virtual const std::string& name() const = 0;
  /// Whether pictures come at their own pace and are lost when nobody takes them. Valid after open().
  virtual bool is_live() const = 0;
  virtual SourceStats stats() const = 0;

  /// Where raw pictures are to be drawn, where the source draws or copies them itself: asked in the thread of next(),
  /// for each picture. Empty: in memory of its own.
  virtual void draw_in(media::BufferSource) {}

  /// Called in the thread of next() and open() with what the source does, at each change: lost, with the reason, and
  /// running again. A source that cannot come back by itself has nothing to tell.
  virtual void tell_status(std::function<void(const SourceStatus&)>) {}

  /// Before a new open() after a loss: waits until `deadline_ns`, or less where the source shows that it is back.
  virtual Wake wait_for_return(const Host& host, std::int64_t deadline_ns) { return wait(host, -1, 0, deadline_ns); }
};

}  // namespace campipe::capture
