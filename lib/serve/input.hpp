#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "cli/telemetry.hpp"
#include "net/loop.hpp"
#include "serve/stream.hpp"
#include "wire/endpoint.hpp"
#include "wire/reader.hpp"

namespace campipe::serve {

/// wire::open_input(), but a FIFO is there at once: its writer is waited for where the reading can be stopped.
Fd open_at_once(const wire::Endpoint& endpoint);

/// Reads one input in a thread of its own and hands what comes over to the loop, which puts it into a stream. Always
/// reads: what the loop does not take in time (64 MiB or 4096 packets wait) is dropped up to the next keyframe,
/// counted.
class Input {
public:
  /// How an input ended.
  struct End {
    std::string reason;               ///< "end of input", or what went wrong
    std::optional<ExitCode> failure;  ///< nothing: it came to its end
  };
  /// Called in the reading thread; `stop_fd` becomes readable when it shall end.
  using MakeReader = std::function<std::unique_ptr<wire::StreamReader>(int stop_fd)>;
  /// Called in the loop's thread.
  struct Events {
    std::function<void(Input&, bool first)> on_format;  ///< after Stream::set_format()
    std::function<void(Input&, const End&)> on_end;     ///< once, after Stream::end()
  };

  /// @param name  What messages call it: "stdin", a path.
  Input(net::Loop& loop, Stream& stream, std::string name, MakeReader make_reader, cli::Telemetry* telemetry,
        Events events);
  /// Stops the thread.
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const std::string& name() const noexcept { return name_; }
  Stream& stream() noexcept { return stream_; }
  bool ended() const noexcept { return ended_; }  ///< the loop's thread

private:
  using Event = std::variant<media::StreamFormat, media::Packet, End>;

  // The reading thread.
  void run(const MakeReader& make_reader);
  End read_all(const MakeReader& make_reader);
  void hand_over(Event event);
  void hand_over_packet(media::Packet packet);

  // The loop's thread.
  void take_over();
  void take(Event& event);
  void refuse_raw(const media::VideoFormat& format);
  void end(const End& end);

  Stream& stream_;
  std::string name_;
  cli::Telemetry* telemetry_;
  Events tell_;
  Fd stop_;
  bool ended_ = false;

  std::mutex mutex_;
  std::vector<Event> events_;  // guarded by mutex_, as are the next three
  std::size_t waiting_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool dropping_ = false;            // until the next keyframe
  std::uint64_t counted_drops_ = 0;  // of the reader, the reading thread's

  net::Async wake_;
  std::thread thread_;
};

}  // namespace campipe::serve
