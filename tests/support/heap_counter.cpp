// LD_PRELOAD, or linked: how many blocks and bytes a process has allocated and not freed, and how many blocks it has
// allocated at all, as three 64-bit numbers in the file $HEAP_COUNTER. glibc only: the functions behind malloc are
// called directly. What is mapped (thread stacks, rings) is not in it.
#include "heap_counter.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);
}

namespace {

struct Heap {
  std::atomic<std::int64_t> blocks{0}, bytes{0}, allocations{0};
};

Heap before_main;
Heap* heap = &before_main;

void add(std::int64_t blocks, std::int64_t bytes) {
  heap->blocks.fetch_add(blocks, std::memory_order_relaxed);
  heap->bytes.fetch_add(bytes, std::memory_order_relaxed);
}

std::int64_t size_of(void* block) {
  return static_cast<std::int64_t>(::malloc_usable_size(block));
}

void* counted(void* block) {
  if (block == nullptr) return block;
  add(1, size_of(block));
  heap->allocations.fetch_add(1, std::memory_order_relaxed);
  return block;
}

[[gnu::constructor]] void share() {
  const char* path = std::getenv("HEAP_COUNTER");
  if (path == nullptr) return;
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(Heap)) != 0) std::abort();
  void* page = ::mmap(nullptr, sizeof(Heap), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (page == MAP_FAILED) std::abort();
  auto* shared = static_cast<Heap*>(page);
  shared->blocks = before_main.blocks.load();  // no other thread runs yet
  shared->bytes = before_main.bytes.load();
  shared->allocations = before_main.allocations.load();
  heap = shared;
}

}  // namespace

extern "C" {

std::int64_t heap_counter_allocations() noexcept {
  return heap->allocations.load(std::memory_order_relaxed);
}

void* malloc(std::size_t size) {
  return counted(__libc_malloc(size));
}
void* calloc(std::size_t count, std::size_t size) {
  return counted(__libc_calloc(count, size));
}
void* memalign(std::size_t alignment, std::size_t size) {
  return counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return counted(__libc_memalign(alignment, size));
}

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  *out = memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}

void* realloc(void* old, std::size_t size) {
  const std::int64_t had = old == nullptr ? 0 : size_of(old);
  void* now = __libc_realloc(old, size);
  if (old != nullptr && (now != nullptr || size == 0)) add(-1, -had);
  return counted(now);
}

void free(void* block) {
  if (block != nullptr) add(-1, -size_of(block));
  __libc_free(block);
}

}  // extern "C"
