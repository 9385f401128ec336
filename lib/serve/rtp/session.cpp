#include "serve/rtp/session.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/faults.hpp"
#include "base/log.hpp"
#include "rtp/rtcp.hpp"

namespace campipe::serve::rtp {

namespace {

/// A stream's clock that is further than this from its newest picture is not what the pictures are stamped by.
constexpr std::int64_t kPlausibleUs = 10'000'000;

hub::Protocol protocol_of(LowerTransport lower) {
  return lower == LowerTransport::tcp ? hub::Protocol::rtsp_tcp : hub::Protocol::rtsp_udp;
}

}  // namespace

Session::Session(net::Loop& loop, hub::Hub& hub, hub::Stream& stream, std::string id, LowerTransport lower, Peer peer,
                 Options options, OnEnded on_ended)
    : loop_(loop),
      hub_(hub),
      stream_(stream.shared_from_this()),
      id_(std::move(id)),
      lower_(lower),
      peer_(std::move(peer)),
      options_(options),
      on_ended_(std::move(on_ended)),
      connected_at_us_(realtime_us()),
      video_(stream.format()->video),
      infos_(tracks_of(stream)),
      tracks_(infos_.size()),
      cursor_(stream, options.lag),
      meter_(stream.deliveries().of(protocol_of(lower))) {}

std::uint32_t Session::set_up(std::size_t track, std::string control) {
  const TrackInfo& info = infos_[track];
  tracks_[track].emplace(
      Track{packetizer_of(*stream_, info.track, options_.max_payload),
            {info.description.payload_type, info.description.clock_hz, campipe::rtp::RtpSender::Identity::random()},
            std::move(control),
            {},
            0});
  return tracks_[track]->sender.ssrc();
}

std::string Session::play() {
  if (state_ != State::ready) return {};
  state_ = State::playing;
  has_played_ = true;
  meter_.join(stream_->now_ns());
  make_packetizers();
  take_place();
  want_sound();
  first_ = first_unit();
  return rtp_info();
}

void Session::take_place() {
  const bool inter_coded = !stream_->has_codec(media::VideoCodec::mjpeg);
  const bool rested = stream_->rested();
  const hub::UnitPtr newest = stream_->history().newest_keyframe();
  const bool asks = inter_coded && options_.join == Join::idr && !(newest && is_young(*newest));
  attachment_ = hub::Attachment(*stream_, *this, asks || rested);
  if (inter_coded && options_.join == Join::wait) return cursor_.join_next();
  // Nobody waits long for an answer, but old pictures are none at all.
  const bool may_come = asks && newest && !rested && stream_->has_source() && stream_->has_writer();
  if (!may_come) return cursor_.join();
  cursor_.join_next();
  idr_wait_.emplace(loop_, [this] {
    if (state_ != State::playing || !cursor_.joining()) return;
    faults::contain(
        "rtsp session",
        [this] {
          cursor_.join();
          pump();
        },
        [this] { on_fault(); });
  });
  idr_wait_->start(options_.idr_wait_ms);
}

bool Session::is_young(const hub::Unit& unit) const {
  return !stream_->rested() && stream_->now_ns() - unit.arrived_ns < options_.idr_young_ms * 1'000'000;
}

hub::UnitPtr Session::first_unit() {
  while (hub::UnitPtr unit = cursor_.next()) {
    const std::size_t index = track_of(*unit);
    if (index >= tracks_.size() || !tracks_[index]) continue;
    const Split& split = split_of(*unit, *tracks_[index]->packetizer);
    if (split.list) return unit;
    refused(split.list.error());
  }
  return nullptr;
}

std::string Session::rtp_info() const {
  std::string info;
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    if (!tracks_[i]) continue;
    const Track& track = *tracks_[i];
    info += fmt::format("{}url={};seq={}", info.empty() ? "" : ",", track.control, track.sender.next_sequence());
    hub::UnitPtr first = first_;
    if (first && track_of(*first) != i) first = infos_[i].track == media::Track::audio ? cursor_.next_sound() : nullptr;
    if (!first) continue;  // yet to come: nobody knows its time
    const campipe::rtp::RtpTicks ticks = campipe::rtp::ticks_from_us(first->packet.pts_us, track.sender.clock_hz());
    info += fmt::format(";rtptime={}", track.sender.timestamp(ticks));
  }
  return info;
}

/// Another stream's sound is wanted as our pictures are.
void Session::want_sound() {
  hub::Stream* giver = stream_->audio_source();
  const bool takes = tracks_.size() > 1 && tracks_[1] && giver != nullptr && giver != stream_.get();
  sound_ = takes ? hub::Wish(*giver) : hub::Wish();
}

void Session::start() {
  started_ = true;
  pump();
}

void Session::pause() {
  if (state_ != State::playing) return;
  state_ = State::ready;
  started_ = false;
  first_.reset();
  idr_wait_.reset();
  attachment_ = {};
  sound_ = {};
}

void Session::pump() {
  if (meter_.under_way()) settle();
  while (state_ == State::playing && started_ && output_->idle()) {
    hub::UnitPtr unit = first_ ? std::exchange(first_, nullptr) : cursor_.next();
    if (!unit) {
      if (stream_ended_) end("stream_ended");
      return;
    }
    send(std::move(unit));
  }
}

