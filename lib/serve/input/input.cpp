#include "serve/input/input.hpp"

#include <cerrno>
#include <exception>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "base/clock.hpp"
#include "base/faults.hpp"

namespace campipe::serve::input {

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

Input::Input(net::Loop& loop, hub::Stream& stream, Origin origin, cli::Telemetry* telemetry, Events events)
    : stream_(stream.shared_from_this()),
      name_(std::move(origin.name)),
      ring_(origin.ring),
      telemetry_(telemetry),
      tell_(std::move(events)),
      stop_(make_eventfd()),
      wake_(loop, [this] { faults::contain("input", [this] { take_over(); }, [this] { fail(); }); }),
      thread_([this, make = std::move(origin.make_reader)] { run(make); }) {
  if (ring_) stream_->set_source(this);
}

Input::~Input() {
  if (ring_) stream_->set_source(nullptr);
  stop_reading();
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
  wire::stream::ReadOptions options{.stop_fd = stop_.get()};
  options.want = false;  // until set_reader() says it
  options.on_writer = [this](bool there) { hand_over(Writer{there}); };
  options.on_source = [this](const SourceStatus& status) { hand_over(status); };
  const std::unique_ptr<wire::stream::Reader> reader = make_reader(std::move(options));
  struct Forget {
    Input& input;
    ~Forget() { input.set_reader(nullptr); }
  };
  const Forget at_the_end{*this};
  set_reader(reader.get());
  return read_all(*reader);
}

void Input::set_reader(wire::stream::Reader* reader) {
  const std::lock_guard lock(reader_mutex_);
  reader_ = reader;
  if (reader == nullptr) return;
  reader->set_wanted(wanted_);
  if (std::exchange(keyframe_wanted_, false)) reader->request_keyframe();
}

void Input::set_wanted(bool wanted) noexcept {
  const std::lock_guard lock(reader_mutex_);
  wanted_ = wanted;
  if (reader_ != nullptr) reader_->set_wanted(wanted);
}

void Input::request_keyframe() noexcept {
  const std::lock_guard lock(reader_mutex_);
  if (reader_ == nullptr) {
    keyframe_wanted_ = true;
  } else {
    reader_->request_keyframe();
  }
}

Input::End Input::read_all(wire::stream::Reader& reader) {
  bool any = false;
  for (;;) {
    switch (reader.next()) {
      case wire::stream::Pull::format:
        hand_over(reader.format());
        break;
      case wire::stream::Pull::packet: {
        any = true;
        const std::uint64_t drops = reader.stats().dropped + reader.stats().gaps;
        if (drops > counted_drops_) {
          const std::lock_guard lock(mutex_);
          dropped_ += drops - counted_drops_;
          counted_drops_ = drops;
        }
        const std::int64_t arrived_ns = monotonic_ns() - reader.age_ns();
        hand_over_unit({std::move(reader.packet()), arrived_ns});
        break;
      }
      case wire::stream::Pull::stopped:
        return {"stopped", std::nullopt};
      case wire::stream::Pull::end:
        if (!any) return {fmt::format("{}: ended before the first frame", name_), ExitCode::bad_data};
        return {reader.stats().truncated ? "end of input, in the middle of a frame" : "end of input", std::nullopt};
    }
  }
}

void Input::hand_over(Event event) {
  {
    const std::lock_guard lock(mutex_);
    const bool replaces =
        std::holds_alternative<media::StreamFormat>(event) || std::holds_alternative<SourceStatus>(event);
    if (replaces && !events_.empty() && events_.back().index() == event.index()) {
      events_.back() = std::move(event);  // of several without a packet between them only the last counts
    } else {
      events_.push_back(std::move(event));
    }
  }
  wake_.send();
}

void Input::hand_over_unit(Unit unit) {
  media::Packet& packet = unit.packet;
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
    events_.emplace_back(std::move(unit));
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
  stream_->count_dropped(dropped);
  if (telemetry_ != nullptr && dropped > 0) telemetry_->drop(dropped);
  for (Event& event : events) take(event);
}

void Input::take(Event& event) {
  if (ended_) return;
  if (auto* format = std::get_if<media::StreamFormat>(&event)) {
    if (format->video.codec == media::VideoCodec::raw) return refuse_raw(format->video);
    const bool first = stream_->generation() == 0;
    stream_->set_format(*format);
    if (tell_.on_format) tell_.on_format(*this, first);
  } else if (auto* unit = std::get_if<Unit>(&event)) {
    take_unit(std::move(*unit));
  } else if (const auto* writer = std::get_if<Writer>(&event)) {
    stream_->set_writer(writer->there);
  } else if (auto* status = std::get_if<SourceStatus>(&event)) {
    stream_->set_source_status(std::move(*status));
  } else {
    end(std::get<End>(event));
  }
}

void Input::take_unit(Unit unit) {
  const std::size_t bytes = unit.packet.payload.size();
  const auto captured = unit.packet.captured_ns;
  const bool video = unit.packet.track == media::Track::video;
  stream_->push(std::move(unit.packet), unit.arrived_ns);
  if (telemetry_ == nullptr || !video) return;
  telemetry_->frame_in(bytes);
  telemetry_->frame_out(bytes);
  if (captured) telemetry_->latency(monotonic_ns() - *captured);
}

/// What came in could not be passed on: this input ends, the others do not notice.
void Input::fail() {
  if (ended_) return;
  stop_reading();
  end({name_ + ": ended by an error in camserve", ExitCode::internal});
}

void Input::stop_reading() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(stop_.get(), &one, sizeof one);  // cannot fail before 2^64 - 1 calls
}

void Input::refuse_raw(const media::VideoFormat& format) {
  stop_reading();
  end({fmt::format(
           "{}: {}: camserve sends coded pictures: put 'camenc -c mjpeg' (browsers) or 'camenc -c h264' (RTSP) before "
           "it, as in camgrab | camenc -c mjpeg | camserve",
           name_, media::describe(format)),
       ExitCode::bad_data});
}

void Input::end(const End& how) {
  ended_ = true;
  stream_->end(how.reason);
  if (tell_.on_end) tell_.on_end(*this, how);
}

}  // namespace campipe::serve::input
