#include "ring/layout/source_field.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

namespace campipe::ring::layout {

namespace {

using Reason = std::array<char, sizeof(std::uint64_t) * 12>;
static_assert(sizeof(Reason) == kMaxSourceReason + 1);

SourceStatus status_of(std::uint32_t state, std::int64_t since_us, const std::array<std::uint64_t, 12>& words) {
  const auto text = std::bit_cast<Reason>(words);
  const std::string_view reason(text.data(), static_cast<std::size_t>(std::ranges::find(text, '\0') - text.begin()));
  const bool known = state <= static_cast<std::uint32_t>(SourceState::lost);
  SourceStatus status = source_status(known ? static_cast<SourceState>(state) : SourceState::unknown, reason);
  status.since_us = std::max<std::int64_t>(0, since_us);
  return status;
}

}  // namespace

void put_source(Header& header, const SourceStatus& status) noexcept {
  SourceField& field = header.source;
  Reason text{};
  std::copy_n(status.reason.begin(), std::min(status.reason.size(), text.size() - 1), text.begin());
  const auto words = std::bit_cast<std::array<std::uint64_t, 12>>(text);
  // A writer that was killed in the middle of this left an odd number.
  const std::uint32_t version = (field.version.load(std::memory_order_relaxed) | 1U) + 2;
  field.version.store(version, std::memory_order_relaxed);
  // Release: who sees any word of the new status sees that it is being written.
  std::atomic_thread_fence(std::memory_order_release);
  const auto before = field.state.exchange(static_cast<std::uint32_t>(status.state), std::memory_order_relaxed);
  field.epoch.store(header.epoch.load(std::memory_order_relaxed), std::memory_order_relaxed);
  field.since_us.store(status.since_us, std::memory_order_relaxed);
  for (std::size_t i = 0; i < words.size(); ++i) field.reason[i].store(words[i], std::memory_order_relaxed);
  if (status.state == SourceState::resting && before != static_cast<std::uint32_t>(SourceState::resting))
    field.rests.fetch_add(1, std::memory_order_relaxed);
  // Release: the status is seen with the even number.
  field.version.store(version + 1, std::memory_order_release);
}

SourceNote get_source(const Header& header) {
  constexpr int kTries = 16;  // each lost to a writer that changed it meanwhile
  const SourceField& field = header.source;
  SourceNote note;
  for (int i = 0; i < kTries; ++i) {
    // Acquire: what was stored before this even number is seen.
    const std::uint32_t version = field.version.load(std::memory_order_acquire);
    note.version = version;
    note.rests = field.rests.load(std::memory_order_relaxed);
    if ((version & 1U) != 0) continue;
    const std::uint32_t state = field.state.load(std::memory_order_relaxed);
    const std::uint32_t epoch = field.epoch.load(std::memory_order_relaxed);
    const std::int64_t since_us = field.since_us.load(std::memory_order_relaxed);
    std::array<std::uint64_t, 12> words{};
    for (std::size_t w = 0; w < words.size(); ++w) words[w] = field.reason[w].load(std::memory_order_relaxed);
    // A sequence lock's second half: had a word been overwritten, the odd number stored before it would be seen.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (field.version.load(std::memory_order_relaxed) != version) continue;
    if (version == 0 || epoch != header.epoch.load(std::memory_order_relaxed)) return note;
    note.status = status_of(state, since_us, words);
    return note;
  }
  return note;
}

}  // namespace campipe::ring::layout
