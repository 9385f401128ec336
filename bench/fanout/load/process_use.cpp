#include "load/process_use.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

namespace fanout {

namespace {

namespace fs = std::filesystem;

/// The number behind `name` in a file of "Name:  number" lines, 0 when it has none.
std::int64_t status_number(const fs::path& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return std::stoll(line.substr(name.size()));
  }
  return 0;
}

void add_process(ProcessUse& use, pid_t pid) {
  std::error_code gone;
  const fs::path process = "/proc/" + std::to_string(pid);
  use.anonymous_kib += status_number(process / "status", "RssAnon:");
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(process / "fd", gone)) ++use.descriptors;
  for (const auto& thread : fs::directory_iterator(process / "task", gone)) {
    std::int64_t ran_ns = 0;
    std::ifstream(thread.path() / "schedstat") >> ran_ns;
    use.cpu_ns += ran_ns;
    use.voluntary_switches +=
        static_cast<std::uint64_t>(status_number(thread.path() / "status", "voluntary_ctxt_switches:"));
    ++use.threads;
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) add_process(use, child);
  }
}

}  // namespace

ProcessUse ProcessUse::of(const std::vector<pid_t>& pids) {
  ProcessUse use;
  for (const pid_t pid : pids) add_process(use, pid);
  return use;
}

ProcessUse ProcessUse::of_self() {
  ProcessUse use;
  add_process(use, ::getpid());
  return use;
}

std::uint64_t udp_receive_drops() {
  std::ifstream in("/proc/net/snmp");
  std::string names, values;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("Udp: ")) continue;
    (names.empty() ? names : values) = line;
  }
  std::istringstream name(names), value(values);
  for (std::string a, b; name >> a && value >> b;) {
    if (a == "RcvbufErrors") return std::stoull(b);
  }
  return 0;
}

}  // namespace fanout
