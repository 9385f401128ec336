#include "load/mjpeg_client.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include <strings.h>
#include <sys/socket.h>

#include "base/clock.hpp"
#include "stamp.hpp"

namespace fanout {

namespace {

constexpr std::size_t kBeginning = 64;  // of a picture: SOI and the COM segment with its stamp
constexpr double kMaxPicture = 64e6;

/// The number behind `name` in a header block, -1 when there is none.
double number_of(std::string_view head, std::string_view name) {
  for (std::size_t at = 0; at + name.size() <= head.size(); ++at) {
    const bool line = at == 0 || head[at - 1] == '\n';
    if (line && ::strncasecmp(head.data() + at, name.data(), name.size()) == 0)
      return std::strtod(head.data() + at + name.size(), nullptr);
  }
  return -1;
}

}  // namespace

void MjpegClient::on_connected() {
  meter_.requested(campipe::monotonic_ns());
  send_text("GET " + path() + " HTTP/" + shared_.options.http_version + "\r\nHost: load\r\n\r\n");
  if (role() == Role::stalled) begin_playing();  // never learns whether it was answered
}

Client::Read MjpegClient::read_some(std::size_t limit) {
  if (in_body_) return discard_body(limit);
  Read result = Read::drained;
  const std::size_t room = std::min(held_.size() - held_bytes_, limit);
  held_bytes_ += receive(std::as_writable_bytes(std::span(held_).subspan(held_bytes_, room)), 0, result);
  if (result == Read::ended) return result;
  if (!parse_held()) return Read::drained;
  if (held_bytes_ == held_.size()) {
    close("a head that does not end");
    return Read::drained;
  }
  return result;
}

Client::Read MjpegClient::discard_body(std::size_t limit) {
  Read result = Read::drained;
  const std::size_t want = std::min(body_left_, limit);
  if (shared_.options.discard) {
    // The buffer is not touched, so it need not be as large as what is asked for.
    body_left_ -= receive({shared_.scratch.data(), want}, MSG_TRUNC, result);
  } else {
    body_left_ -= receive(shared_.scratch.first(std::min(want, shared_.scratch.size())), 0, result);
  }
  if (body_left_ == 0) picture_complete();
  return result;
}

bool MjpegClient::parse_held() {
  for (;;) {
    const std::string_view held(held_.data(), held_bytes_);
    std::size_t taken = 0;
    if (picture_bytes_ > 0) {
      if (held.size() < std::min(picture_bytes_, kBeginning)) return true;
      stamp_ns_ = find_stamp(std::as_bytes(std::span(held.substr(0, kBeginning + 64))));
      taken = std::min(picture_bytes_, held.size());
      body_left_ = picture_bytes_ - taken;
      picture_bytes_ = 0;
      in_body_ = body_left_ > 0;
      if (!in_body_) picture_complete();
    } else {
      const std::size_t end = held.find("\r\n\r\n");
      if (end == std::string_view::npos) return true;
      if (!parse_head(held.substr(0, end + 2))) return false;
      taken = end + 4;
    }
    held_bytes_ -= taken;
    std::memmove(held_.data(), held_.data() + taken, held_bytes_);
    if (in_body_) return true;
  }
}

bool MjpegClient::parse_head(std::string_view head) {
  if (head.starts_with("HTTP/")) {
    if (head.find(" 200 ") == std::string_view::npos) {
      close("the server said " + std::string(head.substr(0, head.find('\r'))));
      return false;
    }
    if (!playing()) begin_playing();
    return true;
  }
  const double length = number_of(head, "Content-Length:");
  if (length < 1 || length > kMaxPicture) {
    close("a part without a length");
    return false;
  }
  picture_bytes_ = static_cast<std::size_t>(length);
  const double told = number_of(head, "X-Timestamp:");
  told_us_ = told > 0 ? std::optional(std::llround(told * 1e6)) : std::nullopt;
  const auto sequence = static_cast<std::int64_t>(number_of(head, "X-Sequence:"));
  if (last_sequence_ >= 0 && sequence > last_sequence_ + 1)
    meter_.lost(static_cast<std::uint64_t>(sequence - last_sequence_ - 1));
  last_sequence_ = sequence;
  return true;
}

void MjpegClient::picture_complete() {
  in_body_ = false;
  meter_.frame(campipe::monotonic_ns(), true, stamp_ns_, told_us_);
}

}  // namespace fanout
