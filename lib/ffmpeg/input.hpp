#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "media/format.hpp"
#include "media/payload.hpp"

namespace campipe::ffmpeg {

/// How to open an input of libavformat.
struct InputOptions {
  std::vector<std::pair<std::string, std::string>> format_options;  ///< as on ffmpeg's command line, without the dash
  std::string protocols;  ///< those that may be used, "file" or "rtsp,rtp,udp,tcp"
  std::int64_t probe_bytes = 1 << 20;
  std::int64_t probe_us = 1'000'000;  ///< media time looked at where the header does not tell the tracks
  /// Asked at least ten times a second while the input waits; true = give up.
  std::function<bool()> interrupted;
};

/// A track that campipe can carry.
struct InputTrack {
  int index = 0;
  std::optional<media::VideoFormat> video;
  std::optional<media::AudioFormat> audio;
  std::vector<std::byte> extradata;  ///< as the container has it
};

struct InputPacket {
  int track = 0;
  std::optional<std::int64_t> pts_ns, dts_ns;  ///< media time, from wherever the input counts
  std::int64_t duration_ns = 0;                ///< 0 = unknown
  bool keyframe = false;
  bool corrupt = false;
  media::Payload payload;
};

enum class InputRead { packet, end, interrupted, failed };

/// A demuxer of libavformat: network, container files, bare streams. Nothing is decoded. One thread.
class Input {
public:
  /// Opens and finds the tracks. Answers the AVERROR in `error` where that fails; then nothing.
  static std::unique_ptr<Input> open(const std::string& url, InputOptions options, int& error);
  ~Input();

  /// The best video track and an audio track that fits it, in this order; tracks of other codecs are left out.
  const std::vector<InputTrack>& tracks() const noexcept;
  /// Codec names of video tracks that campipe cannot carry, "vp9"; for messages.
  const std::string& unknown_video() const noexcept;
  /// Whether it has an end and a length: a file, wherever it is.
  bool has_length() const noexcept;
  /// Whether it is a bare stream, whose times the demuxer only makes up.
  bool is_bare() const noexcept;

  InputRead read(InputPacket& packet);
  int error() const noexcept;  ///< AVERROR after InputRead::failed

private:
  struct State;
  explicit Input(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What an AVERROR of opening or reading a network input or a file means: the exit code and words for the user.
struct InputFailure {
  ExitCode code;
  std::string why;
};
InputFailure explain(int averror, bool is_network);

}  // namespace campipe::ffmpeg
