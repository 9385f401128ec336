#pragma once
#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace fanout {

/// What processes, their threads and their children used until now. CPU time from schedstat, in which a loopback
/// interface's receiving counts for who sends.
struct ProcessUse {
  std::int64_t cpu_ns = 0;
  std::int64_t anonymous_kib = 0;
  std::uint64_t voluntary_switches = 0;
  int threads = 0, descriptors = 0;

  static ProcessUse of(const std::vector<pid_t>& pids);
  static ProcessUse of_self();
};

/// Datagrams that the kernel dropped because a receive buffer was full: all sockets of this network namespace.
std::uint64_t udp_receive_drops();

}  // namespace fanout
