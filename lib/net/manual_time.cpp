#include "net/manual_time.hpp"

#include <algorithm>
#include <tuple>

#include "net/loop.hpp"

namespace campipe::net {

namespace {

constexpr std::int64_t kMs = 1'000'000;  // ns

}  // namespace

void ManualTime::start(Loop& loop, Timer& timer, std::int64_t after_ms, std::int64_t repeat_ms) {
  stop(timer);
  add(timer, after_ms * kMs, repeat_ms * kMs);
  if (after_ms <= 0) loop.defer([this] { fire_due(); });
}

void ManualTime::add(Timer& timer, std::int64_t after_ns, std::int64_t repeat_ns) {
  pending_.push_back({now_ns_ + after_ns, repeat_ns, started_++, &timer});
}

void ManualTime::stop(const Timer& timer) noexcept {
  std::erase_if(pending_, [&](const Pending& one) { return one.timer == &timer; });
}

std::vector<ManualTime::Pending>::iterator ManualTime::first() noexcept {
  return std::ranges::min_element(pending_, {}, [](const Pending& one) { return std::tie(one.due_ns, one.order); });
}

/// Those that the callbacks start have another turn, as with libuv.
void ManualTime::fire_due() {
  const std::uint64_t end = started_;
  for (auto next = first(); next != pending_.end(); next = first()) {
    const Pending due = *next;
    if (due.due_ns > now_ns_ || due.order >= end) return;
    pending_.erase(next);
    if (due.repeat_ns > 0) add(*due.timer, due.repeat_ns, due.repeat_ns);
    due.timer->fire();
  }
}

void ManualTime::advance(Loop& loop, std::chrono::nanoseconds by) {
  const std::int64_t until_ns = now_ns_ + by.count();
  for (auto next = first(); next != pending_.end() && next->due_ns <= until_ns; next = first()) {
    now_ns_ = std::max(now_ns_, next->due_ns);
    loop.defer([this] { fire_due(); });
    loop.settle();
  }
  now_ns_ = until_ns;
  loop.settle();
}

}  // namespace campipe::net
