#include "ring/read/control.hpp"

#include <algorithm>
#include <bit>

#include <unistd.h>

#include "base/clock.hpp"
#include "ring/kernel/command.hpp"
#include "ring/kernel/futex.hpp"
#include "ring/kernel/lock.hpp"
#include "ring/kernel/names.hpp"

namespace campipe::ring::read {

namespace {

bool is_control(const kernel::Object& object) noexcept {
  if (object.data() == nullptr || object.size() != sizeof(layout::Control)) return false;
  const auto& control = *reinterpret_cast<const layout::Control*>(object.data());
  // Acquire: what was stored before the magic (by the writer that made it) is seen with it.
  return control.magic.load(std::memory_order_acquire) == layout::kControlMagic &&
         control.version.load(std::memory_order_relaxed) == layout::kVersion;
}

}  // namespace

std::unique_ptr<Control> Control::open(const std::string& name) {
  const std::string path = kernel::control_path(name);
  int error = 0;
  auto object = kernel::Object::open(path, kernel::Object::Access::read_write, error);
  const bool writable = object && is_control(*object);
  if (!writable) object = kernel::Object::open(path, kernel::Object::Access::unmapped, error);
  if (!object) return nullptr;
  return std::unique_ptr<Control>(new Control(std::move(object), writable));
}

Control::Control(std::shared_ptr<kernel::Object> object, bool writable) : object_(std::move(object)) {
  if (writable) take_seat();
  if (seat_ == nullptr) kernel::lock_byte(object_->fd(), kernel::LockKind::read, layout::kWatcherByte);
}

void Control::take_seat() noexcept {
  for (std::uint32_t i = 0; i < layout::kSeats; ++i) {
    if (!kernel::lock_byte(object_->fd(), kernel::LockKind::write, layout::kSeatByte + i)) continue;
    seat_ = &at().seat[i];
    seat_byte_ = layout::kSeatByte + i;
    seat_->pid.store(static_cast<std::uint32_t>(::getpid()), std::memory_order_relaxed);
    seat_->mode.store(0, std::memory_order_relaxed);
    seat_->want.store(0, std::memory_order_relaxed);
    seat_->last_seq.store(0, std::memory_order_relaxed);
    seat_->lost.store(0, std::memory_order_relaxed);
    seat_->since_us.store(realtime_us(), std::memory_order_relaxed);
    const auto command = kernel::own_command();
    for (std::size_t c = 0; c < command.size(); ++c) seat_->comm[c].store(command[c], std::memory_order_relaxed);
    return;
  }
}

Control::~Control() {
  leave();
}

void Control::leave() noexcept {
  if (object_->fd() < 0) return;
  // Unlocked and not merely closed: a child forked a moment ago may have our descriptor still.
  give_tickets_back();
  if (seat_ == nullptr) {
    kernel::unlock_byte(object_->fd(), layout::kWatcherByte);
    return;
  }
  seat_->want.store(0, std::memory_order_relaxed);
  kernel::unlock_byte(object_->fd(), seat_byte_);
  seat_ = nullptr;
  changed();
}

bool Control::writer_lives() const noexcept {
  return kernel::write_locked(object_->fd(), layout::kWriterByte);
}

void Control::changed() noexcept {
  // Release: with this count the writer sees what was stored before it.
  at().wishes.fetch_add(1, std::memory_order_release);
  kernel::wake_all(at().wishes);
}

void Control::set_want(bool want) noexcept {
  if (seat_ == nullptr) return;
  if (seat_->want.exchange(want ? 1 : 0, std::memory_order_relaxed) == (want ? 1U : 0U)) return;
  changed();
}

void Control::request_keyframe() noexcept {
  if (seat_ == nullptr) return;
  at().keyframe_wishes.fetch_add(1, std::memory_order_relaxed);
  changed();
}

void Control::tell(std::uint32_t mode) noexcept {
  if (seat_ != nullptr) seat_->mode.store(mode, std::memory_order_relaxed);
}

void Control::tell(std::uint64_t last_seq, std::uint64_t lost) noexcept {
  if (seat_ == nullptr) return;
  seat_->last_seq.store(last_seq, std::memory_order_relaxed);
  seat_->lost.store(lost, std::memory_order_relaxed);
}

std::uint32_t Control::take_tickets(std::uint32_t tickets, std::uint32_t wanted) noexcept {
  if (seat_ == nullptr) return 0;
  tickets = std::min(tickets, layout::kMaxSlots);
  auto have = static_cast<std::uint32_t>(std::popcount(tickets_));
  for (std::uint32_t i = 0; i < tickets && have < wanted; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    if ((tickets_ & bit) != 0 || !kernel::lock_byte(object_->fd(), kernel::LockKind::write, layout::kTicketByte + i))
      continue;
    tickets_ |= bit;
    ++have;
  }
  return have;
}

void Control::give_tickets_back() noexcept {
  for (std::uint32_t i = 0; i < layout::kMaxSlots; ++i) {
    if ((tickets_ >> i & 1) != 0) kernel::unlock_byte(object_->fd(), layout::kTicketByte + i);
  }
  tickets_ = 0;
}

bool Control::alone() noexcept {
  return kernel::lock_alone(object_->fd(), layout::kWriterByte, layout::kLockBytes);
}

}  // namespace campipe::ring::read
