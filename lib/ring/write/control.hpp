#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "ring/kernel/object.hpp"
#include "ring/layout/layout.hpp"

namespace campipe::ring::write {

/// The writer's side of campipe.NAME.ctl: holds the name, and hears what readers wish. What it reads there is worth no
/// more than a hint.
class Control {
public:
  /// Takes the name, making the object when it is missing or spoilt. Throws Error: try_again, permission,
  /// cannot_create.
  Control(const std::string& name, mode_t mode, std::optional<gid_t> group);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /// Whether a reader lives that wants frames; asked of the kernel at most four times a second.
  bool wanted();
  bool keyframe_wanted() noexcept;
  /// Whether nobody but the writer is registered. If not, the name is given up: a reader may take the ring away.
  bool alone() noexcept;
  /// Waits for a change of wishes, for `own` to leave `own_seen`, or the time.
  void wait(const std::atomic<std::uint32_t>& own, std::uint32_t own_seen, int timeout_ms) noexcept;

  const kernel::Object& object() const noexcept { return *object_; }

private:
  bool take(const std::string& name, mode_t mode, std::optional<gid_t> group);
  layout::Control& at() const noexcept { return *reinterpret_cast<layout::Control*>(object_->data()); }
  bool ask_wanted() const noexcept;

  std::shared_ptr<kernel::Object> object_;
  std::uint32_t keyframe_wishes_ = 0, wishes_ = 0;
  std::int64_t asked_ns_ = 0;
  bool wanted_ = false;
};

}  // namespace campipe::ring::write
