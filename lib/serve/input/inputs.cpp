#include "serve/input/inputs.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/faults.hpp"
#include "base/log.hpp"
#include "ring/kernel/names.hpp"
#include "ring/survey.hpp"
#include "rtp/jpeg.hpp"
#include "rtp/sdp.hpp"
#include "wire/make_reader.hpp"
#include "wire/open.hpp"

namespace campipe::serve::input {

namespace {

using Kind = wire::Endpoint::Kind;

wire::Endpoint endpoint_of(const std::string& ring) {
  return wire::parse_endpoint("shm:" + ring);
}

}  // namespace

Inputs::Inputs(net::Loop& loop, hub::Hub& hub, cli::Telemetry& telemetry, Options options,
               std::function<void()> on_all_ended)
    : loop_(loop),
      hub_(hub),
      telemetry_(telemetry),
      options_(std::move(options)),
      on_all_ended_(std::move(on_all_ended)) {
  hub_.set_required(options_.required);
  std::vector<std::string> patterns;
  for (const Spec& spec : options_.specs) {
    if (spec.is_pattern) {
      patterns.push_back(spec.endpoint.name);
      continue;
    }
    Fd fd = spec.endpoint.kind == Kind::ring ? Fd() : open_at_once(spec.endpoint);
    One& one = inputs_.emplace_back();
    one.endpoint = spec.endpoint;
    one.stream = hub_.add_stream(spec.name, spec.rendition).shared_from_this();
    one.fd = std::move(fd);
  }
  if (patterns.empty()) return;
  names_ = std::make_unique<RingNames>(
      loop_, std::move(patterns),
      RingNames::Events{.on_there = [this](const std::string& name) { on_ring(name); },
                        .on_gone = [this](const std::string& name) { on_ring_gone(name); }});
}

Inputs::~Inputs() {
  stop();
}

void Inputs::start() {
  for (One& one : inputs_) start(one);
  if (names_) names_->start();
}

void Inputs::stop() {
  names_.reset();
  for (One& one : inputs_) one.input.reset();
}

void Inputs::start(One& one) {
  Input::Origin origin{
      .name = wire::shown_input(one.endpoint), .make_reader = {}, .ring = one.endpoint.kind == Kind::ring};
  const auto fd = std::make_shared<Fd>(std::move(one.fd));
  origin.make_reader = [fd, endpoint = one.endpoint, name = origin.name,
                        format = options_.input_format](wire::stream::ReadOptions read) {
    if (endpoint.kind == Kind::ring) return wire::open_reader(endpoint, std::move(read));  // says what it carries
    read.input_format = format;
    return wire::make_reader(std::move(*fd), name, std::move(read));
  };
  one.input = std::make_unique<Input>(
      loop_, *one.stream, std::move(origin), &telemetry_,
      Input::Events{.on_format = [this, &one](Input&, bool first) { on_format(one, first); },
                    .on_end = [this, &one](Input&, const Input::End& how) { on_end(one, how); }});
}

Inputs::One* Inputs::find(const std::string& ring) {
  const auto found = std::ranges::find_if(
      inputs_, [&](const One& one) { return one.endpoint.kind == Kind::ring && one.endpoint.name == ring; });
  return found == inputs_.end() ? nullptr : &*found;
}

void Inputs::on_ring(const std::string& name) {
  if (One* known = find(name)) {
    known->gone_since_ms.reset();
    return;
  }
  try {
    const ring::Survey survey = ring::survey(name);
    if (survey.kind == ring::layout::Kind::raw) {
      return refuse(name, fmt::format("shm:{}: raw pictures, and camserve sends coded ones: have camenc make a ring of "
                                      "them, or give a pattern that leaves it out, as shm:*.h264",
                                      name));
    }
  } catch (const Error& error) {
    if (error.code() == ExitCode::os_error) retry_.insert(name);
    return refuse(name, error.what());
  }
  follow(name);
}

void Inputs::follow(const std::string& name) {
  const auto stream = hub_.add_stream(stream_name_of(name), "").shared_from_this();
  One& one = inputs_.emplace_back();
  one.endpoint = endpoint_of(name);
  one.followed = true;
  one.stream = stream;
  stream->set_judged(std::ranges::find(options_.required, stream->name()) != options_.required.end());
  try {
    start(one);
  } catch (const std::exception& error) {
    inputs_.pop_back();
    hub_.remove(*stream, "it could not be read");
    retry_.insert(name);
    refuse(name, fmt::format("shm:{}: {}", name, error.what()));
  }
}

void Inputs::refuse(const std::string& name, const std::string& why) {
  std::string& told = refused_[name];
  if (std::exchange(told, why) != why) log::warning("{}: left out", why);
}

void Inputs::on_ring_gone(const std::string& name) {
  refused_.erase(name);
  retry_.erase(name);
  One* one = find(name);
  if (one != nullptr && one->followed && !one->gone_since_ms) one->gone_since_ms = loop_.now_ms();
}

void Inputs::on_format(One& one, bool first) {
  if (first) on_first_format(one);
  tell_of_rtsp(one);
}

/// What RTSP is going to leave out.
void Inputs::tell_of_rtsp(One& one) {
  const media::VideoFormat& video = one.stream->own_format()->video;
  const bool large = video.codec == media::VideoCodec::mjpeg && !campipe::rtp::fits_jpeg(video.size);
  const bool alone = hub_.find(one.stream->name(), one.stream->rendition()).size() == 1;
  if (options_.rtsp && large && alone && told_of_size_.insert(one.stream.get()).second) {
    log::warning("{}: {}: for RTSP put camenc -c h264 before camserve", one.stream->path(),
                 text(campipe::rtp::RtpError::jpeg_over_2040_px));
  }
  const auto& audio = one.stream->own_format()->audio;
  if (!options_.rtsp || !audio || campipe::rtp::is_supported(*audio) || !told_of_audio_.insert(one.stream.get()).second)
    return;
  log::warning(
      "{}: its {} audio is left out of RTSP, which carries AAC, Opus and G.711 here: have the source send one of them",
      one.stream->path(), media::name(audio->codec));
}

void Inputs::on_first_format(const One& one) {
  const hub::Stream& stream = *one.stream;
  if (one.followed) refused_.erase(one.endpoint.name);
  log::info("{}: {} from {}", stream.path(), media::describe(*stream.own_format()), one.input->name());
  for (const auto& other : hub_.streams()) {
    if (other.get() == &stream || other->path() != stream.path() || !other->has_codec(stream.format()->video.codec))
      continue;
    log::warning("{}: {} comes from two inputs: only the first given is served", stream.path(),
                 media::name(stream.format()->video.codec));
  }
}

void Inputs::on_end(One& one, const Input::End& how) {
  if (one.followed) {
    if (how.failure) refuse(one.endpoint.name, how.reason);
    loop_.defer([this, name = one.endpoint.name, reason = how.reason, alive = std::weak_ptr(alive_)] {
      One* still = alive.expired() ? nullptr : find(name);  // whose call this is, so not from here
      if (still != nullptr && still->input->ended()) faults::contain("input", [&] { remove(*still, reason); });
    });
    return;
  }
  if (how.failure) {
    log::error("{}{}", inputs_.size() > 1 ? one.stream->path() + ": " : "", how.reason);
    if (!failure_) failure_ = how.failure;
  } else {
    log::info("{}: {}: {}", one.stream->path(), one.input->name(), how.reason);
  }
  const auto ended = [](const One& each) { return each.input && each.input->ended(); };
  if (!names_ && std::ranges::all_of(inputs_, ended)) on_all_ended_();
}

void Inputs::remove(One& one, std::string reason) {
  const std::string ring = one.endpoint.name;
  told_of_audio_.erase(one.stream.get());
  told_of_size_.erase(one.stream.get());
  one.input.reset();
  hub_.remove(*one.stream, std::move(reason));
  inputs_.remove_if([&](const One& each) { return &each == &one; });
  // Another reader kept it after all: whoever writes it next makes no new name.
  if (names_ && !refused_.contains(ring) && ::access(ring::kernel::object_path(ring).c_str(), F_OK) == 0) on_ring(ring);
}

void Inputs::tick() {
  std::vector<One*> all;
  for (One& one : inputs_) all.push_back(&one);
  for (One* one : all) {
    faults::contain("input", [&] { warn_of_keyframes(*one); });
    if (one->followed) faults::contain("input", [&] { look_after(*one); });
  }
  for (const std::string& name : std::exchange(retry_, {})) on_ring(name);
  tell_telemetry();
  if (names_) tell_unmatched();
}

/// A stream without any place to join shows nothing to anybody, and looks as if it flowed.
void Inputs::warn_of_keyframes(One& one) {
  constexpr std::uint64_t kFrames = 300;
  const hub::Stream& stream = *one.stream;
  if (one.told_of_keyframes || stream.ended() || stream.history().newest_keyframe()) return;
  if (stream.totals().units < kFrames || stream.state() != hub::StreamState::flowing) return;
  one.told_of_keyframes = true;
  log::warning(
      "{}: no keyframe among {} frames: nobody can join it and there are no stills: set the encoder's keyframe "
      "interval (GOP) to a few seconds",
      stream.path(), stream.totals().units);
}

/// Whether a followed ring is still worth a stream.
void Inputs::look_after(One& one) {
  const std::int64_t now_ms = loop_.now_ms();
  const bool followed = one.stream->client_count() > 0;
  if (one.gone_since_ms) {
    const bool silent = one.stream->state() != hub::StreamState::flowing;
    if (followed && (!silent || now_ms - *one.gone_since_ms < options_.gone_ms)) return;
    log::info("{}: shm:{} is gone", one.stream->path(), one.endpoint.name);
    return remove(one, "its ring is gone");
  }
  if (followed || !one.input->waiting()) {
    one.unused_since_ms.reset();
    return;
  }
  if (!one.unused_since_ms) one.unused_since_ms = now_ms;
  if (now_ms - *one.unused_since_ms < options_.gone_ms) return;
  one.unused_since_ms = now_ms;
  if (!is_left_over(one)) return;
  log::info("{}: shm:{}: its writer has ended and nobody else reads it", one.stream->path(), one.endpoint.name);
  remove(one, "its writer has ended");
}

/// Its writer ended in order and we are what keeps the ring.
bool Inputs::is_left_over(const One& one) const {
  try {
    const ring::Survey survey = ring::survey(one.endpoint.name);
    return survey.state == "closed" && survey.uid == ::geteuid() && !survey.other_readers &&
           survey.readers.size() == 1 && survey.readers.front().pid == static_cast<std::uint32_t>(::getpid());
  } catch (const Error&) {
    return false;  // gone or spoilt meanwhile: told by its name
  }
}

/// Rings bring what their writers give: while all are silent that is not this process's fault.
void Inputs::tell_telemetry() {
  std::size_t open = 0, silent = 0, idle = 0, away = 0;
  SourceStatus lost;
  for (const One& one : inputs_) {
    if (!one.input || one.input->ended()) continue;
    const hub::StreamState state = one.stream->state();
    ++open;
    const SourceStatus& source = one.stream->source_status();
    const bool is_lost = state == hub::StreamState::stalled && source.lost();
    if (is_lost) ++away;
    if (is_lost && (!lost.lost() || source.since_us < lost.since_us)) {
      lost = source;
      lost.reason = one.stream->path() + ": " + source.reason;
    }
    if ((one.input->is_ring() || is_lost) && state != hub::StreamState::flowing) ++silent;
    if (state == hub::StreamState::idle) ++idle;
  }
  const bool all_silent = open == silent && (open > 0 || names_);
  const bool all_away = away > 0 && away == open;  // one of several is told by whoever reads that one's camera
  if (std::exchange(told_lost_, all_away) || all_away)
    telemetry_.set_source(all_away ? lost : source_status(SourceState::running));
  telemetry_.set_idle(all_silent && idle > 0);
  telemetry_.set_waiting(all_silent && idle == 0);
}

void Inputs::tell_unmatched() {
  std::vector<std::string> patterns = names_->unmatched();
  for (std::string& pattern : patterns) {
    pattern.insert(0, "shm:");
    if (told_unmatched_.insert(pattern).second)
      log::info("waiting for {}: there is no ring of such a name yet", pattern);
  }
  hub_.set_unmatched(std::move(patterns));
}

}  // namespace campipe::serve::input
