#include "net/loop.hpp"

#include <utility>

namespace campipe::net {

namespace {

constexpr std::size_t kScratchBytes = 64 * 1024;

std::unique_ptr<uv_loop_t> make_loop() {
  auto loop = std::make_unique<uv_loop_t>();
  check_uv(uv_loop_init(loop.get()), "cannot make an event loop");
  return loop;
}

/// A handle that init() prepared, with `owner` as its data.
template <class T, class Init>
UvPtr<T> make_handle(void* owner, std::string_view what, Init init) {
  auto handle = std::make_unique<T>();
  check_uv(init(handle.get()), what);
  handle->data = owner;
  return UvPtr<T>(handle.release());
}

}  // namespace

Loop::Loop(Time time)
    : manual_(time == Time::manual ? std::make_unique<ManualTime>() : nullptr),
      loop_(make_loop()),
      scratch_(kScratchBytes) {
  idle_ =
      make_handle<uv_idle_t>(this, "cannot make an idle handle", [&](uv_idle_t* h) { return uv_idle_init(get(), h); });
}

Loop::~Loop() {
  deferred_.clear();
  idle_.reset();
  uv_run(loop_.get(), UV_RUN_DEFAULT);  // the close callbacks
  uv_loop_close(loop_.get());
}

void Loop::run() {
  uv_run(loop_.get(), UV_RUN_DEFAULT);
  rethrow();
}

void Loop::stop() noexcept {
  uv_stop(loop_.get());
}

void Loop::run_once(bool wait) {
  uv_run(loop_.get(), wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  rethrow();
}

void Loop::rethrow() {
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Loop::failed(std::exception_ptr error) noexcept {
  if (!error_) error_ = std::move(error);
  uv_stop(loop_.get());
}

void Loop::defer(std::function<void()> task) {
  deferred_.push_back(std::move(task));
  uv_idle_start(idle_.get(), [](uv_idle_t* handle) {
    auto* loop = static_cast<Loop*>(handle->data);
    if (loop != nullptr) loop->guarded([loop] { loop->run_deferred(); });
  });
}

void Loop::run_deferred() {
  uv_idle_stop(idle_.get());
  auto tasks = std::exchange(deferred_, {});
  for (auto& task : tasks) task();
}

void Loop::settle() {
  do run_once(false);
  while (!deferred_.empty());
}

Timer::Timer(Loop& loop, std::function<void()> callback) : loop_(loop), callback_(std::move(callback)) {
  if (loop.manual_) return;
  timer_ =
      make_handle<uv_timer_t>(this, "cannot make a timer", [&](uv_timer_t* h) { return uv_timer_init(loop.get(), h); });
}

Timer::~Timer() {
  if (loop_.manual_) loop_.manual_->stop(*this);
}

void Timer::start(std::int64_t after_ms, std::int64_t repeat_ms) {
  if (loop_.manual_) return loop_.manual_->start(loop_, *this, after_ms, repeat_ms);
  const auto fire = [](uv_timer_t* handle) {
    auto* timer = static_cast<Timer*>(handle->data);
    if (timer != nullptr) timer->fire();
  };
  uv_timer_start(timer_.get(), fire, static_cast<std::uint64_t>(after_ms), static_cast<std::uint64_t>(repeat_ms));
}

void Timer::fire() {
  // As in Watch::set(): the callback may destroy the Timer.
  loop_.guarded([callback = callback_] { callback(); });
}

void Timer::stop() noexcept {
  if (loop_.manual_) return loop_.manual_->stop(*this);
  uv_timer_stop(timer_.get());
}

Async::Async(Loop& loop, std::function<void()> callback) : loop_(loop), callback_(std::move(callback)) {
  const auto fire = [](uv_async_t* handle) {
    auto* async = static_cast<Async*>(handle->data);
    if (async != nullptr) async->loop_.guarded(async->callback_);
  };
  async_ = make_handle<uv_async_t>(this, "cannot make an async handle",
                                   [&](uv_async_t* h) { return uv_async_init(loop.get(), h, fire); });
}

Watch::Watch(Loop& loop, int fd, std::function<void(int)> callback) : loop_(loop), callback_(std::move(callback)) {
  poll_ = make_handle<uv_poll_t>(this, "cannot watch a descriptor",
                                 [&](uv_poll_t* h) { return uv_poll_init(loop.get(), h, fd); });
}

void Watch::set(int events) {
  if (events == events_) return;
  events_ = events;
  if (events == 0) {
    uv_poll_stop(poll_.get());
    return;
  }
  const auto fire = [](uv_poll_t* handle, int status, int ready) {
    auto* watch = static_cast<Watch*>(handle->data);
    if (watch == nullptr) return;
    // The callback may destroy the Watch and with it the std::function that runs: hold both by value.
    watch->loop_.guarded(
        [callback = watch->callback_, events = status < 0 ? kRead | kWrite : ready] { callback(events); });
  };
  check_uv(uv_poll_start(poll_.get(), events, fire), "cannot watch a descriptor");
}

}  // namespace campipe::net
