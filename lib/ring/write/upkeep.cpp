// What keeps a ring right over time: its source's state, its names, its end.
#include <atomic>
#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "ring/kernel/futex.hpp"
#include "ring/kernel/names.hpp"
#include "ring/layout/source_field.hpp"
#include "ring/write/state.hpp"

namespace campipe::ring::write {

namespace {

constexpr std::int64_t kLookEveryNs = 1'000'000'000;
constexpr std::int64_t kTellEveryNs = 60'000'000'000;

}  // namespace

std::shared_ptr<Control> Writer::State::control_now() {
  const std::lock_guard lock(control_mutex);
  return control;
}

void Writer::State::set_source(const SourceStatus& status) {
  const bool news = source != status;
  source = status;
  if (!object) {
    if (news) note_early();
    return;
  }
  look_after();
  if (!news) return;
  layout::put_source(header(), *source);
  kernel::wake_all(header().futex);  // whose value stays: they look and find no unit, but this
}

/// Before the first frame there is only the ring that another writer left, if any: those who read it shall know that
/// its frames will not go on soon. That it is ours now shows in the epoch; all else is taken over with the first frame.
void Writer::State::note_early() {
  int error = 0;
  const auto last = kernel::Object::open(kernel::object_path(options.name), kernel::Object::Access::read_write, error);
  layout::Geometry g;
  std::string why;
  if (!last || last->owner() != ::geteuid() || !layout::read_geometry(*last, g, why)) return;
  layout::Header& top = *layout::Parts(*last, g).header;
  if (noted != top.epoch.load(std::memory_order_relaxed)) noted = top.epoch.fetch_add(1, std::memory_order_relaxed) + 1;
  layout::put_source(top, *source);
  kernel::wake_all(top.futex);
}

/// Once a second: are the names still those of our objects? logind's RemoveIPC, a cleaned /dev/shm and `camring rm
/// --force` take them away, and whoever comes then would wait for a writer that is there.
void Writer::State::look_after() {
  const std::int64_t now = monotonic_ns();
  if (now - looked_ns < kLookEveryNs) return;
  looked_ns = now;
  if (!object || !control->object().is_ours()) return;
  if (object->is_at(kernel::object_path(options.name)) && control->object().is_at(kernel::control_path(options.name)))
    return;
  restore_names();
}

void Writer::State::restore_names() {
  try {
    if (!control->object().is_at(kernel::control_path(options.name))) {
      auto fresh = std::make_shared<Control>(options.name, options.mode, options.group);
      const std::lock_guard lock(control_mutex);
      control.swap(fresh);
    }
    arena_bytes = geometry.kind == layout::Kind::coded ? geometry.slot_bytes : arena_bytes;
    renew(geometry.kind == layout::Kind::coded ? 1 : geometry.slot_bytes);
  } catch (const Error& error) {
    if (error.code() == ExitCode::try_again) {
      throw Error(ExitCode::try_again, shown + ": its name was removed, and another program has taken it since");
    }
    log::warning("{}: its name was removed and cannot be made anew: {}", shown, error.what());
    return;
  }
  const std::int64_t now = monotonic_ns();
  if (restored_ns != 0 && now - restored_ns < kTellEveryNs) return;
  restored_ns = now;
  log::warning("{}: its name was removed from /dev/shm (by systemd-logind's RemoveIPC?): made anew, readers follow",
               shown);
}

/// Every slot is locked, which no reader of ours does: somebody locks them all. A new ring has none of their locks.
/// Answers false when that was done a moment ago: it must not become a way to fill this machine's memory.
bool Writer::State::escape(std::uint64_t bytes) {
  constexpr std::int64_t kBetweenNs = 10'000'000'000;
  const std::int64_t now = monotonic_ns();
  if (geometry.kind != layout::Kind::raw || (escaped_ns != 0 && now - escaped_ns < kBetweenNs)) return false;
  escaped_ns = now;
  log::warning("{}: another program locks all of its slots: made anew, readers follow", shown);
  try {
    renew(bytes);
  } catch (const Error& error) {
    log::warning("{}", error.what());
    return false;
  }
  return true;
}

/// In order: what nobody reads goes away; what somebody reads waits for the next writer.
void Writer::State::leave() noexcept {
  if (!control->object().is_ours()) return;
  if (object) {
    header().state.store(layout::kClosed, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // before the look for readers, see Reader::State::leave()
    kernel::wake_all(header().futex);
  }
  const std::string ctl = kernel::control_path(options.name);
  if (!control->alone() || !control->object().is_at(ctl)) return;
  if (object && object->is_at(kernel::object_path(options.name))) ::unlink(kernel::object_path(options.name).c_str());
  ::unlink(ctl.c_str());  // ours as long as we hold its lock
}

}  // namespace campipe::ring::write
