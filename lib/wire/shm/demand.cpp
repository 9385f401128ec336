#include "wire/shm/demand.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "ring/write/writer.hpp"

namespace campipe::wire::shm {

namespace {

/// Few enough to cost little, and close enough that who joins after another has one soon: camserve takes one that is up
/// to 250 ms old, and waits for one as long.
constexpr std::int64_t kBetweenKeyframesNs = 400'000'000;
constexpr int kLookMs = 500;  // a reader that was killed tells nobody
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr auto kBreath = std::chrono::milliseconds(5);  // between two looks, whatever somebody does to the wishes

}  // namespace

struct Demand::Ring {
  explicit Ring(ring::write::Writer& w) : writer(w) {}
  ring::write::Writer& writer;
  std::atomic<bool> wanted = true;
  std::thread thread;
};

Demand::Demand(Options options, std::function<void(bool)> on_change)
    : options_(options), on_change_(std::move(on_change)), wake_(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw_errno(errno, "cannot make an event descriptor");
}

Demand::~Demand() {
  quit_.store(true, std::memory_order_release);
  for (const auto& ring : rings_) {
    ring->writer.interrupt();
    if (ring->thread.joinable()) ring->thread.join();
  }
}

void Demand::add(stream::Writer& writer) {
  if (ring::write::Writer* const ring = writer.ring()) {
    rings_.push_back(std::make_unique<Ring>(*ring));
  } else {
    pipe_ = true;
  }
}

void Demand::start() {
  wanted_until_ns_ = monotonic_ns() + options_.linger.count();
  for (const auto& ring : rings_) ring->thread = std::thread([this, one = ring.get()] { watch(*one); });
}

void Demand::watch(Ring& ring) {
  while (!quit_.load(std::memory_order_acquire)) {
    ring.wanted.store(ring.writer.wanted(), std::memory_order_relaxed);
    if (ring.writer.keyframe_wanted()) keyframe_.store(true, std::memory_order_relaxed);
    judge();
    ring.writer.wait_for_wish(std::clamp(static_cast<int>(options_.linger.count() / kNsPerMs / 4), 20, kLookMs));
    std::this_thread::sleep_for(kBreath);
  }
}

void Demand::judge() {
  if (!options_.on_demand || pipe_) return;
  const std::lock_guard lock(mutex_);
  const std::int64_t now = monotonic_ns();
  if (std::ranges::any_of(rings_, [](const auto& ring) { return ring->wanted.load(std::memory_order_relaxed); })) {
    wanted_until_ns_ = now + options_.linger.count();
  }
  const bool wanted = now < wanted_until_ns_;
  if (wanted == wanted_.load(std::memory_order_relaxed)) return;
  // Release: who sees it (acquire) sees what readers did before their wish.
  wanted_.store(wanted, std::memory_order_release);
  std::uint64_t count = 1;
  if (wanted) {
    [[maybe_unused]] const auto wrote = ::write(wake_.get(), &count, sizeof count);
  } else {
    [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
  }
  if (on_change_) on_change_(wanted);
}

bool Demand::take_keyframe_wish() noexcept {
  if (!keyframe_.load(std::memory_order_relaxed)) return false;
  const std::int64_t now = monotonic_ns();
  if (now - keyframe_ns_.load(std::memory_order_relaxed) < kBetweenKeyframesNs) return false;
  if (!keyframe_.exchange(false, std::memory_order_relaxed)) return false;
  keyframe_ns_.store(now, std::memory_order_relaxed);
  return true;
}

}  // namespace campipe::wire::shm
