#include "ring/write/control.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "ring/kernel/futex.hpp"
#include "ring/kernel/lock.hpp"
#include "ring/kernel/names.hpp"

namespace campipe::ring::write {

namespace {

constexpr int kAskEveryNs = 250'000'000;

[[noreturn]] void refuse_owner(const std::string& name, uid_t owner) {
  throw Error(ExitCode::permission,
              fmt::format("shm:{}: belongs to user {}: take another name, or have them run 'camring rm {}'", name,
                          kernel::user_name(owner), name));
}

[[noreturn]] void busy(const std::string& name) {
  throw Error(ExitCode::try_again,
              fmt::format("shm:{}: another program writes it ('camring stat {}' says which): stop that one or take "
                          "another name",
                          name, name));
}

}  // namespace

Control::Control(const std::string& name, mode_t mode, std::optional<gid_t> group) {
  constexpr int kTries = 20;  // each lost to another writer that came or went in the meantime
  for (int i = 0; i < kTries; ++i) {
    if (take(name, mode, group)) return;
  }
  busy(name);
}

/// Unlocked and not merely closed: a child forked a moment ago may have our descriptor still.
Control::~Control() {
  if (object_->fd() >= 0) kernel::unlock_byte(object_->fd(), layout::kWriterByte);
}

/// Answers false when the object was replaced while we looked at it.
bool Control::take(const std::string& name, mode_t mode, std::optional<gid_t> group) {
  const std::string path = kernel::control_path(name);
  int error = 0;
  object_ = kernel::Object::open(path, kernel::Object::Access::read_write, error);
  if (!object_) {
    if (error == ENOENT) {
      try {
        object_ = kernel::Object::create(path, sizeof(layout::Control), mode, group, "shm:" + name);
      } catch (const Error& failure) {
        if (failure.code() == ExitCode::cannot_create && ::access(path.c_str(), F_OK) == 0) return false;
        throw;
      }
    } else {
      struct stat about{};
      if (::lstat(path.c_str(), &about) == 0 && about.st_uid != ::geteuid()) refuse_owner(name, about.st_uid);
      throw_errno(error, "shm:" + name + ": cannot open " + path);
    }
  }
  if (object_->owner() != ::geteuid()) refuse_owner(name, object_->owner());
  if (object_->data() == nullptr || object_->size() != sizeof(layout::Control)) {  // somebody truncated it
    if (kernel::write_locked(object_->fd(), layout::kWriterByte)) busy(name);
    ::unlink(path.c_str());
    return false;
  }
  constexpr int kTries = 10;  // a reader that leaves takes it for a moment, to clear up
  for (int i = 0; !kernel::lock_byte(object_->fd(), kernel::LockKind::write, layout::kWriterByte); ++i) {
    if (i == kTries) busy(name);
    ::usleep(2000);
  }
  if (!object_->is_at(path)) return false;  // the writer before us took it away as it ended
  ::fchmod(object_->fd(), mode);
  if (group && ::fchown(object_->fd(), static_cast<uid_t>(-1), *group) != 0) {
    throw Error(ExitCode::permission,
                fmt::format("shm:{}: --ring-group {}: {}: you must be in that group", name, *group, errno_text(errno)));
  }
  layout::Control& control = at();
  control.version.store(layout::kVersion, std::memory_order_relaxed);
  control.seat_count.store(layout::kSeats, std::memory_order_relaxed);
  keyframe_wishes_ = control.keyframe_wishes.load(std::memory_order_relaxed);
  control.magic.store(layout::kControlMagic, std::memory_order_release);
  return true;
}

bool Control::ask_wanted() const noexcept {
  for (std::uint32_t i = 0; i < layout::kSeats; ++i) {
    // Relaxed: a hint; who changes it counts `wishes` up after it, and we look again then.
    if (at().seat[i].want.load(std::memory_order_relaxed) == 0) continue;
    if (kernel::any_locked(object_->fd(), layout::kSeatByte + i)) return true;
  }
  return kernel::any_locked(object_->fd(), layout::kWatcherByte);
}

bool Control::wanted() {
  // Acquire: the `want` that was stored before this count is seen after it.
  const std::uint32_t wishes = at().wishes.load(std::memory_order_acquire);
  const std::int64_t now = monotonic_ns();
  if (wishes == wishes_ && now - asked_ns_ < kAskEveryNs) return wanted_;
  wishes_ = wishes;
  asked_ns_ = now;
  return wanted_ = ask_wanted();
}

bool Control::keyframe_wanted() noexcept {
  // Relaxed: nothing else is read because of it.
  const std::uint32_t wishes = at().keyframe_wishes.load(std::memory_order_relaxed);
  return std::exchange(keyframe_wishes_, wishes) != wishes;
}

bool Control::alone() noexcept {
  return kernel::lock_alone(object_->fd(), layout::kWriterByte, layout::kLockBytes);
}

void Control::wait(const std::atomic<std::uint32_t>& own, std::uint32_t own_seen, int timeout_ms) noexcept {
  const std::uint32_t wishes = at().wishes.load(std::memory_order_acquire);
  if (wishes != wishes_) return;  // not looked at yet
  kernel::wait_on(at().wishes, wishes, own, own_seen, timeout_ms);
}

}  // namespace campipe::ring::write
