#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "capture/coded_video.hpp"
#include "capture/network/arrival_clock.hpp"
#include "capture/network/audio_track.hpp"
#include "capture/network/decode_order.hpp"
#include "capture/source.hpp"
#include "ffmpeg/input.hpp"

namespace campipe::capture::network {

/// A network source or a file through libavformat, without decoding: RTSP, RTMP, HTTP (MJPEG multipart too), containers
/// and bare streams. Video and one audio track. What a server sends is timed by ArrivalClock, a file by its own times
/// from the moment it was opened.
class Source : public capture::Source {
public:
  struct Options {
    std::string url;  ///< a URL, or a path when !is_network; may hold a password
    bool is_network = false;
    std::string rtsp_transport = "tcp";
    std::chrono::nanoseconds connect_timeout{std::chrono::seconds(10)};
    std::chrono::nanoseconds stall_timeout{std::chrono::seconds(10)};  ///< 0 = none
    bool realtime = false;     ///< file: at its own pace instead of the reader's
    bool loop = false;         ///< file: from the start again at its end, times going on
    Rational bare_rate{0, 1};  ///< frame rate of a bare stream, which has none of its own; 0 = 25, or what it says
  };
  Source(Options options, Host host, StreamClock clock);

  /// Throws Error: wrong password 77, no such stream or file 66, unreachable 69, no video 65, no RTSP or HTTP 76.
  void open() override;
  Pull next() override;
  void close() noexcept override { input_.reset(); }
  const media::StreamFormat& format() const override { return format_; }
  media::Packet& packet() override { return packet_; }
  const std::string& loss() const override { return loss_; }
  const std::string& name() const override { return name_; }
  bool is_live() const override { return live_ || options_.realtime; }
  SourceStats stats() const override { return stats_; }

private:
  struct Times {
    std::int64_t pts_ns, dts_ns;  ///< CLOCK_MONOTONIC
    bool dts_known;
  };

  ffmpeg::InputOptions input_options();
  bool give_up();
  void set_tracks();
  void announce();
  Pull lose(std::string why);
  Pull ended();
  Pull after_failure();
  bool take(ffmpeg::InputPacket& in);
  bool take_video(ffmpeg::InputPacket& in);
  bool take_audio(ffmpeg::InputPacket& in);
  Times time_live(const ffmpeg::InputPacket& in, bool video);
  Times time_file(const ffmpeg::InputPacket& in, bool video);
  void stamp(const Times& times, DecodeOrder& order);
  bool damaged();
  void usable();
  std::string why_stalled() const;
  bool pace();

  Options options_;
  Host host_;
  StreamClock clock_;
  std::string name_;
  std::unique_ptr<ffmpeg::Input> input_;
  int video_index_ = -1, audio_index_ = -1;
  std::optional<CodedVideo> coded_;
  std::optional<AudioTrack> audio_;
  media::VideoFormat video_;
  media::StreamFormat format_;
  media::Packet packet_;
  SourceStats stats_;
  std::string loss_;
  bool live_ = false;
  bool format_known_ = false, format_due_ = false, packet_ready_ = false;
  bool gap_ = false;
  std::uint64_t damaged_ = 0, before_keyframe_ = 0;  // since the last frame that could be used
  std::int64_t last_out_ns_ = 0;
  std::int64_t deadline_ns_ = 0;  // of what libavformat does now
  ArrivalClock arrival_;
  DecodeOrder video_order_, audio_order_;
  // Files: media time from the first packet on, over all rounds.
  std::int64_t anchor_ns_ = 0, frame_ns_ = 0, round_ns_ = 0, round_end_ns_ = 0;
  std::optional<std::int64_t> first_ns_;
  std::int64_t bare_count_ = 0, due_ns_ = 0;
  bool opened_ = false;
};

}  // namespace campipe::capture::network
