// One sender, some receivers, each in a process of its own: how long from a picture's handing out until a receiver has
// it in its hands, and what CPU time both spend on it. Prints one JSON object; bench/ring.py runs this for all ways and
// makes the table.
//
//   ring_bench ring|ring-copied-in|ring-copied-out|pipe|pipe-nut|locked-slot|gstreamer
//              [-n RECEIVERS] [-r FPS] [-c PICTURES] [-s SLOTS] [-g WxH] [-w WARM-UP PICTURES] [-b (read every byte)]
//   ring_bench --has-gstreamer       exit code 0 when it was built with it
//
// A picture is lost when a receiver gets a later one and not it. CPU time is the whole process's, user and system, over
// the pictures after the warm-up.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string_view>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "transport.hpp"

namespace campipe::bench {
namespace {

struct Options {
  std::string way;
  Transport::Options transport;
  double fps = 60;
  std::uint64_t pictures = 600, warm_up = 60;
  bool read_all = false;
};

/// What one receiver tells, in memory that all processes share; its latencies follow.
struct Result {
  std::uint64_t got, lost, copied;
  double cpu_us;  ///< a picture
  bool failed;
};

struct Shared {
  std::atomic<bool> sender_there{false};
  std::atomic<unsigned> receivers_there{0};
};

void* shared_bytes(std::size_t bytes) {
  void* const place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) {
    std::perror("ring_bench: mmap");
    std::exit(71);
  }
  return place;
}

double cpu_us() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

std::unique_ptr<Transport> make(const Options& options) {
  const auto& way = options.way;
  if (way == "ring" || way == "ring-copied-in" || way == "ring-copied-out") return make_ring(way, options.transport);
  if (way == "pipe" || way == "pipe-nut") return make_pipe(way == "pipe-nut", options.transport);
  if (way == "locked-slot") return make_locked_slot(options.transport);
  if (way == "gstreamer") return make_gstreamer(options.transport);
  return nullptr;
}

std::uint64_t sum_of(std::span<const std::byte> picture) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 8 <= picture.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, picture.data() + i, 8);
    sum += word;
  }
  return sum;
}

void receive(const Options& options, Transport& transport, unsigned index, Shared& shared, Result& result,
             float* latencies_us) {
  while (!shared.sender_there) ::usleep(1000);
  const auto receiver = transport.receiver(index);
  shared.receivers_there.fetch_add(1);
  std::uint64_t next = 0, sum = 0;
  double cpu_before = 0;
  for (;;) {
    const auto picture = receiver->receive();
    const std::int64_t now = monotonic_ns();
    if (!picture) {
      result.failed = true;
      break;
    }
    const Stamp stamp = stamp_of(*picture);
    if (options.read_all) sum += sum_of(*picture);
    if (stamp.last != 0) break;
    if (stamp.number < options.warm_up) continue;  // a ring's or a slot's first picture has the number 0
    if (next == 0) {
      cpu_before = cpu_us();
      next = options.warm_up;
    }
    result.lost += stamp.number - next;
    next = stamp.number + 1;
    latencies_us[result.got++] = static_cast<float>(now - stamp.sent_ns) / 1000;
  }
  const std::uint64_t end = options.warm_up + options.pictures;
  if (!result.failed) result.lost += next == 0 ? options.pictures : end - next;
  result.cpu_us = result.got > 0 ? (cpu_us() - cpu_before) / static_cast<double>(result.got) : 0;
  result.copied = receiver->counts().copied;
  volatile std::uint64_t keep = sum;
  static_cast<void>(keep);
}

struct Sent {
  double cpu_us = 0, seconds = 0;
  Counts counts;
};

Sent send(const Options& options, Sender& sender) {
  std::int64_t due = monotonic_ns(), began = 0;
  double cpu_before = 0;
  const std::uint64_t end = options.warm_up + options.pictures;
  for (std::uint64_t n = 0; n < end; ++n) {
    due += static_cast<std::int64_t>(1e9 / options.fps);
    const timespec at{due / 1'000'000'000, due % 1'000'000'000};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
    }
    if (n == options.warm_up) {
      cpu_before = cpu_us();
      began = monotonic_ns();
    }
    sender.send({.number = n});
  }
  Sent sent;
  const auto pictures = static_cast<double>(options.pictures);
  sent.cpu_us = (cpu_us() - cpu_before) / pictures;
  sent.seconds = static_cast<double>(monotonic_ns() - began) / 1e9;
  sent.counts = sender.counts();
  ::usleep(100'000);
  sender.send({.number = end, .last = 1});
  return sent;
}

