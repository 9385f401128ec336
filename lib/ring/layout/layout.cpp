#include "ring/layout/layout.hpp"

#include <cstring>

namespace campipe::ring::layout {

namespace {

// Relaxed: which words belong together is decided by the sequence number around them, whose loads and stores carry the
// order (raw_slots.cpp, coded_arena.cpp, format_table.cpp). Atomic at all, because they may change under a reader.
template <class Fields, std::size_t N>
Fields load_words(const std::array<std::atomic<std::uint64_t>, N>& word) noexcept {
  static_assert(sizeof(Fields) == N * 8);
  std::array<std::uint64_t, N> copy;
  for (std::size_t i = 0; i < N; ++i) copy[i] = word[i].load(std::memory_order_relaxed);
  return std::bit_cast<Fields>(copy);
}

template <class Fields, std::size_t N>
void store_words(std::array<std::atomic<std::uint64_t>, N>& word, const Fields& fields) noexcept {
  static_assert(sizeof(Fields) == N * 8);
  const auto copy = std::bit_cast<std::array<std::uint64_t, N>>(fields);
  for (std::size_t i = 0; i < N; ++i) word[i].store(copy[i], std::memory_order_relaxed);
}

}  // namespace

RecordFields Record::load() const noexcept {
  return load_words<RecordFields>(word);
}

void Record::store(const RecordFields& fields) noexcept {
  store_words(word, fields);
}

FormatFields FormatRecord::load() const noexcept {
  return load_words<FormatFields>(word);
}

void FormatRecord::store(const FormatFields& fields) noexcept {
  store_words(word, fields);
}

}  // namespace campipe::ring::layout
