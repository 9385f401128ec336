#include "record/library/ages.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

namespace campipe::record::library {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kProofUs = 3600 * kSecondUs;
constexpr std::int64_t kStepUs = 5 * kSecondUs;  // more is no slewing between two looks

std::int64_t offset_of(const segment::Moment& moment) noexcept {
  return moment.unix_us - moment.monotonic_us;
}

/// What the stamps of one boot's synchronised clock say about Unix time less monotonic time.
struct Offsets {
  std::int64_t least_us, most_us;  // of Unix time less monotonic time
  std::int64_t first_us, last_us;  // monotonic

  /// Nothing: the clock was not synchronised for long enough to show that it keeps what it says.
  std::optional<std::int64_t> believed() const noexcept {
    const bool was_set = most_us - least_us > kStepUs;
    return was_set || last_us - first_us >= kProofUs ? std::optional(most_us) : std::nullopt;
  }
};

std::map<std::string, std::int64_t> offsets_of(std::span<const segment::Moment> moments) {
  std::map<std::string, Offsets> boots;
  for (const segment::Moment& moment : moments) {
    if (!moment.trusted || moment.boot.empty()) continue;
    const std::int64_t offset = offset_of(moment);
    Offsets& boot =
        boots.try_emplace(moment.boot, Offsets{offset, offset, moment.monotonic_us, moment.monotonic_us}).first->second;
    boot.least_us = std::min(boot.least_us, offset);
    boot.most_us = std::max(boot.most_us, offset);
    boot.first_us = std::min(boot.first_us, moment.monotonic_us);
    boot.last_us = std::max(boot.last_us, moment.monotonic_us);
  }
  std::map<std::string, std::int64_t> offsets;
  for (const auto& [boot, found] : boots) {
    if (const auto offset = found.believed()) offsets[boot] = *offset;
  }
  return offsets;
}

}  // namespace

std::vector<std::optional<std::int64_t>> recorded_us(std::span<const segment::Moment> in_order,
                                                     const segment::Moment& now) {
  auto offsets = offsets_of(in_order);
  if (!now.boot.empty()) offsets[now.boot] = offset_of(now);
  const auto own = [&](const segment::Moment& moment) -> std::optional<std::int64_t> {
    if (moment.boot.empty()) return moment.trusted ? std::optional(moment.unix_us) : std::nullopt;
    const auto offset = offsets.find(moment.boot);
    if (offset == offsets.end()) return std::nullopt;
    return moment.monotonic_us + offset->second;
  };
  std::vector<std::optional<std::int64_t>> times(in_order.size());
  std::optional<std::int64_t> latest;
  for (std::size_t i = 0; i < in_order.size(); ++i) {
    const auto time = own(in_order[i]);
    if (!time || *time > now.unix_us) continue;
    latest = std::max(latest.value_or(*time), *time);
    times[i] = latest;
  }
  for (std::size_t i = times.size(); i-- > 1;) {
    if (!times[i - 1]) times[i - 1] = times[i];
  }
  return times;
}

std::int64_t silence_before_boot_us(std::span<const segment::Moment> in_order,
                                    std::span<const std::optional<std::int64_t>> times, const segment::Moment& now) {
  std::size_t first = in_order.size();
  while (first > 0 && !now.boot.empty() && in_order[first - 1].boot == now.boot) --first;
  const std::int64_t until_us = first < times.size() ? times[first].value_or(now.unix_us) : now.unix_us;
  while (first > 0 && !times[first - 1]) --first;
  return first > 0 ? until_us - *times[first - 1] : 0;
}

bool ClockTrial::believed(const segment::Moment& now, std::int64_t silence_us, std::int64_t keep_us) {
  if (!now.trusted) {
    since_.reset();
    return false;
  }
  if (!since_ || std::abs(offset_of(now) - offset_of(*since_)) > kStepUs) since_ = now;
  if (silence_us <= keep_us) return true;
  return now.monotonic_us - since_->monotonic_us >= kProofUs;
}

}  // namespace campipe::record::library
