#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "ring/layout/geometry.hpp"
#include "ring/layout/unit.hpp"
#include "ring/read/leases.hpp"
#include "ring/read/reader.hpp"

namespace campipe::ring::read {

/// How a reader takes units out of one object. Holds no state of the stream but its place in it.
class View {
public:
  struct Taken {
    layout::Unit unit;
    std::uint32_t generation = 0;  ///< of its format
  };
  struct Place {
    std::uint64_t last = 0;  ///< the number of the unit that was taken last
    std::uint64_t lost = 0;  ///< since that one
    std::uint64_t damaged = 0;
    bool need_key = false;  ///< inter-coded video: nothing before the next keyframe
  };

  View(std::shared_ptr<kernel::Object> object, const layout::Geometry& geometry, Delivery delivery)
      : object_(std::move(object)), geometry_(geometry), parts_(*object_, geometry_), delivery_(delivery) {}
  virtual ~View() = default;
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  /// Where somebody who comes now begins. @param stale  Nobody writes: what is there is left out.
  virtual Place join(bool stale) const noexcept = 0;
  /// The next unit after `place`, which is moved on; nothing when there is none yet.
  virtual std::optional<Taken> take(Place& place) = 0;

  /// When the newest unit was published (CLOCK_MONOTONIC); nothing when there is none.
  std::optional<std::int64_t> newest_published_ns() const noexcept;

  const layout::Header& header() const noexcept { return *parts_.header; }
  const layout::Parts& parts() const noexcept { return parts_; }
  const layout::Geometry& geometry() const noexcept { return geometry_; }
  const kernel::Object& object() const noexcept { return *object_; }

protected:
  /// Copies `bytes` from `from`; the caller checks afterwards whether they were whole.
  std::span<const std::byte> copy(const std::byte* from, std::size_t bytes, std::shared_ptr<const void>& owner);

  std::shared_ptr<kernel::Object> object_;
  layout::Geometry geometry_;
  layout::Parts parts_;
  Delivery delivery_;
  Copies copies_;
};

/// @param leases  Raw: slots that may be held at a time; 0 = copies only.
std::unique_ptr<View> make_view(std::shared_ptr<kernel::Object> object, const layout::Geometry& geometry,
                                Delivery delivery, std::uint32_t leases);

}  // namespace campipe::ring::read
