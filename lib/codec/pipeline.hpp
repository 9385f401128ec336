#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/complaints.hpp"
#include "codec/decoder.hpp"
#include "codec/encoder.hpp"
#include "codec/rate.hpp"
#include "codec/settings.hpp"
#include "codec/shaper.hpp"

namespace campipe::codec {

/// The work of camenc: a stream in one format in, the same stream as it was asked for out. Follows changes of the
/// format with a new encoder. Capture times, sequence numbers and flags stay with their frames; audio goes by
/// untouched. A frame that cannot be decoded is left out, counted and said. In one thread.
class Pipeline {
public:
  struct Output {
    std::function<void(const media::StreamFormat&)> format;  ///< before the first packet and at each change
    std::function<void(const media::Packet&)> packet;
  };
  struct Stats {
    std::uint64_t frames_in = 0;
    std::uint64_t frames_out = 0;
    std::uint64_t broken = 0;   ///< could not be decoded
    std::uint64_t thinned = 0;  ///< left out by -r
  };

  Pipeline(Settings settings, Output output);

  /// Throws Error(usage) for what this stream cannot be made into (-c copy -r with H.264).
  void set_format(const media::StreamFormat& format);
  void push(media::Packet packet);
  /// The next frame out shall be a keyframe. Answers false where the frames are another encoder's: ask that one.
  bool force_keyframe() noexcept;
  /// Leaves out what was captured up to `pts_us`, at most a minute of it, because it has gone out already: video that
  /// is passed on and needs keyframes goes on with one. Before the first push().
  void resume_after(std::int64_t pts_us) { resume_after_us_ = pts_us; }
  /// At the end of the input: what the decoder still holds.
  void finish();

  const Stats& stats() const noexcept { return stats_; }
  /// The reason the last broken frame gave; empty without one.
  const std::string& last_complaint() const noexcept { return last_complaint_; }

private:
  /// What an encoder was made for; another kind of picture needs another encoder.
  struct Kind {
    Size size;
    media::PixelFormat format = media::PixelFormat::none;
    media::ColourRange range = media::ColourRange::unknown;
    media::ColourMatrix matrix = media::ColourMatrix::unknown;
    bool operator==(const Kind&) const = default;
  };

  void start_passing();
  void start_transcoding();
  void drain();
  void push_audio(media::Packet packet);
  bool gone_out(const media::Packet& packet);
  bool thinned_out(media::Packet& packet);
  void encode(Frame frame);
  void prepare_encoder(const media::Picture& picture);
  void announce(const media::VideoFormat& video);
  void emit(const media::Packet& packet);
  void complain(const std::string& why);
  Rational rate_out() const;

  Settings settings_;
  Output output_;
  Stats stats_;
  std::string last_complaint_;
  Complaints complaints_{std::chrono::seconds(10)};
  Complaints changes_{std::chrono::seconds(1)};
  media::StreamFormat source_;
  Way way_ = Way::pass;
  std::unique_ptr<Decoder> decoder_;
  Shaper shaper_;
  std::unique_ptr<Encoder> encoder_;
  Kind kind_;
  std::optional<RateGrid> grid_;
  std::vector<Frame> frames_;
  std::deque<media::Packet> early_audio_;  ///< before the format could be told
  std::optional<std::int64_t> resume_after_us_;
  bool announced_ = false;
  bool discontinuity_ = false;  ///< of a frame left out, for the next one
};

}  // namespace campipe::codec