double percentile(const std::vector<float>& sorted, double percent) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(percent / 100 * static_cast<double>(sorted.size() - 1) + 0.5);
  return static_cast<double>(sorted[at]);
}

int run(const Options& options) {
  const unsigned receivers = options.transport.receivers;
  auto transport = make(options);
  if (!transport) {
    std::fprintf(stderr, "ring_bench: %s is unknown, or was not built in\n", options.way.c_str());
    return 64;
  }
  auto& shared = *new (shared_bytes(sizeof(Shared))) Shared;
  auto* const results = static_cast<Result*>(shared_bytes(receivers * sizeof(Result)));
  auto* const latencies = static_cast<float*>(shared_bytes(receivers * options.pictures * sizeof(float)));
  for (unsigned i = 0; i < receivers; ++i) {
    if (::fork() != 0) continue;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      receive(options, *transport, i, shared, results[i], latencies + i * options.pictures);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "ring_bench: receiver: %s\n", error.what());
      results[i].failed = true;
      shared.receivers_there.fetch_add(1);
    }
    ::_exit(0);
  }
  auto sender = transport->sender();
  shared.sender_there = true;
  while (shared.receivers_there < receivers) ::usleep(1000);
  ::usleep(100'000);
  const Sent sent = send(options, *sender);
  while (::wait(nullptr) > 0) {
  }

  Result all{};
  std::vector<float> sorted;
  for (unsigned i = 0; i < receivers; ++i) {
    all.got += results[i].got;
    all.lost += results[i].lost;
    all.copied += results[i].copied;
    all.cpu_us += results[i].cpu_us / receivers;
    all.failed = all.failed || results[i].failed;
    sorted.insert(sorted.end(), latencies + i * options.pictures, latencies + i * options.pictures + results[i].got);
  }
  std::sort(sorted.begin(), sorted.end());
  std::printf(
      "{\"way\": \"%s\", \"receivers\": %u, \"fps\": %g, \"pictures\": %llu, \"got\": %llu, \"lost\": %llu, "
      "\"dropped\": %llu, \"in_place\": %llu, \"copied\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
      "\"max_us\": %.1f, \"sender_cpu_us\": %.1f, \"receiver_cpu_us\": %.1f, \"seconds\": %.2f, \"failed\": %s}\n",
      options.way.c_str(), receivers, options.fps, static_cast<unsigned long long>(options.pictures),
      static_cast<unsigned long long>(all.got), static_cast<unsigned long long>(all.lost),
      static_cast<unsigned long long>(sent.counts.dropped), static_cast<unsigned long long>(sent.counts.in_place),
      static_cast<unsigned long long>(all.copied), percentile(sorted, 50), percentile(sorted, 99),
      percentile(sorted, 99.9), percentile(sorted, 100), sent.cpu_us, all.cpu_us, sent.seconds,
      all.failed ? "true" : "false");
  return all.failed ? 1 : 0;
}

int main(int argc, char** argv) {
  Options options;
  if (argc < 2) {
    std::fprintf(stderr, "ring_bench: which way? see the head of bench/ring/main.cpp\n");
    return 64;
  }
  options.way = argv[1];
  if (options.way == "--has-gstreamer") return make_gstreamer(options.transport) ? 0 : 1;
  for (int c = 0; (c = ::getopt(argc - 1, argv + 1, "n:r:c:s:g:w:b")) != -1;) {
    switch (c) {
      case 'n':
        options.transport.receivers = static_cast<unsigned>(std::atoi(optarg));
        break;
      case 'r':
        options.fps = std::atof(optarg);
        break;
      case 'c':
        options.pictures = static_cast<std::uint64_t>(std::atoll(optarg));
        break;
      case 's':
        options.transport.slots = static_cast<std::uint32_t>(std::atoi(optarg));
        break;
      case 'w':
        options.warm_up = static_cast<std::uint64_t>(std::atoll(optarg));
        break;
      case 'b':
        options.read_all = true;
        break;
      case 'g':
        if (std::sscanf(optarg, "%ux%u", &options.transport.picture.width_px, &options.transport.picture.height_px) !=
            2)
          return 64;
        break;
      default:
        return 64;
    }
  }
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ring_bench: %s\n", error.what());
    return 69;
  }
}

}  // namespace
}  // namespace campipe::bench

int main(int argc, char** argv) {
  return campipe::bench::main(argc, argv);
}
