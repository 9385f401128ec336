#include "serve_counted/allocations.hpp"

#ifdef CAMPIPE_SANITIZED

#include <atomic>
#include <cstddef>
#include <cstdlib>

#include <sanitizer/allocator_interface.h>

namespace {

std::atomic<std::uint64_t> blocks{0};

void on_malloc(const volatile void*, std::size_t) {
  blocks.fetch_add(1, std::memory_order_relaxed);
}
void on_free(const volatile void*) {}

[[gnu::constructor]] void install() {
  if (__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) == 0) std::abort();
}

}  // namespace

std::uint64_t campipe::serve::test::allocations() noexcept {
  return blocks.load(std::memory_order_relaxed);
}

#else

#include "heap_counter.hpp"

std::uint64_t campipe::serve::test::allocations() noexcept {
  return static_cast<std::uint64_t>(heap_counter_allocations());
}

#endif
