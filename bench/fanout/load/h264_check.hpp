#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace fanout {

/// Whether a decoder has what each picture refers to, told by frame_num (H.264, 7.4.3): one more than the reference
/// picture before, 0 at an IDR. For streams without gaps_in_frame_num_value_allowed.
class H264Check {
public:
  /// The beginning of a NAL unit, its header first; its end may be missing.
  void nal(std::span<const std::byte> beginning);
  /// Something is missing: nothing decodes before the next IDR.
  void loss() noexcept { intact_ = false; }

  struct Picture {
    bool any = false;        ///< a slice was seen
    bool key = false;        ///< IDR
    bool decodable = false;  ///< nothing that it refers to is missing
  };
  /// What was seen since the last call.
  Picture take_picture() noexcept;

private:
  void slice(std::span<const std::byte> beginning, bool key);

  Picture picture_;
  bool intact_ = false;
  int log2_max_frame_num_ = 0;  // 0: no SPS yet
  std::uint32_t expected_ = 0;
};

}  // namespace fanout
