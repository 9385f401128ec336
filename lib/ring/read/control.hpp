#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "ring/kernel/object.hpp"
#include "ring/layout/layout.hpp"

namespace campipe::ring::read {

/// A reader's side of it. Without write access a reader has no seat, no ticket and no wishes; the writer sees that
/// somebody watches, no more.
class Control {
public:
  /// Nothing when there is no control object yet, or it may not even be read.
  static std::unique_ptr<Control> open(const std::string& name);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  bool has_seat() const noexcept { return seat_ != nullptr; }
  bool writer_lives() const noexcept;
  void set_want(bool want) noexcept;
  void request_keyframe() noexcept;
  void tell(std::uint32_t mode) noexcept;
  void tell(std::uint64_t last_seq, std::uint64_t lost) noexcept;

  /// Up to `wanted` tickets of those below `tickets`; returns how many it has now.
  std::uint32_t take_tickets(std::uint32_t tickets, std::uint32_t wanted) noexcept;
  void give_tickets_back() noexcept;

  /// Gives seat and tickets back. Nothing but alone() may be called after it.
  void leave() noexcept;
  /// Whether nobody, writer or reader, is here; if so the writer's lock is taken, so that none comes either. After
  /// leave().
  bool alone() noexcept;

  const kernel::Object& object() const noexcept { return *object_; }

private:
  explicit Control(std::shared_ptr<kernel::Object> object, bool writable);
  void take_seat() noexcept;
  layout::Control& at() const noexcept { return *reinterpret_cast<layout::Control*>(object_->data()); }
  void changed() noexcept;

  std::shared_ptr<kernel::Object> object_;
  layout::Seat* seat_ = nullptr;
  std::int64_t seat_byte_ = 0;
  std::uint64_t tickets_ = 0;  // a bit each
};

}  // namespace campipe::ring::read