void Session::send(hub::UnitPtr unit) {
  const std::size_t index = track_of(*unit);
  if (index >= tracks_.size() || !tracks_[index]) return;
  Track& track = *tracks_[index];
  const Split& split = split_of(*unit, *track.packetizer);
  if (!split.list) return refused(split.list.error());
  const campipe::rtp::RtpTicks time = campipe::rtp::ticks_from_us(unit->packet.pts_us, track.sender.clock_hz());
  const std::size_t bytes = output_->send(index, track.sender, time, *split.list, unit);
  cursor_.sent(*unit, bytes);
  sends_video_ = unit->is_video();
  meter_.begin(*unit, bytes, stream_->history().lag_of(*unit), cursor_.counters());
  settle();
  // Players join audio and video by it: at once. FFmpeg counts from its time where nothing else tells the first
  // frame's.
  if (track.next_report_ms == 0) report(index, loop_.now_ms(), unit->packet.pts_us);
}

void Session::settle() {
  const Output::Progress progress = output_->progress();
  if (progress.lost) {
    if (sends_video_) cursor_.broken();
    return meter_.give_up(progress.send_calls);
  }
  if (progress.taken_ns) meter_.finish(*progress.taken_ns, progress.send_calls);
}

void Session::refused(campipe::rtp::RtpError error) {
  hub_.count("rtsp_units_refused_total");
  if (std::exchange(told_refusal_, true)) return;
  const std::string line = fmt::format("rtsp {}: {}: left out: {}", peer_.address, stream_->path(), text(error));
  if (options_.lines != nullptr) return options_.lines->say(access::ClientLines::About::trouble, line, loop_.now_ms());
  log::warning("{}", line);
}

std::int64_t Session::stream_now_us() const {
  const std::int64_t now_ns = stream_->now_ns();
  const hub::UnitPtr newest = stream_->history().newest_video();
  const std::int64_t by_arrival = newest ? newest->packet.pts_us + (now_ns - newest->arrived_ns) / 1000 : realtime_us();
  const auto& clock = stream_->format()->clock;
  if (!clock || clock->boot_id != boot_id()) return by_arrival;
  const std::int64_t by_clock = clock->pts_us(now_ns);
  return std::abs(by_clock - by_arrival) < kPlausibleUs ? by_clock : by_arrival;
}

void Session::report(std::size_t index, std::int64_t now_ms, std::int64_t at_us) {
  Track& track = *tracks_[index];
  const campipe::rtp::SenderReport report = track.sender.report(at_us);
  track.quality.on_sent(report, stream_->now_ns());
  campipe::rtp::make_sender_report(report, peer_.cname, rtcp_);
  output_->send_rtcp(index, rtcp_);
  track.next_report_ms = now_ms + options_.report_interval_ms;
}

void Session::tick(std::int64_t now_ms) {
  if (state_ != State::playing || !started_) return;
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    const bool has_begun = tracks_[i] && tracks_[i]->next_report_ms > 0;
    if (has_begun && now_ms >= tracks_[i]->next_report_ms) report(i, now_ms, stream_now_us());
  }
}

void Session::on_rtcp(std::span<const std::byte> packet) {
  const auto info = campipe::rtp::parse_rtcp(packet);
  if (!info) return;
  for (const campipe::rtp::ReportBlock& block : info->reports) {
    const auto is_its = [&](const auto& track) { return track && track->sender.ssrc() == block.ssrc; };
    const auto track = std::ranges::find_if(tracks_, is_its);
    if (track == tracks_.end()) continue;
    (*track)->quality.on_received(block, (*track)->sender.clock_hz(), stream_->now_ns());
    hub_.count("rtsp_receiver_reports_total");
    log::debug("rtsp {}: receiver report: {} lost, {}/256 of late, jitter {}", peer_.address, block.cumulative_lost,
               block.fraction_lost, block.jitter);
  }
}

std::optional<hub::ReceiverQuality> Session::quality() const {
  for (const auto& track : tracks_) {
    if (track && track->quality.value()) return track->quality.value();
  }
  return std::nullopt;
}

void Session::goodbye() {
  if (!output_ || state_ != State::playing) return;
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    if (tracks_[i])
      output_->send_rtcp(i, campipe::rtp::make_goodbye(tracks_[i]->sender.report(stream_now_us()), peer_.cname));
  }
}

void Session::end(std::string_view reason) {
  if (state_ == State::ended) return;
  goodbye();
  state_ = State::ended;
  idr_wait_.reset();
  on_ended_(reason);
}

void Session::on_fault() {
  if (state_ == State::ended) return;
  state_ = State::ended;
  attachment_ = {};
  on_ended_("fault");
}

bool Session::any_set_up() const noexcept {
  return std::ranges::any_of(tracks_, [](const auto& track) { return track.has_value(); });
}

bool Session::is_current() const {
  const media::VideoFormat& now = stream_->format()->video;
  if (now.codec != video_.codec || now.size != video_.size) return false;
  return have_same_wire_format(tracks_of(*stream_), infos_);
}

void Session::on_format_changed() {
  if (!is_current()) return end("format_changed");
  // New parameter sets come in-band with the next keyframe; what is told to new clients is told anew.
  if (state_ == State::playing) want_sound();
  make_packetizers();
}

void Session::make_packetizers() {
  const std::size_t now = tracks_of(*stream_).size();
  for (std::size_t i = 0; i < std::min(now, tracks_.size()); ++i) {
    if (tracks_[i]) tracks_[i]->packetizer = packetizer_of(*stream_, infos_[i].track, options_.max_payload);
  }
}

void Session::on_stream_ended() {
  stream_ended_ = true;
  pump();
}

std::string_view Session::protocol() const {
  return name(protocol_of(lower_));
}

}  // namespace campipe::serve::rtp
