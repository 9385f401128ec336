#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/source_status.hpp"
#include "media/format.hpp"
#include "serve/hub/client.hpp"
#include "serve/hub/deliveries.hpp"
#include "serve/hub/history.hpp"
#include "serve/hub/media_clock.hpp"

namespace campipe::serve::hub {

enum class StreamState {
  waiting,  ///< nothing came yet
  flowing,
  idle,     ///< nothing comes because nobody wants anything; or the first frame after that is still under way
  stalled,  ///< nothing came for too long (stall_after_ns()), or the writer says that its source is lost
  ended,    ///< the input is at its end
};
std::string_view name(StreamState state) noexcept;

/// What a stream can ask for where it comes from, which only a ring's writer can be told. The loop's thread.
class StreamSource {
public:
  virtual ~StreamSource() = default;
  /// Whether anybody wants frames: a writer that works on demand rests while nobody does.
  virtual void set_wanted(bool wanted) noexcept = 0;
  virtual void request_keyframe() noexcept = 0;
};

/// What one input brings: a rendition of a named stream in one codec, maybe with audio. Without audio of its own it has
/// that of the first stream of its name that does: one camera's picture in several codecs, its sound in one. The
/// hub's, and of those who follow it: it outlives its removal until the last of them lets go. For the loop's thread.
class Stream : public std::enable_shared_from_this<Stream> {
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

  /// Another stream of the same name; each is told of the others in the order given, and when one goes.
  void add_namesake(Stream& other, bool given_before);
  void remove_namesake(const Stream& other);

  // What the input does.
  void set_format(const media::StreamFormat& format);
  /// @param arrived_ns  when it was here, on clock(): a thread reads it before the loop takes it, and a ring gives what
  ///                    was before we came. Absent: now.
  void push(media::Packet packet, std::optional<std::int64_t> arrived_ns = {});
  void end(std::string reason);
  void count_dropped(std::uint64_t units) noexcept { totals_.dropped += units; }
  /// Who can be asked, as long as it lives; nullptr again before it goes. Told at once what is wanted now.
  void set_source(StreamSource* source);
  /// Whether somebody writes what the source reads.
  void set_writer(bool there) noexcept { writer_ = there; }
  /// What the writer says of its source. A pipe says it each second while nothing flows: what it said last counts for
  /// 3 s where nobody else knows whether the writer lives.
  void set_source_status(SourceStatus status);
  /// Whether /health judges it.
  void set_judged(bool judged) noexcept { judged_ = judged; }

  const std::string& name() const noexcept { return name_; }
  const std::string& rendition() const noexcept { return rendition_; }  ///< "" when it was given none
  std::string path() const;                                             ///< NAME or NAME/RENDITION

  /// With the audio that there is, whosever it is. Nothing before the first format.
  const std::optional<media::StreamFormat>& format() const noexcept { return format_; }
  /// As the input told it.
  const std::optional<media::StreamFormat>& own_format() const noexcept { return own_format_; }
  /// Whose audio this stream has: its own, another's, nobody's (nullptr).
  Stream* audio_source() noexcept;
  bool has_codec(media::VideoCodec codec) const noexcept { return format_ && format_->video.codec == codec; }
  std::uint32_t generation() const noexcept { return generation_; }  ///< counts formats, from 1
  const History& history() const noexcept { return history_; }
  /// Whether a unit's sound is coded as format() says.
  bool is_current_sound(const Unit& unit) const noexcept { return unit.generation >= sound_generation_; }

