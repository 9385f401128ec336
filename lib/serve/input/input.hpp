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
#include "serve/hub/stream.hpp"
#include "wire/endpoint.hpp"
#include "wire/stream/reader.hpp"

namespace campipe::serve::input {

/// wire::open_input(), but a FIFO is there at once: its writer is waited for where the reading can be stopped.
Fd open_at_once(const wire::Endpoint& endpoint);

/// Reads one input in a thread of its own and hands what comes over to the loop, which puts it into a stream. Always
/// reads: what the loop does not take in time (64 MiB or 4096 packets wait) is dropped up to the next keyframe,
/// counted. What the stream asks for reaches the reader while there is one.
class Input : private hub::StreamSource {
public:
  /// How an input ended.
  struct End {
    std::string reason;               ///< "end of input", or what went wrong
    std::optional<ExitCode> failure;  ///< nothing: it came to its end
  };
  /// Called in the reading thread with what the reader is to obey; may add to it.
  using MakeReader = std::function<std::unique_ptr<wire::stream::Reader>(wire::stream::ReadOptions options)>;
  struct Origin {
    std::string name;  ///< what messages call it: "stdin", a path
    MakeReader make_reader;
    bool ring = false;  ///< its writer may come, go and be asked
  };
  /// Called in the loop's thread.
  struct Events {
    std::function<void(Input&, bool first)> on_format;  ///< after Stream::set_format()
    std::function<void(Input&, const End&)> on_end;     ///< once, after Stream::end()
  };

  Input(net::Loop& loop, hub::Stream& stream, Origin origin, cli::Telemetry* telemetry, Events events);
  /// Stops the thread.
  ~Input() override;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const std::string& name() const noexcept { return name_; }
  hub::Stream& stream() noexcept { return *stream_; }
  // The loop's thread.
  bool ended() const noexcept { return ended_; }
  bool is_ring() const noexcept { return ring_; }
  bool waiting() const noexcept { return ring_ && !stream_->has_writer(); }  ///< for a ring or its writer

private:
  struct Unit {
    media::Packet packet;
    std::int64_t arrived_ns = 0;
  };
  struct Writer {
    bool there = false;
  };
  using Event = std::variant<media::StreamFormat, Unit, Writer, SourceStatus, End>;

  // The reading thread.
  void run(const MakeReader& make_reader);
  End read_all(const MakeReader& make_reader);
  End read_all(wire::stream::Reader& reader);
  void set_reader(wire::stream::Reader* reader);
  void hand_over(Event event);
  void hand_over_unit(Unit unit);

  // The loop's thread.
  void take_over();
  void take(Event& event);
  void take_unit(Unit unit);
  void set_wanted(bool wanted) noexcept override;
  void request_keyframe() noexcept override;
  void fail();
  void stop_reading() noexcept;
  void refuse_raw(const media::VideoFormat& format);
  void end(const End& end);

  std::shared_ptr<hub::Stream> stream_;
  std::string name_;
  bool ring_;
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

  std::mutex reader_mutex_;  // over the next three; its holder calls the reader and nothing of ours
  wire::stream::Reader* reader_ = nullptr;
  bool wanted_ = false;
  bool keyframe_wanted_ = false;  // asked before there was a reader

  net::Async wake_;
  std::thread thread_;
};

}  // namespace campipe::serve::input
