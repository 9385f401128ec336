#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "record/segment/stamp.hpp"

namespace campipe::record::library {

/// When files were recorded, in Unix time of the clock that `now` has: never earlier than they were, as far as the
/// stamps can be believed. `in_order` is the order of recording. Of two stamps that contradict each other the later
/// counts, a stamp in the future does not, nor one of an unsynchronised clock of another boot; a file without a stamp
/// that counts has the time of the next one that has. Nothing: unknown, so it is of no age.
///
/// Stamps of this boot are measured with the monotonic clock; those of another boot with the offset that its clock had
/// while it was synchronised: the latest if it was set meanwhile, none if less than an hour shows that it was right.
std::vector<std::optional<std::int64_t>> recorded_us(std::span<const segment::Moment> in_order,
                                                     const segment::Moment& now);

/// For how long nothing was recorded before the first file of this boot (or now), as the clock tells it; 0 when it need
/// not be asked. @param times  From recorded_us().
std::int64_t silence_before_boot_us(std::span<const segment::Moment> in_order,
                                    std::span<const std::optional<std::int64_t>> times, const segment::Moment& now);

/// Whether files may be deleted by age. A synchronised clock is believed, unless by it nothing was recorded for longer
/// than files are kept: all would go at once. Then it has to be synchronised, without a step, for an hour first.
class ClockTrial {
public:
  bool believed(const segment::Moment& now, std::int64_t silence_us, std::int64_t keep_us);

private:
  std::optional<segment::Moment> since_;  // synchronised, and not set
};

}  // namespace campipe::record::library
