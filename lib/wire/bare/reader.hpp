#pragma once
#include <memory>
#include <optional>

#include "wire/stream/byte_input.hpp"
#include "wire/stream/reader.hpp"

namespace campipe::wire::bare {

/// What the readers of formats without times have in common. From a pipe, a picture's time is that of its arrival; from
/// a file, pictures follow each other at the frame rate from the moment of the first.
class Reader : public stream::Reader {
public:
  Reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options);
  stream::Pull next() override;
  const media::StreamFormat& format() const override { return format_; }
  media::Packet& packet() override { return packet_; }
  const stream::ReaderStats& stats() const override { return stats_; }

protected:
  enum class Step { done, end, stopped };

  /// Handles one item of the input, or gets more of it.
  virtual Step step() = 0;

  /// Gets more input; Step::end only at its end.
  Step more();
  /// A format, maybe the one that holds already. Throws Error(bad_data) on a change with stream::OnChange::exit.
  void tell_format(media::VideoFormat video);
  /// @param corrupt  part of it is missing.
  void tell_packet(media::Payload payload, bool keyframe, bool corrupt = false);
  /// Something was left out before the next packet.
  void lost(std::uint64_t frames);
  bool has_format() const noexcept { return told_format_; }
  Rational rate() const;

  std::unique_ptr<stream::ByteInput> input_;
  stream::ReadOptions options_;
  stream::ReaderStats stats_;

private:
  std::int64_t next_time_ns();

  StreamClock clock_;
  media::StreamFormat format_;
  media::Packet packet_;
  bool from_file_;
  bool format_due_ = false, packet_due_ = false, told_format_ = false, mark_next_ = false;
  std::int64_t first_ns_ = 0;
  std::optional<std::int64_t> last_pts_us_;
};

std::unique_ptr<stream::Reader> make_jpeg_reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options);
std::unique_ptr<stream::Reader> make_annex_b_reader(std::unique_ptr<stream::ByteInput> input,
                                                    stream::ReadOptions options, media::VideoCodec codec);
std::unique_ptr<stream::Reader> make_y4m_reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options);

/// `video` from parse_raw_format().
std::unique_ptr<stream::Reader> make_raw_reader(std::unique_ptr<stream::ByteInput> input, stream::ReadOptions options,
                                                media::VideoFormat video);
/// "rawvideo:PIXFMT:WxH@FPS"; throws Error(usage).
media::VideoFormat parse_raw_format(const std::string& text, Rational assumed_rate);

}  // namespace campipe::wire::bare
