#pragma once
#include <cstdint>

#include "media/bit_reader.hpp"
#include "media/format.hpp"

/// What the SPS of H.264 and H.265 have in common; used by their parsers only.
namespace campipe::media {

/// Takes the four cropping offsets (ue(v), in units of `x_unit` and `y_unit` pixels) off `size`. False when the reader
/// ran dry or nothing is left of the picture.
bool read_crop(BitReader& in, int x_unit, int y_unit, Size& size);

/// The front of vui_parameters() (H.264, E.1.1; H.265, E.2.1), from aspect ratio to chroma location. `range` and
/// `matrix` stay as they are where the VUI does not say.
void read_vui_colour(BitReader& in, ColourRange& range, ColourMatrix& matrix);

/// scale / units in lowest terms; 0/1 when either is 0 or the rate above 1000: such a VUI was never filled in.
Rational vui_frame_rate(std::uint64_t scale, std::uint64_t units) noexcept;

}  // namespace campipe::media
