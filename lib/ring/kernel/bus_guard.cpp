#include "ring/kernel/bus_guard.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <mutex>

#include <sys/mman.h>

#include "base/error.hpp"

namespace campipe::ring::kernel {

namespace {

/// Read by the signal handler: `begin` is stored last and cleared first, so that what belongs to it is there.
struct Guarded {
  std::atomic<std::uintptr_t> begin;  // 0 = free
  std::atomic<std::size_t> bytes;
  std::atomic<std::atomic<bool>*> damaged;
  std::atomic<bool> taken;
};

std::array<Guarded, 256> guarded;
struct sigaction before;

bool put_zeros(std::uintptr_t address) noexcept {
  for (Guarded& one : guarded) {
    const std::uintptr_t begin = one.begin.load(std::memory_order_acquire);
    const std::size_t bytes = one.bytes.load(std::memory_order_relaxed);
    if (begin == 0 || address < begin || address - begin >= bytes) continue;
    void* const place = reinterpret_cast<void*>(begin);  // NOLINT(performance-no-int-to-ptr)
    if (::mmap(place, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
      return false;
    }
    one.damaged.load(std::memory_order_relaxed)->store(true, std::memory_order_release);
    return true;
  }
  return false;
}

void on_bus_error(int number, siginfo_t* about, void* context) {
  if (about->si_code > 0 && put_zeros(reinterpret_cast<std::uintptr_t>(about->si_addr))) return;
  if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) {
    before.sa_sigaction(number, about, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
  } else {
    ::signal(number, SIG_DFL);  // the access is tried again, and ends us as it would have
    if (about->si_code <= 0) ::raise(number);
  }
}

void install() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &before);
  });
}

}  // namespace

BusGuard::BusGuard(std::byte* begin, std::size_t bytes, std::atomic<bool>& damaged) {
  install();
  for (place_ = 0; place_ < guarded.size(); ++place_) {
    Guarded& one = guarded[place_];
    bool expected = false;
    if (!one.taken.compare_exchange_strong(expected, true, std::memory_order_acquire)) continue;
    one.bytes.store(bytes, std::memory_order_relaxed);
    one.damaged.store(&damaged, std::memory_order_relaxed);
    one.begin.store(reinterpret_cast<std::uintptr_t>(begin), std::memory_order_release);
    return;
  }
  throw Error(ExitCode::os_error, "too many rings are open in this process");
}

BusGuard::~BusGuard() {
  Guarded& one = guarded[place_];
  one.begin.store(0, std::memory_order_relaxed);
  one.taken.store(false, std::memory_order_release);
}

}  // namespace campipe::ring::kernel
