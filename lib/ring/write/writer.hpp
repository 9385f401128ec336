#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <sys/types.h>

#include "base/source_status.hpp"
#include "ring/layout/format.hpp"
#include "ring/layout/unit.hpp"

namespace campipe::ring::write {

/// Room for one picture in a raw ring, to be drawn into. The slot is not used again while a copy of `owner` lives,
/// before and after publish(). Must not be written to after publish().
struct Room {
  std::span<std::byte> bytes;
  std::shared_ptr<void> owner;
};

/// The one writer of a ring. Never waits for a reader. One thread; a Room's owner may be released in any.
///
/// The ring stays when a writer dies; the next one takes it over, and readers go on with the next sequence number. A
/// picture or unit that needs more room than the ring has gets a bigger ring: readers follow by themselves.
class Writer {
public:
  struct Options {
    std::string name;               ///< without "shm:"
    std::uint32_t slots = 8;        ///< raw: layout::kMinSlots to layout::kMaxSlots; four of them are never leased
    std::uint64_t arena_bytes = 0;  ///< coded: 0 = 16 MiB, and more when a GOP needs it
    mode_t mode = 0660;             ///< who may read, and with w: lease and wish. Nobody but the owner writes pictures
    std::optional<gid_t> group;     ///< nothing: the process's
  };

  /// Takes the name. Throws Error: usage for a name or a number that cannot be, try_again when another writer has it,
  /// permission when it is another user's, cannot_create when /dev/shm is full.
  explicit Writer(Options options);
  /// Takes the ring away when nobody reads it; else leaves it for the next writer.
  ~Writer();
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;

  /// Before the first unit and at each change; told to readers with the next unit. Throws Error(usage) for a format
  /// that no reader would take.
  void set_format(const layout::Format& format);

  /// The format that the writer before us left, when its clock is of this boot: its anchor is to be kept.
  const std::optional<layout::Format>& inherited() const noexcept;

  /// Raw: a slot for a picture of `bytes` bytes, so that publish() need not copy. Nothing when none can be spared: the
  /// caller draws elsewhere. After set_format(). Throws Error(cannot_create) when /dev/shm has no room for the ring,
  /// with how much is needed and how to give it.
  std::optional<Room> room(std::size_t bytes);

  /// Gives a unit to all readers. In place when `payload` begins at a Room that was not published yet, else with one
  /// copy. Answers false when it was dropped (counted): too big, or bigger than the ring and /dev/shm has no room for
  /// another. Throws as room() does when there is no ring at all yet.
  bool publish(const layout::UnitInfo& info, std::span<const std::byte> payload);

  /// Tells readers what the source does; again each second while no frames come keeps the ring's names. Before the
  /// first frame it is told where another writer left a ring. Throws Error(try_again) when the names were removed and
  /// another writer has them now.
  void set_source(const SourceStatus& status);

  // What readers wish: for one thread, which may be another than the one that publishes.

  /// Whether a reader lives that wants frames; readers without write access to the control object always want.
  bool wanted();
  /// Whether a reader asked for a keyframe since the last call.
  bool keyframe_wanted() noexcept;

  /// Waits until wanted() may have changed, interrupt() is called or the time is over; at most 500 ms.
  void wait_for_wish(int timeout_ms);
  void interrupt() noexcept;  ///< any thread

  struct Stats {
    std::uint64_t units = 0, bytes = 0, dropped = 0;
    std::uint64_t in_place = 0;  ///< of the units: published where they were drawn, without a copy
  };
  const Stats& stats() const noexcept;
  const std::string& name() const noexcept;

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace campipe::ring::write
