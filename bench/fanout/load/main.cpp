// Many clients of one server in one thread: HTTP MJPEG, RTSP over TCP or UDP; good ones, slow ones and ones that never
// read. Prints one JSON object (report.cpp): frames, what was lost, the time between complete frames, their age, how
// long joining took, and what the server used meanwhile.
//
// Age: from the stamp that fanout_source writes into a frame to its last byte here; without a stamp from X-Timestamp or
// the sender reports. Server and clients must share a clock, so both run on one machine.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

#include <netdb.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.hpp"
#include "load/mjpeg_client.hpp"
#include "load/report.hpp"
#include "load/rtsp_client.hpp"

namespace {

using namespace fanout;
using campipe::monotonic_ns;

constexpr std::size_t kScratchBytes = 512 * 1024;
constexpr std::int64_t kSlowTickNs = 20'000'000;
constexpr std::int64_t kTickNs = 1'000'000'000;
constexpr double kNs = 1e9;

std::int64_t ns(double seconds) {
  return static_cast<std::int64_t>(seconds * kNs);
}

void allow_many_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

addrinfo* resolve(const Options& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* address = nullptr;
  if (::getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &address) != 0)
    fail("unknown host " + options.host);
  return address;
}

class Load {
public:
  explicit Load(const Options& options)
      : options_(options),
        scratch_(kScratchBytes),
        shared_{options, resolve(options), ::epoll_create1(EPOLL_CLOEXEC), scratch_} {
    for (int i = 0; i < options.good + options.stalled + options.slow; ++i) add(i);
    if (options.slow > 0) next_slow_ = 0;
  }

  void run() {
    const std::int64_t began = monotonic_ns();
    const std::int64_t count_from = began + ns(std::max(options_.warm_up_s, options_.join_s));
    const std::int64_t end = count_from + ns(options_.seconds);
    Use before;
    for (std::int64_t now = began; now < end; now = monotonic_ns()) {
      if (!good_.counting && now >= count_from) {
        before = use();
        begin_count();
      }
      join_due(now - began);
      due(now);
      wait(now, std::min({good_.counting ? end : count_from, next_join(began), next_slow_}));
    }
    const double window_s = static_cast<double>(monotonic_ns() - counted_from_) / kNs;
    std::puts(report(options_, clients_, good_, slow_, window_s, before, use()).c_str());
  }

  /// Whether anybody was served.
  bool any_played() const {
    return std::ranges::any_of(clients_, [](const auto& client) { return client->playing(); });
  }
  const std::string& first_reason() const { return clients_.front()->reason(); }

private:
  void add(int number) {
    const Role role = number < options_.good                      ? Role::good
                      : number < options_.good + options_.stalled ? Role::stalled
                                                                  : Role::slow;
    Totals& totals = role == Role::good ? good_ : role == Role::slow ? slow_ : stalled_;
    if (options_.protocol == Protocol::mjpeg) {
      clients_.push_back(std::make_unique<MjpegClient>(shared_, totals, role, number));
    } else {
      clients_.push_back(std::make_unique<RtspClient>(shared_, totals, role, number));
    }
  }

  std::int64_t join_at(std::size_t number) const {
    return ns(options_.join_s * static_cast<double>(number) / static_cast<double>(clients_.size()));
  }
  std::int64_t next_join(std::int64_t began) const {
    return joined_ < clients_.size() ? began + join_at(joined_) : INT64_MAX;
  }
  void join_due(std::int64_t since_ns) {
    while (joined_ < clients_.size() && join_at(joined_) <= since_ns) clients_[joined_++]->connect();
  }

  void begin_count() {
    counted_from_ = monotonic_ns();
    for (Totals* totals : {&good_, &slow_, &stalled_}) totals->counting = true;
    for (auto& client : clients_) client->meter().begin_count();
  }

  Use use() const { return {ProcessUse::of(options_.pids), ProcessUse::of_self(), udp_receive_drops()}; }

  void due(std::int64_t now) {
    if (options_.slow > 0 && now >= next_slow_) {
      next_slow_ = now + kSlowTickNs;
      const auto bytes = static_cast<std::size_t>(options_.slow_bytes_per_s * static_cast<double>(kSlowTickNs) / kNs);
      for (auto& client : clients_) {
        if (client->role() == Role::slow && client->playing()) client->read_at_most(bytes);
      }
    }
    if (now < next_tick_) return;
    next_tick_ = now + kTickNs;
    for (auto& client : clients_) client->tick(now);
  }

  void wait(std::int64_t now, std::int64_t until) {
    int timeout_ms = std::max(0, static_cast<int>((until - now + 999'999) / 1'000'000));
    if (options_.tick_ms > 0) {
      const auto tick_ns = static_cast<std::int64_t>(options_.tick_ms * 1e6);
      const std::int64_t at = (now / tick_ns + 1) * tick_ns;
      const timespec then{at / 1'000'000'000, at % 1'000'000'000};
      ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, nullptr);
      timeout_ms = 0;
    }
    epoll_event events[512];
    const int ready = ::epoll_wait(shared_.poll, events, 512, std::min(timeout_ms, 1000));
    for (int i = 0; i < ready; ++i) {
      const auto& source = *static_cast<Source*>(events[i].data.ptr);
      source.client->on_events(source.which, events[i].events);
    }
  }

  const Options& options_;
  std::vector<std::byte> scratch_;
  Shared shared_;
  Totals good_, slow_, stalled_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t joined_ = 0;
  std::int64_t counted_from_ = 0, next_slow_ = INT64_MAX, next_tick_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  allow_many_descriptors();
  Load load(options);
  load.run();
  if (!load.any_played()) fail(load.first_reason().empty() ? "the server did not answer" : load.first_reason());
}
