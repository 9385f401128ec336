#pragma once
#include <cstdint>

#include "serve/hub/client.hpp"
#include "serve/hub/stream.hpp"

namespace campipe::serve::hub {

/// How far behind a client may fall before it is moved forward, in media time.
struct LagPolicy {
  std::int64_t max_lag_us = 1'000'000;
};

/// A client's place in a stream. JPEG: a client past the limit goes to the newest picture. H.264 and H.265: to the
/// newest IDR, and stays where it is when that is already behind it; never does it get a picture whose references it
/// has not had. Sound is in step with the pictures: it starts, and goes on after a skip, at the time of the picture
/// there, also where it came in before that. For the loop's thread; the stream must outlive it.
class Cursor {
public:
  Cursor(const Stream& stream, LagPolicy policy) : stream_(&stream), policy_(policy), next_(stream.history().end()) {}

  /// Where a new client starts: JPEG: at the newest picture, which is there at once. Others: at the newest IDR of the
  /// history with all that followed it, or, with none there, at the next one that comes. Of a stream that rested: at
  /// the next that comes.
  void join();
  /// At the next keyframe that comes (JPEG: the next picture); nothing of the history.
  void join_next();
  /// Has no place yet: the keyframe to start with is still to come.
  bool joining() const noexcept { return joining_; }

  /// The unit to send now, or nothing when the client has all. Moves past it; applies the policy before.
  UnitPtr next();
  /// The sound that next() is going to give first, when it is there already.
  UnitPtr next_sound() const;

  /// The client did not get all of a picture: what refers to it is left out.
  void broken() noexcept;

  /// Counts a unit as sent, with the bytes it took.
  void sent(const Unit& unit, std::size_t bytes) noexcept;

  std::int64_t lag_us() const;  ///< media time between what comes next and the newest
  const ClientCounters& counters() const noexcept { return counters_; }

private:
  bool each_is_key() const { return stream_->has_codec(media::VideoCodec::mjpeg); }
  /// Where to go on from when this client is too slow or what it needs is gone; next_ itself when nowhere better.
  void catch_up();
  void skip_to(std::uint64_t index);
  void begin_with(const Unit& keyframe);
  UnitPtr take_early_sound();
  bool is_due(const Unit& unit) const;

  const Stream* stream_;
  LagPolicy policy_;
  std::uint64_t next_ = 0;
  bool needs_keyframe_ = true;  // until one is met: at the start, and where references were lost
  bool joining_ = true;
  std::int64_t start_us_ = 0;                // of the keyframe begun with
  std::uint64_t early_ = 0, early_end_ = 0;  // units before it, among them sound of its time and later
  std::uint64_t after_sound_ = 0;            // what is before this was given, as far as it is sound
  ClientCounters counters_;
};

}  // namespace campipe::serve::hub
