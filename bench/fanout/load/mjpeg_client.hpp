#pragma once
#include <array>
#include <optional>
#include <string_view>

#include "load/client.hpp"

namespace fanout {

/// multipart/x-mixed-replace by the parts' Content-Length. Of a picture only the first bytes, where the stamp is, are
/// read; the rest is discarded by the kernel (MSG_TRUNC) unless it is to be copied.
class MjpegClient final : public Client {
public:
  using Client::Client;

private:
  void on_connected() override;
  Read read_some(std::size_t limit) override;
  Read discard_body(std::size_t limit);
  /// As much of held_ as makes sense; false when the server's answer was none.
  bool parse_held();
  bool parse_head(std::string_view head);
  void picture_complete();

  std::array<char, 2048> held_;  // a head, and the first bytes of the picture behind it
  std::size_t held_bytes_ = 0;
  std::size_t body_left_ = 0;
  bool in_body_ = false;           // all of the head and of the picture's beginning was seen
  std::size_t picture_bytes_ = 0;  // announced, its beginning not seen yet
  std::optional<std::int64_t> stamp_ns_, told_us_;
  std::int64_t last_sequence_ = -1;
};

}  // namespace fanout
