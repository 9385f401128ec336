#include "wire/queue/live_output.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "wire/queue/live_queue.hpp"

namespace campipe::wire::queue {

namespace {

/// What the source does is told again after so long without anything else: who reads knows that we live.
constexpr auto kRepeat = std::chrono::seconds(1);

}  // namespace

struct LiveOutput::State {
  State(std::unique_ptr<stream::Writer> w, std::string n, bool live)
      : writer(std::move(w)), name(std::move(n)), queue(live) {}

  void run();
  void write(LiveQueue::Item item);
  void close_locked();

  const std::unique_ptr<stream::Writer> writer;  // used by the thread alone, but for abandon()
  std::optional<SourceStatus> source;            // as it was told last, the thread's
  const std::string name;
  std::thread thread;

  mutable std::mutex mutex;  // over all below
  std::condition_variable work, room, ended;
  LiveQueue queue;
  Stats counts;
  std::exception_ptr failure;
  std::int64_t writing_since_ns = 0;  // 0 = not in a write
  bool finishing = false;
  bool abandoned = false;
  bool complete = false;  // the writer wants no more
  bool done = false;      // the thread has ended
};

void LiveOutput::State::close_locked() {
  counts.closed = true;
  queue.clear();
  room.notify_all();
}

/// In the thread, without the lock.
void LiveOutput::State::write(LiveQueue::Item item) {
  if (const auto* format = std::get_if<media::StreamFormat>(&item)) {
    writer->set_format(*format);
    return;
  }
  if (const auto* status = std::get_if<SourceStatus>(&item)) {
    source = *status;
    writer->set_source(*status);
    return;
  }
  const auto& packet = std::get<media::Packet>(item);
  writer->write(packet);
  const std::lock_guard lock(mutex);
  if (packet.track == media::Track::video) ++counts.packets;
  counts.bytes = writer->bytes();
}

void LiveOutput::State::run() {
  std::unique_lock lock(mutex);
  while (!counts.closed) {
    const auto due = [&] { return !queue.empty() || finishing || abandoned; };
    const bool silent = source ? !work.wait_for(lock, kRepeat, due) : (work.wait(lock, due), false);
    if (abandoned || (queue.empty() && !silent)) break;
    LiveQueue::Item item = silent ? LiveQueue::Item(*source) : queue.pop();
    room.notify_all();
    writing_since_ns = monotonic_ns();
    lock.unlock();
    std::exception_ptr thrown;
    try {
      write(std::move(item));
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    writing_since_ns = 0;
    if (thrown) failure = thrown;
    complete = !thrown && writer->complete();
    if (thrown || complete) close_locked();
  }
  done = true;
  ended.notify_all();
}

LiveOutput::LiveOutput(std::unique_ptr<stream::Writer> writer, std::string name, bool live)
    : state_(std::make_shared<State>(std::move(writer), std::move(name), live)) {
  state_->thread = std::thread([state = state_] { state->run(); });
}

LiveOutput::~LiveOutput() {
  try {
    finish(0);
  } catch (...) {  // who wants to know calls finish()
  }
}

void LiveOutput::set_format(const media::StreamFormat& format) {
  const std::lock_guard lock(state_->mutex);
  if (state_->counts.closed) return;
  state_->queue.set_format(format);
  state_->work.notify_one();
}

void LiveOutput::set_source(const SourceStatus& status) {
  const std::lock_guard lock(state_->mutex);
  if (state_->counts.closed) return;
  state_->queue.set_source(status);
  state_->work.notify_one();
}

void LiveOutput::offer(const media::Packet& packet) {
  std::unique_lock lock(state_->mutex);
  state_->room.wait(lock, [&] { return state_->counts.closed || state_->queue.has_room(packet.track); });
  if (state_->counts.closed || state_->finishing) return;
  const auto dropped = state_->queue.push(packet);
  state_->counts.dropped += dropped.video;
  state_->counts.audio_dropped += dropped.audio;
  state_->work.notify_one();
}

bool LiveOutput::finish(int timeout_ms) {
  State& state = *state_;
  bool in_write = false;
  {
    std::unique_lock lock(state.mutex);
    state.finishing = true;
    state.work.notify_one();
    state.ended.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return state.done; });
    state.abandoned = true;
    state.work.notify_one();
    in_write = state.writing_since_ns != 0;  // without the lock it can start no other
  }
  if (state.thread.joinable()) {
    if (in_write) {
      state.writer->abandon();
      state.thread.detach();
    } else {
      state.thread.join();
    }
  }
  const std::lock_guard lock(state.mutex);
  const bool all = !in_write && state.queue.empty() && (!state.counts.closed || state.complete);
  state.counts.closed = true;
  if (const auto failure = std::exchange(state.failure, nullptr)) {
    try {
      std::rethrow_exception(failure);
    } catch (const OutputClosed&) {
    }
  }
  return all;
}

LiveOutput::Stats LiveOutput::stats() const {
  constexpr std::int64_t kBlockedNs = 1'000'000'000;
  const std::lock_guard lock(state_->mutex);
  Stats stats = state_->counts;
  stats.blocked = state_->writing_since_ns != 0 && monotonic_ns() - state_->writing_since_ns > kBlockedNs;
  return stats;
}

const std::string& LiveOutput::name() const noexcept {
  return state_->name;
}

}  // namespace campipe::wire::queue