  StreamState state() const;
  /// Whether frames are wanted: it has clients, or somebody waits for it (Wish).
  bool wanted() const noexcept { return wishes_ > 0; }
  /// The history is of before a time in which nobody wanted anything: no picture of now, no place to join.
  bool rested() const;
  bool has_source() const noexcept { return source_ != nullptr; }
  bool has_writer() const noexcept { return writer_; }
  const SourceStatus& source_status() const noexcept { return source_status_; }
  bool judged() const noexcept { return judged_; }
  /// Whether its writer may stop while nobody wants frames: it has, or nobody knows.
  bool can_rest() const noexcept {
    return has_source() &&
           (has_rested_ || source_status_.state != SourceState::running || source_status_.reason == kOnDemand);
  }
  bool ended() const noexcept { return ended_; }  ///< state() without a look at the clock
  const std::string& end_reason() const noexcept { return end_reason_; }
  std::optional<std::int64_t> age_ns() const;  ///< since the newest video unit came
  /// For how long nothing may come: 2 s, or three frames of the nominal or, of a stream slower than that, of the
  /// measured rate.
  std::int64_t stall_after_ns() const;
  double frames_per_second() const;  ///< of the last two seconds; 0 when nothing flows
  double bits_per_second() const;
  std::int64_t created_at_us() const noexcept { return created_at_us_; }  ///< Unix time
  std::int64_t uptime_ns() const { return clock_() - created_ns_; }
  const Totals& totals() const noexcept { return totals_; }
  std::int64_t now_ns() const { return clock_(); }
  Deliveries& deliveries() noexcept { return deliveries_; }
  const Deliveries& deliveries() const noexcept { return deliveries_; }
  const std::vector<Client*>& clients() const noexcept { return clients_; }  ///< may hold nullptr
  std::size_t client_count() const noexcept;

private:
  friend class Attachment;
  friend class Wish;
  struct Arrival {
    std::int64_t at_ns;
    std::size_t bytes;
  };

  bool has_audio() const noexcept { return own_format_ && own_format_->audio && !ended_; }
  void apply_format();
  void apply_format_to_namesakes();
  void lend_audio(const media::Packet& packet, std::int64_t at_ns);
  void add_unit(media::Packet packet, std::int64_t at_ns);

  void add_wish() noexcept;
  void drop_wish() noexcept;
  void attach(Client& client, bool ask_keyframe);
  void detach(Client& client) noexcept;
  void tell(void (Client::*what)());
  bool may_be_idle() const;
  void note_arrival(std::size_t bytes, std::int64_t at_ns);

  std::string name_, rendition_, end_reason_;
  Clock clock_;
  std::int64_t created_ns_, created_at_us_;
  History history_;
  MediaClock media_clock_;
  std::optional<media::StreamFormat> own_format_, format_;
  std::vector<Stream*> before_, after_;  // of the same name, in the order given
  std::uint32_t generation_ = 0, sound_generation_ = 0;
  Totals totals_;
  Deliveries deliveries_;
  bool ended_ = false;
  std::optional<std::int64_t> newest_ns_;
  std::deque<Arrival> arrivals_;                // video of the last two seconds
  std::array<std::int64_t, 3> intervals_ns_{};  // between the newest arrivals
  std::vector<Client*> clients_;
  int telling_ = 0;  // depth: meanwhile clients_ only grows
  StreamSource* source_ = nullptr;
  bool writer_ = false;
  SourceStatus source_status_;
  std::int64_t status_told_ns_ = 0, woke_ns_ = 0;
  bool has_rested_ = false;
  bool judged_ = true;
  std::size_t wishes_ = 0;
  std::int64_t wanted_since_ns_ = 0;
};

/// Wants a stream's frames while it lives, without following it.
class Wish {
public:
  Wish() = default;
  explicit Wish(Stream& stream) : stream_(stream.shared_from_this()) { stream_->add_wish(); }
  Wish(Wish&&) noexcept = default;
  Wish& operator=(Wish&& other) noexcept {
    const Wish old(std::move(*this));
    stream_ = std::move(other.stream_);
    return *this;
  }
  ~Wish() {
    if (stream_) stream_->drop_wish();
  }

private:
  std::shared_ptr<Stream> stream_;
};

/// Keeps a client on a stream's list, wants the stream's frames and keeps it alive.
class Attachment {
public:
  Attachment() = default;
  /// @param ask_keyframe  who joins between two keyframes of inter-coded video has the next one asked for.
  Attachment(Stream& stream, Client& client, bool ask_keyframe = true)
      : stream_(stream.shared_from_this()), client_(&client) {
    stream.attach(client, ask_keyframe);
  }
  Attachment(Attachment&& other) noexcept : stream_(std::move(other.stream_)), client_(other.client_) {}
  Attachment& operator=(Attachment&& other) noexcept {
    const Attachment old(std::move(*this));
    stream_ = std::move(other.stream_);
    client_ = other.client_;
    return *this;
  }
  ~Attachment() {
    if (stream_) stream_->detach(*client_);
  }

private:
  std::shared_ptr<Stream> stream_;
  Client* client_ = nullptr;
};

}  // namespace campipe::serve::hub
