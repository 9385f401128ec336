#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "media/picture.hpp"

namespace campipe::ffmpeg {

/// What a decoder made of an access unit.
struct DecodedPicture {
  std::int64_t id = 0;   ///< of the access unit it was in
  bool damaged = false;  ///< parts were missing and are made up
  media::Picture picture;
};

/// H.264 and H.265 to pictures by libavcodec, without delay: a picture comes out as soon as the stream's order allows.
/// One instance per stream, in one thread. Damaged or hostile input costs pictures, never more: pictures over 16384 a
/// side or 64 Mpx are refused.
class VideoDecoder {
public:
  /// @param parameter_sets  Annex B; may be empty when the stream carries them.
  /// @param threads         Slices decoded side by side; frame threads would each add a frame of delay.
  /// Throws Error(unavailable) without the decoder.
  VideoDecoder(media::VideoCodec codec, std::span<const std::byte> parameter_sets, int threads);
  ~VideoDecoder();
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  /// Decodes an access unit (Annex B) and appends the pictures that are ready, in the order they are shown. Answers
  /// whether the decoder took it; false: it is damaged, go on with the next.
  bool push(std::span<const std::byte> access_unit, std::int64_t id, std::vector<DecodedPicture>& out);

  /// At the end of the stream: the pictures still waiting for their order.
  void flush(std::vector<DecodedPicture>& out);

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campipe::ffmpeg
