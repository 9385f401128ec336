#include "serve/http/mjpeg_client.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/faults.hpp"

namespace campipe::serve::http {

namespace {

constexpr std::string_view kBoundary = "--boundarydonotcross\r\n";  // mjpg-streamer's: OctoPrint and others look for it
constexpr std::int64_t kAgainMs = 120;  // without another picture: longer than a frame of what counts as moving
constexpr std::string_view kBehindPicture = "\r\n--boundarydonotcross\r\n";

/// What all clients get of a part's headers, kept with the picture.
struct CommonHead {
  std::string text;
};

std::string common_head(const media::Packet& packet, std::optional<std::size_t> length = {}) {
  const std::int64_t stamp = std::max<std::int64_t>(packet.pts_us, 0);
  std::string text = fmt::format("Content-Type: image/jpeg\r\nContent-Length: {}\r\nX-Timestamp: {}.{:06}\r\n",
                                 length.value_or(packet.payload.size()), stamp / 1'000'000, stamp % 1'000'000);
  if (packet.sequence) text += fmt::format("X-Sequence: {}\r\n", *packet.sequence);
  return text;
}

iovec part(const void* data, std::size_t bytes) {
  return {const_cast<void*>(data), bytes};
}

}  // namespace

MjpegClient::MjpegClient(net::Loop& loop, hub::Hub& hub, hub::Stream& stream, const net::Address& peer, Options options)
    : hub_(hub),
      stream_(stream.shared_from_this()),
      peer_(peer.to_string()),
      options_(options),
      connected_at_us_(realtime_us()),
      cursor_(stream, options.lag),
      meter_(stream.deliveries().of(hub::Protocol::http_mjpeg)) {
  if (options.dual_final)
    again_ = std::make_unique<net::Timer>(
        loop, [this] { faults::contain("client", [this] { send_again(); }, [this] { on_fault(); }); });
}

net::HttpResponse MjpegClient::head() {
  net::HttpResponse head;
  head.content_type = "multipart/x-mixed-replace;boundary=boundarydonotcross";
  head.headers = {{"Cache-Control", "no-store, no-cache, must-revalidate"},
                  {"Pragma", "no-cache"},
                  {"X-Accel-Buffering", "no"}};  // or nginx collects pictures
  return head;
}

void MjpegClient::start(net::Connection& connection, End end) {
  connection_ = &connection;
  end_ = std::move(end);
  hub_.count("clients_opened_total{protocol=\"http-mjpeg\"}");
  attachment_ = hub::Attachment(*stream_, *this);
  connection.send(kBoundary);
  cursor_.join();
  meter_.join(options_.requested_ns);
  pump();
}

void MjpegClient::on_drained() {
  settle();
  pump();
}

void MjpegClient::on_closed(net::CloseReason reason) {
  attachment_ = {};
  connection_ = nullptr;
  newest_.reset();
  hub_.count(fmt::format("clients_closed_total{{protocol=\"http-mjpeg\",reason=\"{}\"}}", net::name(reason)));
}

void MjpegClient::on_units_available() {
  pump();
}
void MjpegClient::on_format_changed() {
  pump();
}
void MjpegClient::on_stream_ended() {
  pump();
}

void MjpegClient::end(std::string_view) {
  if (connection_ != nullptr) end_(net::CloseReason::kicked);
}

void MjpegClient::on_fault() {
  if (connection_ != nullptr) end_(net::CloseReason::fault);
}

bool MjpegClient::over() const {
  return stream_->ended() || !stream_->has_codec(media::VideoCodec::mjpeg);
}

void MjpegClient::pump() {
  if (pumping_) return;
  pumping_ = true;
  while (connection_ != nullptr && connection_->idle()) {
    hub::UnitPtr unit = over() && !stream_->has_codec(media::VideoCodec::mjpeg) ? nullptr : cursor_.next();
    if (!unit) {
      if (over()) end_(net::CloseReason::finished);  // comes back as on_closed()
      break;
    }
    if (unit->is_video() && due(*unit)) send(unit);
  }
  pumping_ = false;
}

/// Thins pictures out to the wanted rate by media time; a jump of the clock begins anew.
bool MjpegClient::due(const hub::Unit& unit) {
  if (options_.interval_us == 0) return true;
  const std::int64_t now = unit.packet.pts_us;
  const std::int64_t slack = 2'000;  // capture times jitter
  if (next_due_us_ && now + slack < *next_due_us_ && *next_due_us_ - now <= options_.interval_us) return false;
  const bool steady = next_due_us_ && now - *next_due_us_ < options_.interval_us;
  next_due_us_ = (steady && now + slack >= *next_due_us_ ? *next_due_us_ : now) + options_.interval_us;
  return true;
}

void MjpegClient::send(const hub::UnitPtr& unit, bool again) {
  const media::Payload& payload = unit->packet.payload;
  part_head_.clear();
  append_head(*unit);
  const std::size_t picture = options_.zero_data ? 0 : payload.size();
  const std::array parts{part(part_head_.data(), part_head_.size()), part(payload.data(), picture),
                         part(kBehindPicture.data(), kBehindPicture.size())};
  const std::size_t bytes = part_head_.size() + picture + kBehindPicture.size();
  if (!again) {
    cursor_.sent(*unit, bytes);
    meter_.begin(*unit, bytes, stream_->history().lag_of(*unit), cursor_.counters());
  }
  if (again_ && !again) {
    newest_ = unit;
    again_->start(kAgainMs);
  }
  if (connection_->write(parts, unit)) settle();
}

void MjpegClient::send_again() {
  if (!newest_ || connection_ == nullptr || !connection_->idle()) return;
  send(std::exchange(newest_, nullptr), true);
}

void MjpegClient::settle() {
  meter_.finish(stream_->now_ns(), connection_->send_calls());
}

void MjpegClient::append_head(const hub::Unit& unit) {
  const std::int64_t now_ns = stream_->now_ns();
  const std::int64_t age_us = unit.age_us(now_ns);
  if (options_.zero_data) {
    part_head_ += common_head(unit.packet, 0);
  } else {
    part_head_ += unit.derived.get<CommonHead>([&] { return CommonHead{common_head(unit.packet)}; }).text;
  }
  fmt::format_to(std::back_inserter(part_head_), FMT_COMPILE("X-Age: {}.{:06}\r\n"), age_us / 1'000'000,
                 age_us % 1'000'000);
  count_rate(now_ns);
  if (options_.extra_headers) append_extra_headers(unit);
  part_head_ += "\r\n";
}

void MjpegClient::count_rate(std::int64_t now_ns) {
  const std::int64_t second = now_ns / 1'000'000'000;
  if (second != second_) {
    rate_ = second == second_ + 1 ? sent_in_second_ : 0;
    second_ = second;
    sent_in_second_ = 0;
  }
  ++sent_in_second_;
}

/// Times are CLOCK_MONOTONIC in seconds, as ustreamer's are; encoding is not ours, so nothing is told of it.
void MjpegClient::append_extra_headers(const hub::Unit& unit) {
  auto out = std::back_inserter(part_head_);
  const media::VideoFormat& format = stream_->format()->video;
  const auto seconds = [](std::int64_t ns) { return static_cast<double>(ns) / 1e9; };
  const std::int64_t now_ns = stream_->now_ns();
  fmt::format_to(out,
                 "X-UStreamer-Online: {}\r\nX-UStreamer-Dropped: {}\r\nX-UStreamer-Width: {}\r\nX-UStreamer-Height: "
                 "{}\r\nX-UStreamer-Client-FPS: {}\r\nX-UStreamer-Expose-Begin-Time: {:.6f}\r\n"
                 "X-UStreamer-Expose-End-Time: {:.6f}\r\nX-UStreamer-Send-Time: {:.6f}\r\n",
                 stream_->state() == hub::StreamState::flowing, cursor_.counters().skipped_units, format.size.width_px,
                 format.size.height_px, rate_, seconds(unit.arrived_ns), seconds(unit.arrived_ns), seconds(now_ns));
  if (!unit.packet.captured_ns) return;
  fmt::format_to(out, "X-UStreamer-Grab-Time: {:.6f}\r\nX-UStreamer-Latency: {:.6f}\r\n",
                 seconds(*unit.packet.captured_ns), seconds(now_ns - *unit.packet.captured_ns));
}

}  // namespace campipe::serve::http
