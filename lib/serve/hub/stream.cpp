#include "serve/hub/stream.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/clock.hpp"
#include "base/faults.hpp"

namespace campipe::serve::hub {

namespace {

constexpr std::int64_t kRateWindowNs = 2'000'000'000;
constexpr std::int64_t kStallAfterNs = 2'000'000'000;
/// What rested may take so long to begin again: a camera is opened, its exposure settles.
constexpr std::int64_t kWakeNs = 5'000'000'000;
/// What a pipe said last of its writer's source; it says it each second.
constexpr std::int64_t kToldNs = 3'000'000'000;
/// A stream slower than this stalls between two frames.
constexpr std::int64_t kSlowestNs = 120'000'000'000;
constexpr std::size_t kMaxArrivals = 4096;
/// Audio that is further than this from the pictures belongs to another clock.
constexpr std::int64_t kSameClockUs = 10'000'000;

}  // namespace

std::string_view name(StreamState state) noexcept {
  switch (state) {
    case StreamState::waiting:
      return "waiting";
    case StreamState::flowing:
      return "flowing";
    case StreamState::idle:
      return "idle";
    case StreamState::stalled:
      return "stalled";
    case StreamState::ended:
      return "ended";
  }
  return "?";
}

Stream::Stream(std::string name, std::string rendition, History::Limits limits, Clock clock)
    : name_(std::move(name)),
      rendition_(std::move(rendition)),
      clock_(std::move(clock)),
      created_ns_(clock_()),
      created_at_us_(realtime_us()),
      history_(limits) {}

std::string Stream::path() const {
  return rendition_.empty() ? name_ : name_ + "/" + rendition_;
}

void Stream::add_namesake(Stream& other, bool given_before) {
  (given_before ? before_ : after_).push_back(&other);
}

void Stream::remove_namesake(const Stream& other) {
  std::erase(before_, &other);
  std::erase(after_, &other);
}

void Stream::set_source(StreamSource* source) {
  source_ = source;
  if (source_ != nullptr) source_->set_wanted(wanted());
}

void Stream::set_format(const media::StreamFormat& format) {
  own_format_ = format;
  apply_format();
  apply_format_to_namesakes();
}

Stream* Stream::audio_source() noexcept {
  if (own_format_ && own_format_->audio) return this;
  for (const auto* others : {&before_, &after_}) {
    const auto found = std::ranges::find_if(*others, &Stream::has_audio);
    if (found != others->end()) return *found;
  }
  return nullptr;
}

void Stream::apply_format() {
  if (!own_format_) return;
  media::StreamFormat format = *own_format_;
  if (Stream* source = audio_source()) format.audio = source->own_format_->audio;
  // The clock's anchor and the nominal rate may differ after a restart; what a client has to do anew is decided by
  // these.
  const bool same = format_ && format_->video.same_stream(format.video) && format_->audio == format.audio;
  const bool other_pictures =
      format_ && (format_->video.codec != format.video.codec || format_->video.size != format.video.size);
  const bool other_sound = format_ && format_->audio != format.audio;
  format_ = std::move(format);
  if (same) return;
  if (generation_++ > 0) ++totals_.format_changes;
  if (other_sound) sound_generation_ = generation_;
  if (other_pictures) history_.clear();  // nobody may join in the old format
  tell(&Client::on_format_changed);
}

void Stream::apply_format_to_namesakes() {
  for (const auto* others : {&before_, &after_}) {
    for (Stream* other : *others) other->apply_format();
  }
}

void Stream::push(media::Packet packet, std::optional<std::int64_t> arrived_ns) {
  if (!format_) return;
  const std::int64_t at_ns = arrived_ns ? *arrived_ns : clock_();
  const bool video = packet.track == media::Track::video;
  totals_.bytes += packet.payload.size();
  if (video) {
    ++totals_.units;
    if (packet.keyframe) ++totals_.keyframes;
    note_arrival(packet.payload.size(), at_ns);
  } else {
    lend_audio(packet, at_ns);
  }
  add_unit(std::move(packet), at_ns);
}

void Stream::lend_audio(const media::Packet& packet, std::int64_t at_ns) {
  for (const auto* others : {&before_, &after_}) {
    for (Stream* other : *others) {
      if (!other->format_ || other->ended_ || other->audio_source() != this) continue;
      const UnitPtr picture = other->history_.newest_video();
      if (!picture || std::abs(picture->packet.pts_us - packet.pts_us) > kSameClockUs) continue;
      other->add_unit(packet, at_ns);
    }
  }
}

void Stream::add_unit(media::Packet packet, std::int64_t at_ns) {
  auto unit = std::make_shared<Unit>();
  unit->index = history_.end();
  unit->generation = generation_;
  unit->arrived_ns = at_ns;
  const bool video = packet.track == media::Track::video;
  unit->media_us = video ? media_clock_.advance(packet.pts_us, at_ns) : media_clock_.now_us();
  unit->packet = std::move(packet);
  const bool fans_out = unit->is_video() && !clients_.empty() && at_ns >= wanted_since_ns_;
  history_.push(std::move(unit));
  tell(&Client::on_units_available);
  if (fans_out) deliveries_.fanout.add_ns(clock_() - at_ns);
}

void Stream::end(std::string reason) {
  if (ended_) return;
  ended_ = true;
  end_reason_ = std::move(reason);
  tell(&Client::on_stream_ended);
  apply_format_to_namesakes();  // its audio is at an end, too
}

StreamState Stream::state() const {
  if (ended_) return StreamState::ended;
  const auto age = age_ns();
  if (age && *age <= stall_after_ns()) return StreamState::flowing;
  if (source_status_.lost()) return StreamState::stalled;
  if (may_be_idle()) return StreamState::idle;
  return age ? StreamState::stalled : StreamState::waiting;
}

/// Whether nothing comes because nobody asked, or because who was asked a moment ago needs time. Only a writer that
/// says so rests; of one that says nothing it is believed while nobody wants frames.
bool Stream::may_be_idle() const {
  const std::int64_t now = clock_();
  const bool answered = newest_ns_ && *newest_ns_ >= wanted_since_ns_;
  const bool waking = wanted() && !answered && now - wanted_since_ns_ <= kWakeNs;
  const bool told_now = source_ != nullptr ? writer_ : now - status_told_ns_ <= kToldNs;
  switch (source_status_.state) {
    case SourceState::resting:
      return told_now && (source_ == nullptr || !wanted() || waking);
    case SourceState::running:
      return told_now && has_rested_ && now - woke_ns_ <= kWakeNs;
    case SourceState::unknown:
      return source_ != nullptr && writer_ && (!wanted() || waking);
    case SourceState::lost:
      break;
  }
  return false;
}

void Stream::set_source_status(SourceStatus status) {
  status_told_ns_ = clock_();
  if (status.state == SourceState::resting) has_rested_ = true;
  if (source_status_.state == SourceState::resting && status.state == SourceState::running) woke_ns_ = status_told_ns_;
  source_status_ = std::move(status);
}

bool Stream::rested() const {
  const auto age = age_ns();
  if (source_ == nullptr || !age || *age <= stall_after_ns()) return false;
  return !wanted() || *newest_ns_ < wanted_since_ns_;
}

void Stream::add_wish() noexcept {
  if (wishes_++ > 0) return;
  wanted_since_ns_ = clock_();
  if (source_ != nullptr) source_->set_wanted(true);
}

void Stream::drop_wish() noexcept {
  if (--wishes_ == 0 && source_ != nullptr) source_->set_wanted(false);
}

std::optional<std::int64_t> Stream::age_ns() const {
  if (!newest_ns_) return std::nullopt;
  return clock_() - *newest_ns_;
}

std::int64_t Stream::stall_after_ns() const {
  // The shortest of the last intervals: one outage does not make a stream slow.
  const std::int64_t measured = std::min(*std::ranges::min_element(intervals_ns_), kSlowestNs);
  const bool told = format_ && format_->video.frame_rate;
  const auto nominal = told ? static_cast<std::int64_t>(1e9 / format_->video.frame_rate.value()) : 0;
  return std::max(kStallAfterNs, 3 * std::max(nominal, measured));
}

void Stream::note_arrival(std::size_t bytes, std::int64_t at_ns) {
  if (newest_ns_) {
    std::ranges::rotate(intervals_ns_, intervals_ns_.begin() + 1);
    intervals_ns_.back() = std::max<std::int64_t>(0, at_ns - *newest_ns_);
  }
  newest_ns_ = at_ns;
  arrivals_.push_back({*newest_ns_, bytes});
  while (arrivals_.size() > kMaxArrivals || *newest_ns_ - arrivals_.front().at_ns > kRateWindowNs)
    arrivals_.pop_front();
}

double Stream::frames_per_second() const {
  if (state() != StreamState::flowing || arrivals_.size() < 2) return 0;
  const double seconds = static_cast<double>(arrivals_.back().at_ns - arrivals_.front().at_ns) / 1e9;
  return seconds > 0 ? static_cast<double>(arrivals_.size() - 1) / seconds : 0;
}

double Stream::bits_per_second() const {
  if (state() != StreamState::flowing || arrivals_.size() < 2) return 0;
  const double seconds = static_cast<double>(arrivals_.back().at_ns - arrivals_.front().at_ns) / 1e9;
  std::size_t bytes = 0;
  for (std::size_t i = 1; i < arrivals_.size(); ++i) bytes += arrivals_[i].bytes;
  return seconds > 0 ? static_cast<double>(bytes) * 8 / seconds : 0;
}

std::size_t Stream::client_count() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(clients_, [](const Client* c) { return c != nullptr; }));
}

void Stream::attach(Client& client, bool ask_keyframe) {
  clients_.push_back(&client);
  add_wish();
  if (ask_keyframe && source_ != nullptr && !has_codec(media::VideoCodec::mjpeg)) source_->request_keyframe();
}

void Stream::detach(Client& client) noexcept {
  const auto found = std::ranges::find(clients_, &client);
  if (found == clients_.end()) return;
  drop_wish();
  if (telling_ > 0) {
    *found = nullptr;
  } else {
    clients_.erase(found);
  }
}

void Stream::tell(void (Client::*what)()) {
  ++telling_;
  const std::size_t count = clients_.size();  // who joins meanwhile sees it by itself
  for (std::size_t i = 0; i < count; ++i) {
    if (clients_[i] == nullptr || faults::contain("client", [&] { (clients_[i]->*what)(); })) continue;
    if (clients_[i] != nullptr) faults::contain("client", [&] { clients_[i]->on_fault(); });
    if (clients_[i] != nullptr) detach(*clients_[i]);
  }
  if (--telling_ == 0) std::erase(clients_, nullptr);
}

}  // namespace campipe::serve::hub
