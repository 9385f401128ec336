#include "cli/telemetry.hpp"

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace campipe::cli {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStallAfter = 2 * kSecond;
constexpr std::int64_t kAliveWithin = 2 * kSecond + kSecond / 2;  // loops report once a second while they wait

}  // namespace

const char* name(Flow flow) noexcept {
  switch (flow) {
    case Flow::waiting:
      return "waiting";
    case Flow::flowing:
      return "flowing";
    case Flow::idle:
      return "idle";
    case Flow::stalled:
      return "stalled";
  }
  return "?";
}

Telemetry::Telemetry(Options options) : options_(options) {
  alive();
  thread_ = std::thread([this] { run(); });
}

Telemetry::~Telemetry() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  wake_.notify_all();
  thread_.join();
  tell();
  log::status("");
}

void Telemetry::frame_in(std::uint64_t bytes) noexcept {
  frames_in_.fetch_add(1, std::memory_order_relaxed);
  bytes_in_.fetch_add(bytes, std::memory_order_relaxed);
  last_ns_.store(monotonic_ns(), std::memory_order_relaxed);
}

void Telemetry::frame_out(std::uint64_t bytes) noexcept {
  frames_out_.fetch_add(1, std::memory_order_relaxed);
  bytes_out_.fetch_add(bytes, std::memory_order_relaxed);
}

void Telemetry::alive() noexcept {
  alive_ns_.store(monotonic_ns(), std::memory_order_relaxed);
}

void Telemetry::set_source(const SourceStatus& status) {
  set_waiting(status.lost());
  set_idle(status.state == SourceState::resting);
  const std::lock_guard lock(mutex_);
  const bool news = source_.state != status.state || source_.reason != status.reason;
  source_ = status;
  if (news && ready_) tell();
}

/// With mutex_ held, as tell().
std::string Telemetry::source_fields() const {
  if (source_.state == SourceState::unknown) return {};
  std::string text = fmt::format("\nX_CAMPIPE_SOURCE={}\nX_CAMPIPE_SOURCE_SINCE_MS={}", campipe::name(source_.state),
                                 source_.since_us / 1000);
  if (!source_.reason.empty()) text += "\nX_CAMPIPE_SOURCE_REASON=" + source_.reason;
  return text;
}

void Telemetry::ready() {
  const std::lock_guard lock(mutex_);
  if (ready_) return;
  ready_ = true;
  notifier_.send("READY=1");
}

void Telemetry::set_extra(std::function<std::string()> extra) {
  const std::lock_guard lock(mutex_);
  extra_ = std::move(extra);
}

Flow Telemetry::flow() const noexcept {
  if (idle_.load(std::memory_order_relaxed)) return Flow::idle;
  const std::int64_t last = last_ns_.load(std::memory_order_relaxed);
  if (waiting_.load(std::memory_order_relaxed) || last == 0) return Flow::waiting;
  return monotonic_ns() - last > kStallAfter ? Flow::stalled : Flow::flowing;
}

void Telemetry::tell() const {
  if (!notifier_.enabled()) return;
  const bool blocked = blocked_.load(std::memory_order_relaxed) > 0;
  const bool alive = blocked || monotonic_ns() - alive_ns_.load(std::memory_order_relaxed) < kAliveWithin;
  notifier_.send(
      fmt::format("X_CAMPIPE_STATE={}\nX_CAMPIPE_FRAMES_IN={}\nX_CAMPIPE_FRAMES_OUT={}\nX_CAMPIPE_LAST_US={}\nX_"
                  "CAMPIPE_BLOCKED={}{}{}",
                  name(flow()), frames_in(), frames_out(), last_ns_.load(std::memory_order_relaxed) / 1000,
                  blocked ? 1 : 0, source_fields(), alive ? "\nWATCHDOG=1" : ""));
}

std::uint64_t Telemetry::counted() const noexcept {
  return std::max(frames_in(), frames_out());
}

/// "29.97 fps, 26.1 Mbit/s, 0 dropped, 1.2 ms late, 3 clients", rates since `since`, which it moves to now.
std::string Telemetry::line(Sample& since) {
  const std::uint64_t bytes =
      std::max(bytes_in_.load(std::memory_order_relaxed), bytes_out_.load(std::memory_order_relaxed));
  const Sample now{monotonic_ns(), counted(), bytes};
  const double seconds = static_cast<double>(now.at_ns - since.at_ns) / 1e9;
  const auto per_second = [&](std::uint64_t a, std::uint64_t b) {
    return seconds > 0 ? static_cast<double>(a - b) / seconds : 0.0;
  };
  std::string text = fmt::format("{}: {:.2f} fps, {:.2f} Mbit/s, {} frames, {} dropped", name(flow()),
                                 per_second(now.frames, since.frames), per_second(now.bytes, since.bytes) * 8 / 1e6,
                                 now.frames, dropped());
  if (const auto late = latency_ns_.load(std::memory_order_relaxed); late >= 0) {
    text += fmt::format(", {:.1f} ms late", static_cast<double>(late) / 1e6);
  }
  if (const auto last = last_ns_.load(std::memory_order_relaxed); last > 0 && now.at_ns - last > kSecond) {
    text += fmt::format(", last frame {:.0f} s ago", static_cast<double>(now.at_ns - last) / 1e9);
  }
  if (source_.lost()) text += ", source lost: " + source_.reason;
  if (extra_) text += ", " + extra_();
  since = now;
  return text;
}

void Telemetry::run() {
  Sample status{monotonic_ns(), 0, 0};
  Sample logged = status;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::seconds(1), [this] { return quit_; })) {
    if (ready_) tell();
    if (log::status_possible()) log::status(line(status));
    if (options_.stats_interval.count() > 0 &&
        monotonic_ns() - logged.at_ns >= options_.stats_interval.count() - kSecond / 10) {
      log::info("{}", line(logged));
    }
  }
}

}  // namespace campipe::cli
