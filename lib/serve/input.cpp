#include "serve/input.hpp"

#include <cerrno>
#include <exception>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "base/clock.hpp"

namespace campipe::serve {

namespace {

constexpr std::size_t kMaxWaitingBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxWaiting = 4096;

Fd make_eventfd() {
  Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) throw_errno(errno, "cannot make an event descriptor");
  return fd;
}

}  // namespace

Fd open_at_once(const wire::Endpoint& endpoint) {
  struct stat about{};
  const bool fifo = endpoint.kind == wire::Endpoint::Kind::path && ::stat(endpoint.path.c_str(), &about) == 0 &&
                    S_ISFIFO(about.st_mode);
  if (!fifo) return wire::open_input(endpoint);
  Fd fd(::open(endpoint.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) throw_errno(errno, endpoint.text + ": cannot open");
  ::fcntl(fd.get(), F_SETFL, 0);  // a description of our own: nobody else sees the flag change
  return fd;
}

Input::Input(net::Loop& loop, Stream& stream, std::string name, MakeReader make_reader, cli::Telemetry* telemetry,
             Events events)
    : stream_(stream),
      name_(std::move(name)),
      telemetry_(telemetry),
      tell_(std::move(events)),
      stop_(make_eventfd()),
      wake_(loop, [this] { take_over(); }),
      thread_([this, make = std::move(make_reader)] { run(make); }) {}

Input::~Input() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(stop_.get(), &one, sizeof one);  // cannot fail before 2^64 - 1 calls
  thread_.join();
}

void Input::run(const MakeReader& make_reader) {
  End how;
  try {
    how = read_all(make_reader);
  } catch (const Error& error) {
    how = {error.what(), error.code()};
  } catch (const std::bad_alloc&) {
    how = {name_ + ": out of memory", ExitCode::os_error};
  } catch (const std::exception& error) {
    how = {fmt::format("{}: {}", name_, error.what()), ExitCode::internal};
  }
  hand_over(std::move(how));
}

Input::End Input::read_all(const MakeReader& make_reader) {
  const std::unique_ptr<wire::StreamReader> reader = make_reader(stop_.get());
  bool any = false;
  for (;;) {
    switch (reader->next()) {
      case wire::Pull::format:
        hand_over(reader->format());
        break;
      case wire::Pull::packet: {
        any = true;
        const std::uint64_t drops = reader->stats().dropped + reader->stats().gaps;
        if (drops > counted_drops_) {
          const std::lock_guard lock(mutex_);
          dropped_ += drops - counted_drops_;
          counted_drops_ = drops;
        }
        hand_over_packet(std::move(reader->packet()));
        break;
      }
      case wire::Pull::stopped:
        return {"stopped", std::nullopt};
      case wire::Pull::end:
        if (!any) return {fmt::format("{}: ended before the first frame", name_), ExitCode::bad_data};
        return {reader->stats().truncated ? "end of input, in the middle of a frame" : "end of input", std::nullopt};
    }
  }
}

void Input::hand_over(Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (std::holds_alternative<media::StreamFormat>(event) && !events_.empty() &&
        std::holds_alternative<media::StreamFormat>(events_.back())) {
      events_.back() = std::move(event);  // of formats without a packet between them only the last counts
    } else {
      events_.push_back(std::move(event));
    }
  }
  wake_.send();
}

void Input::hand_over_packet(media::Packet packet) {
  const bool video = packet.track == media::Track::video;
  {
    const std::lock_guard lock(mutex_);
    const bool full = waiting_bytes_ + packet.payload.size() > kMaxWaitingBytes || events_.size() >= kMaxWaiting;
    if (full || (dropping_ && video && !packet.keyframe)) {
      dropping_ = dropping_ || video;
      if (video) ++dropped_;
      return;
    }
    if (video) packet.discontinuity = packet.discontinuity || std::exchange(dropping_, false);
    waiting_bytes_ += packet.payload.size();
    events_.emplace_back(std::move(packet));
  }
  wake_.send();
}

void Input::take_over() {
  std::vector<Event> events;
  std::uint64_t dropped = 0;
  {
    const std::lock_guard lock(mutex_);
    events.swap(events_);
    waiting_bytes_ = 0;
    dropped = std::exchange(dropped_, 0);
  }
  stream_.count_dropped(dropped);
  if (telemetry_ != nullptr && dropped > 0) telemetry_->drop(dropped);
  for (Event& event : events) take(event);
}

void Input::take(Event& event) {
  if (ended_) return;
  if (auto* format = std::get_if<media::StreamFormat>(&event)) {
    if (format->video.codec == media::VideoCodec::raw) return refuse_raw(format->video);
    const bool first = stream_.generation() == 0;
    stream_.set_format(*format);
    if (tell_.on_format) tell_.on_format(*this, first);
  } else if (auto* packet = std::get_if<media::Packet>(&event)) {
    const std::size_t bytes = packet->payload.size();
    const auto captured = packet->captured_ns;
    const bool video = packet->track == media::Track::video;
    stream_.push(std::move(*packet));
    if (telemetry_ == nullptr || !video) return;
    telemetry_->frame_in(bytes);
    telemetry_->frame_out(bytes);
    if (captured) telemetry_->latency(monotonic_ns() - *captured);
  } else {
    end(std::get<End>(event));
  }
}

void Input::refuse_raw(const media::VideoFormat& format) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(stop_.get(), &one, sizeof one);
  end({fmt::format(
           "{}: {}: camserve sends coded pictures: put 'camenc -c mjpeg' (browsers) or 'camenc -c h264' (RTSP) before "
           "it, as in camgrab | camenc -c mjpeg | camserve",
           name_, media::describe(format)),
       ExitCode::bad_data});
}

void Input::end(const End& how) {
  ended_ = true;
  stream_.end(how.reason);
  if (tell_.on_end) tell_.on_end(*this, how);
}

}  // namespace campipe::serve
