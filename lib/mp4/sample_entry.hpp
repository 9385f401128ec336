#pragma once
#include <cstddef>
#include <span>

#include "media/format.hpp"
#include "mp4/box_writer.hpp"

namespace campipe::mp4 {

/// Whether a track of this codec can go into an MP4 file that players expect: H.264, H.265; AAC, Opus.
bool fits_mp4(media::VideoCodec codec) noexcept;
bool fits_mp4(media::AudioCodec codec) noexcept;

/// A whole stsd box: avc1 (ISO/IEC 14496-15, 5.4.2) or hvc1 (8.4.1) with the parameter sets of `format`. Empty when
/// there are no usable ones, or for another codec.
Bytes make_sample_description(const media::VideoFormat& format);

/// A whole stsd box: mp4a with esds (14496-14, 5.6) or Opus with dOps (the Opus-in-ISOBMFF mapping, 4.3). Empty when
/// the extradata does not do for it.
Bytes make_sample_description(const media::AudioFormat& format);

/// Appends an access unit (Annex B) as an MP4 sample: each NAL unit behind its 32-bit length; AUD, filler and those
/// parameter sets that are among `known` (Annex B) left out. Returns the bytes appended; 0 = nothing worth a sample.
std::size_t append_sample(Bytes& out, media::VideoCodec codec, std::span<const std::byte> access_unit,
                          std::span<const std::byte> known);

/// Whether all parameter sets in `access_unit` are among `known` (both Annex B).
bool parameter_sets_known(media::VideoCodec codec, std::span<const std::byte> access_unit,
                          std::span<const std::byte> known);

}  // namespace campipe::mp4
