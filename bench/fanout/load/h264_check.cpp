#include "load/h264_check.hpp"

#include <utility>

#include "media/bit_reader.hpp"
#include "media/h264.hpp"

namespace fanout {

namespace {
constexpr std::size_t kSliceHeaderBytes = 32;
}

void H264Check::nal(std::span<const std::byte> beginning) {
  namespace h264 = campipe::media::h264;
  const int type = h264::nal_type(beginning);
  if (type == h264::kSps) {
    if (const auto sps = h264::parse_sps(beginning)) log2_max_frame_num_ = sps->log2_max_frame_num;
  } else if (type == h264::kSlice || type == h264::kIdr) {
    slice(beginning, type == h264::kIdr);
  }
}

void H264Check::slice(std::span<const std::byte> beginning, bool key) {
  const auto header = campipe::media::unescape_rbsp(beginning.subspan(1), kSliceHeaderBytes);
  campipe::media::BitReader bits(header);
  if (bits.ue() != 0) return;  // another slice of the picture
  bits.ue();                   // slice_type
  bits.ue();                   // pic_parameter_set_id
  const std::uint32_t frame_num = bits.bits(log2_max_frame_num_);
  picture_.any = true;
  picture_.key = key;
  if (key) intact_ = log2_max_frame_num_ > 0;
  if (!key && frame_num != expected_) intact_ = false;
  picture_.decodable = intact_ && bits.ok();
  const bool reference = (std::to_integer<int>(beginning.front()) & 0x60) != 0;
  const std::uint32_t mask = (std::uint32_t{1} << log2_max_frame_num_) - 1;
  if (key || reference) expected_ = (frame_num + 1) & mask;
}

H264Check::Picture H264Check::take_picture() noexcept {
  return std::exchange(picture_, {});
}

}  // namespace fanout
