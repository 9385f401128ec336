#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "media/format.hpp"
#include "serve/client.hpp"
#include "serve/history.hpp"

namespace campipe::serve {

enum class StreamState {
  waiting,  ///< nothing came yet
  flowing,
  stalled,  ///< nothing came for 2 s, or three frames of the nominal rate when that is longer
  ended,    ///< the input is at its end
};
std::string_view name(StreamState state) noexcept;

/// What one input brings: a rendition of a named stream in one codec, maybe with audio. Without audio of its own it has
/// that of the first stream of its name that does: one camera's picture in several codecs, its sound in one. Lives as
/// long as the hub. For the loop's thread.
class Stream {
public:
  struct Totals {
    std::uint64_t units = 0;  ///< video
    std::uint64_t bytes = 0;  ///< video and audio of the input
    std::uint64_t keyframes = 0;
    std::uint64_t dropped = 0;  ///< damaged or missing before us, or not taken over in time
    std::uint64_t format_changes = 0;
  };
  using Clock = std::function<std::int64_t()>;  ///< CLOCK_MONOTONIC, ns

  Stream(std::string name, std::string rendition, History::Limits limits, Clock clock);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Another stream of the same name; each is told of the others in the order given. Must outlive this.
  void add_namesake(Stream& other, bool given_before);

  // What the input does.
  void set_format(const media::StreamFormat& format);
  void push(media::Packet packet);
  void end(std::string reason);
  void count_dropped(std::uint64_t units) noexcept { totals_.dropped += units; }

  const std::string& name() const noexcept { return name_; }
  const std::string& rendition() const noexcept { return rendition_; }  ///< "" when it was given none
  std::string path() const;                                             ///< NAME or NAME/RENDITION

  /// With the audio that there is, whosever it is. Nothing before the first format.
  const std::optional<media::StreamFormat>& format() const noexcept { return format_; }
  /// As the input told it.
  const std::optional<media::StreamFormat>& own_format() const noexcept { return own_format_; }
  bool has_codec(media::VideoCodec codec) const noexcept { return format_ && format_->video.codec == codec; }
  std::uint32_t generation() const noexcept { return generation_; }  ///< counts formats, from 1
  const History& history() const noexcept { return history_; }

  StreamState state() const;
  const std::string& end_reason() const noexcept { return end_reason_; }
  std::optional<std::int64_t> age_ns() const;  ///< since the newest video unit came
  double frames_per_second() const;            ///< of the last two seconds; 0 when nothing flows
  double bits_per_second() const;
  const Totals& totals() const noexcept { return totals_; }
  const std::vector<Client*>& clients() const noexcept { return clients_; }  ///< may hold nullptr
  std::size_t client_count() const noexcept;

private:
  friend class Attachment;
  struct Arrival {
    std::int64_t at_ns;
    std::size_t bytes;
  };

  /// Whose audio this stream has: its own, another's, nobody's (nullptr).
  const Stream* audio_source() const noexcept;
  bool has_audio() const noexcept { return own_format_ && own_format_->audio && !ended_; }
  void apply_format();
  void apply_format_to_namesakes();
  void lend_audio(const media::Packet& packet);
  void add_unit(media::Packet packet);

  void attach(Client& client) { clients_.push_back(&client); }
  void detach(Client& client) noexcept;
  void tell(void (Client::*what)());
  std::int64_t stall_after_ns() const;
  void note_arrival(std::size_t bytes);

  std::string name_, rendition_, end_reason_;
  Clock clock_;
  History history_;
  std::optional<media::StreamFormat> own_format_, format_;
  std::vector<Stream*> before_, after_;  // of the same name, in the order given
  std::uint32_t generation_ = 0;
  Totals totals_;
  bool ended_ = false;
  std::optional<std::int64_t> newest_ns_;
  std::deque<Arrival> arrivals_;  // video of the last two seconds
  std::vector<Client*> clients_;
  int telling_ = 0;  // depth: meanwhile clients_ only grows
};

/// Keeps a client on a stream's list.
class Attachment {
public:
  Attachment() = default;
  Attachment(Stream& stream, Client& client) : stream_(&stream), client_(&client) { stream.attach(client); }
  Attachment(Attachment&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)), client_(other.client_) {}
  Attachment& operator=(Attachment&& other) noexcept {
    Attachment old(std::move(*this));
    stream_ = std::exchange(other.stream_, nullptr);
    client_ = other.client_;
    return *this;
  }
  ~Attachment() {
    if (stream_ != nullptr) stream_->detach(*client_);
  }

private:
  Stream* stream_ = nullptr;
  Client* client_ = nullptr;
};

}  // namespace campipe::serve
