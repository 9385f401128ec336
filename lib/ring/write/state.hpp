#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "base/source_status.hpp"
#include "ring/layout/geometry.hpp"
#include "ring/write/coded_arena.hpp"
#include "ring/write/control.hpp"
#include "ring/write/raw_slots.hpp"
#include "ring/write/writer.hpp"

namespace campipe::ring::write {

constexpr std::uint64_t kMostGrownArena = std::uint64_t{512} << 20;  ///< what a coded ring grows to by itself

/// What a Writer consists of. Its making of objects is in renew.cpp, what keeps it right over time in upkeep.cpp.
struct Writer::State {
  /// Throws as Writer's constructor does.
  explicit State(Options o);
  ~State() { leave(); }

  void look_at_the_last();
  bool fits(std::uint64_t bytes) const noexcept;
  void prepare(std::uint64_t bytes);
  bool take_over(std::uint64_t bytes);
  void renew(std::uint64_t bytes);
  void use(std::shared_ptr<kernel::Object> object, const layout::Geometry& g);
  void sign() noexcept;
  void show_format() noexcept;
  bool put(const layout::UnitInfo& info, std::span<const std::byte> payload);
  void wake() noexcept;
  void drop(std::uint64_t units = 1) noexcept;
  void leave() noexcept;
  bool escape(std::uint64_t bytes);
  void set_source(const SourceStatus& status);
  void note_early();
  void look_after();
  void restore_names();
  std::shared_ptr<Control> control_now();
  layout::Header& header() noexcept { return *parts.header; }

  const Options options;
  std::mutex control_mutex;  // over the pointer: who asks for wishes may be another thread
  std::shared_ptr<Control> control;
  const std::string shown;
  std::optional<layout::Format> inherited;
  std::optional<layout::Format> format;
  bool format_is_new = false;
  std::shared_ptr<kernel::Object> object;
  layout::Geometry geometry;
  layout::Parts parts;
  std::variant<std::monostate, RawSlots, CodedArena> store;
  std::uint64_t seq = 0;
  std::uint64_t arena_bytes = 0;  ///< for the next ring
  std::uint32_t generation = 0;
  std::optional<SourceStatus> source;
  std::optional<std::uint32_t> noted;  ///< our epoch, where note_early() has counted it up
  Stats stats;
  bool complained = false;
  std::int64_t escaped_ns = 0;
  std::int64_t looked_ns = 0;    ///< look_after()
  std::int64_t restored_ns = 0;  ///< when a removed name was last told of
  std::atomic<std::uint32_t> interrupts{0};
  std::uint32_t interrupts_seen = 0;
};

}  // namespace campipe::ring::write
