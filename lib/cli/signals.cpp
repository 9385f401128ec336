#include "cli/signals.hpp"

#include <array>
#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::cli {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old{};
    // nohup(1) and shells' background jobs ignore a signal on purpose; that stays.
    if (::sigaction(signal, nullptr, &old) == 0 && old.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  sigaddset(&set, SIGTERM);
  return set;
}

Fd make_eventfd() {
  Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) throw_errno(errno, "cannot make an event descriptor");
  return fd;
}

void raise_event(int fd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(fd, &one, sizeof one);  // cannot fail before 2^64 - 1 calls
}

}  // namespace

StopSignal::StopSignal(std::chrono::milliseconds grace) : event_(make_eventfd()), quit_(make_eventfd()), grace_(grace) {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { wait_for_signals(); });
}

StopSignal::~StopSignal() {
  raise_event(quit_.get());
  thread_.join();
}

void StopSignal::request() noexcept {
  stopped_.store(true, std::memory_order_release);
  raise_event(event_.get());
}

/// Without a descriptor to be had: the signals are taken as they come, and looked for whether we are to quit, each
/// second.
void StopSignal::wait_without_descriptor(const sigset_t& set) {
  log::warning("no descriptor is left for signals: a stop may take a second");
  constexpr timespec kSecond{1, 0};
  std::int64_t left_ms = -1;  // of the grace, once a stop was asked for
  for (;;) {
    const int signal = ::sigtimedwait(&set, nullptr, &kSecond);
    pollfd quit{quit_.get(), POLLIN, 0};
    if (::poll(&quit, 1, 0) > 0) return;
    if (signal > 0 && left_ms >= 0) ::_exit(1);
    if (signal > 0) {
      left_ms = grace_.count();
      request();
    } else if (left_ms >= 0 && (left_ms -= 1000) <= 0) {
      ::_exit(0);
    }
  }
}

void StopSignal::wait_for_signals() {
  const sigset_t set = stop_signals();
  const Fd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!signals) return wait_without_descriptor(set);
  bool asked = false;
  for (;;) {
    std::array<pollfd, 2> wait{pollfd{signals.get(), POLLIN, 0}, pollfd{quit_.get(), POLLIN, 0}};
    const int ready = ::poll(wait.data(), wait.size(), asked ? static_cast<int>(grace_.count()) : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (wait[1].revents != 0) return;
    if (ready == 0) {  // the orderly end did not come: whoever holds us up loses what it has not taken
      log::status("");
      log::warning("stopping took over {} ms: ended without writing the rest", grace_.count());
      ::_exit(0);
    }
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof info) != sizeof info) continue;
    if (asked) ::_exit(1);
    asked = true;
    request();
  }
}

}  // namespace campipe::cli
