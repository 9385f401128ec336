#pragma once
#include <cstdint>

#include "base/source_status.hpp"
#include "ring/layout/layout.hpp"

namespace campipe::ring::layout {

/// What a reader finds in a ring's header about its writer's source.
struct SourceNote {
  SourceStatus status;
  std::uint32_t version = 0;  ///< another number: something changed
  std::uint32_t rests = 0;
};

/// The writer's side. Counts up `rests` when the state becomes resting.
void put_source(Header& header, const SourceStatus& status) noexcept;

/// The reader's: distrusts all of it. Unknown when another epoch wrote it, or nobody did; a field that is being written
/// for too long reads as unknown, too.
SourceNote get_source(const Header& header);

}  // namespace campipe::ring::layout
