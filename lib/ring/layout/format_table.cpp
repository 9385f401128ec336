#include "ring/layout/format_table.hpp"

namespace campipe::ring::layout {

void put_format(FormatRecord* table, std::uint32_t generation, const Format& format) noexcept {
  FormatRecord& record = table[generation % kFormats];
  // A sequence lock: the fence keeps the words behind the 0, the release keeps them before the generation.
  record.generation.store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  record.store(to_fields(format));
  record.generation.store(generation, std::memory_order_release);
}

bool get_format(const FormatRecord* table, std::uint32_t generation, Format& format) {
  const FormatRecord& record = table[generation % kFormats];
  // Acquire: the words are those of this generation or later ones; the fence: had they been later ones, the second load
  // would see that.
  if (record.generation.load(std::memory_order_acquire) != generation) return false;
  const FormatFields fields = record.load();
  std::atomic_thread_fence(std::memory_order_acquire);
  if (record.generation.load(std::memory_order_relaxed) != generation) return false;
  return from_fields(fields, format);
}

}  // namespace campipe::ring::layout
