// LD_PRELOAD: the bytes that a process has allocated and not freed, as a 64-bit number in the file $HEAP_COUNTER.
// Memory of mmap (thread stacks, FFmpeg's never) is not in it. glibc only: the functions behind malloc are called
// directly.

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

std::atomic<std::int64_t> before_main{0};
std::atomic<std::int64_t>* live = &before_main;

void add(void* block) {
  live->fetch_add(static_cast<std::int64_t>(::malloc_usable_size(block)));
}
void subtract(void* block) {
  live->fetch_sub(static_cast<std::int64_t>(::malloc_usable_size(block)));
}

void* counted(void* block) {
  if (block != nullptr) add(block);
  return block;
}

[[gnu::constructor]] void share() {
  const char* path = std::getenv("HEAP_COUNTER");
  if (path == nullptr) return;
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(std::int64_t)) != 0) std::abort();
  void* page = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (page == MAP_FAILED) std::abort();
  auto* shared = static_cast<std::atomic<std::int64_t>*>(page);
  shared->store(before_main.load());  // no other thread runs yet
  live = shared;
}

}  // namespace

extern "C" {

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
  const auto had = static_cast<std::int64_t>(old == nullptr ? 0 : ::malloc_usable_size(old));
  void* now = __libc_realloc(old, size);
  if (now != nullptr || size == 0) live->fetch_sub(had);
  return counted(now);
}

void free(void* block) {
  if (block != nullptr) subtract(block);
  __libc_free(block);
}

}  // extern "C"
