#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "ffmpeg/muxer_output.hpp"
#include "media/packet.hpp"

namespace campipe::ffmpeg {

/// Writes a stream as Matroska (or, as asked, as an MPEG transport stream) through libavformat. Each write() is one
/// cluster handed over at once, so that what is in the file can be played to its end at any moment. Times in Matroska
/// are exact to 1 ms, in a transport stream to 1/90000 s. Not thread-safe.
class MkvWriter {
public:
  enum class Format { matroska, mpegts };

  /// @param start_us  Unix time of presentation time 0; goes into the file as creation time (Matroska). Packets before
  /// it
  ///                  are left out.
  MkvWriter(Format format, const media::StreamFormat& stream, std::int64_t start_us, WriteAt sink);
  ~MkvWriter();

  /// The header before the first packet, then the packets. 0 or an AVERROR; nothing but finish() is worth a try after
  /// one.
  int write(std::span<const media::Packet> batch);

  /// Writes the index and the duration. Once.
  int finish();

  std::int64_t size() const noexcept { return output_.size(); }

private:
  void add_video(const media::VideoFormat& format);
  void add_audio(const media::AudioFormat& format);
  int begin();
  int write_packet(const media::Packet& packet);

  MuxerOutput output_;
  Format format_;
  std::int64_t start_us_;
  AVStream* video_ = nullptr;
  AVStream* audio_ = nullptr;
  std::int64_t last_dts_[2];
  PacketPtr packet_;
  bool begun_ = false;
};

/// What remux_matroska() found.
struct RemuxResult {
  std::uint64_t frames = 0;  ///< video
  std::int64_t duration_us = 0;
};

/// Copies all packets of a Matroska file that was cut off into a whole one with index and duration. Returns 0 or an
/// AVERROR when the input is no Matroska or the sink failed; `result` says what was copied.
int remux_matroska(const std::string& path, WriteAt sink, RemuxResult& result);

}  // namespace campipe::ffmpeg
