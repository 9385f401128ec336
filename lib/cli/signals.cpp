#include "cli/signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "base/clock.hpp"
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

bool has_terminal() {
  return static_cast<bool>(Fd(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)));
}

StopSignal::StopSignal(std::chrono::milliseconds grace, std::chrono::milliseconds insist,
                       std::function<void()> on_hangup)
    : event_(make_eventfd()), quit_(make_eventfd()), grace_(grace), insist_(insist), on_hangup_(std::move(on_hangup)) {
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

/// The first signal asks. A terminal that is closed sends several at once (the kernel to its foreground jobs, the shell
/// to all of its jobs), so does timeout(1), and Ctrl-C reaches a script and its children, which it then ends, too: that
/// is one wish, not somebody who will not wait.
void StopSignal::take(int signal) {
  if (signal == SIGHUP && on_hangup_) return on_hangup_();
  const std::int64_t now_ns = monotonic_ns();
  if (!asked_ns_) {
    asked_ns_ = now_ns;
    request();
  } else if (signal != SIGHUP && std::chrono::nanoseconds(now_ns - *asked_ns_) >= insist_) {
    ::_exit(1);
  }
}

/// Of the grace; -1 before anything was asked.
int StopSignal::left_ms() const {
  if (!asked_ns_) return -1;
  const auto passed = std::chrono::nanoseconds(monotonic_ns() - *asked_ns_);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(grace_ - passed);
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

/// The orderly end did not come: whoever holds us up loses what it has not taken.
void StopSignal::give_up() const {
  log::status("");
  log::warning("stopping took over {} ms: ended without writing the rest", grace_.count());
  ::_exit(0);
}

/// Without a descriptor to be had: the signals are taken as they come, and looked for whether we are to quit, each
/// second.
void StopSignal::wait_without_descriptor(const sigset_t& set) {
  log::warning("no descriptor is left for signals: a stop may take a second");
  constexpr timespec kSecond{1, 0};
  for (;;) {
    const int signal = ::sigtimedwait(&set, nullptr, &kSecond);
    pollfd quit{quit_.get(), POLLIN, 0};
    if (::poll(&quit, 1, 0) > 0) return;
    if (signal > 0) take(signal);
    if (left_ms() == 0) give_up();
  }
}

void StopSignal::wait_for_signals() {
  const sigset_t set = stop_signals();
  const Fd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!signals) return wait_without_descriptor(set);
  for (;;) {
    std::array<pollfd, 2> wait{pollfd{signals.get(), POLLIN, 0}, pollfd{quit_.get(), POLLIN, 0}};
    const int ready = ::poll(wait.data(), wait.size(), left_ms());
    if (ready < 0 && errno == EINTR) continue;
    if (wait[1].revents != 0) return;
    if (ready == 0) give_up();
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof info) != sizeof info) continue;
    take(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace campipe::cli
