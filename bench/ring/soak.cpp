// Small pictures through a raw ring, and small units through a coded one, as fast as they go: does memory grow, is a
// descriptor or a lock left behind? Prints a line of JSON each tenth of the way.
//
//   ring_soak [-c PICTURES (10,000,000)] [-b BYTES (4096)]
//
// Three readers, each in a process of its own: one leases, one copies, one comes and goes every 1,000 pictures. They
// are told of what they miss: nobody waits for them. Locks are those of /proc/locks on the rings' objects.
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "ring/read/reader.hpp"
#include "ring/write/writer.hpp"

namespace campipe::bench {
namespace {

using ring::layout::Codec;

constexpr unsigned kReaders = 3;
constexpr unsigned kSamples = 10;

struct Shared {
  std::atomic<bool> over{false};
  std::array<std::atomic<std::uint64_t>, kReaders> got{};
};

void read(const std::string& name, unsigned index, Shared& shared) {
  constexpr std::uint64_t kStay = 1000;
  while (!shared.over) {
    ring::read::Reader reader({.name = name, .leases = index == 1 ? 0U : 1U});
    for (std::uint64_t n = 0; !shared.over && (index != 2 || n < kStay); ++n) {
      if (reader.next(200) == ring::read::Event::unit) shared.got[index].fetch_add(1, std::memory_order_relaxed);
    }
  }
}

std::size_t resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  // Anonymous memory: the ring itself is shared, and there from the beginning.
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib;
  }
  return 0;
}

std::size_t descriptors(pid_t pid) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    ++count;
  }
  return count;
}

std::size_t locks_on(const std::string& name) {
  std::vector<std::string> inodes;
  for (const auto* end : {"", ".ctl"}) {
    struct stat about{};
    const std::string path = "/dev/shm/campipe." + name + end;
    if (::stat(path.c_str(), &about) == 0) inodes.push_back(":" + std::to_string(about.st_ino) + " ");
  }
  std::size_t count = 0;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    for (const auto& inode : inodes) count += line.find(inode) != std::string::npos ? 1 : 0;
  }
  return count;
}

void print(const char* kind, std::uint64_t published, double seconds, const std::string& name,
           const std::array<pid_t, kReaders>& readers, const Shared& shared, const ring::write::Writer& writer) {
  std::string kib = std::to_string(resident_kib(::getpid())), open = std::to_string(descriptors(::getpid())), got;
  for (unsigned i = 0; i < kReaders; ++i) {
    kib += ", " + std::to_string(resident_kib(readers[i]));
    open += ", " + std::to_string(descriptors(readers[i]));
    got += (i > 0 ? ", " : "") + std::to_string(shared.got[i].load());
  }
  std::printf(
      "{\"kind\": \"%s\", \"published\": %llu, \"dropped\": %llu, \"seconds\": %.1f, \"got\": [%s], \"rss_kib\": [%s], "
      "\"fds\": [%s], \"locks\": %zu}\n",
      kind, static_cast<unsigned long long>(published), static_cast<unsigned long long>(writer.stats().dropped),
      seconds, got.c_str(), kib.c_str(), open.c_str(), locks_on(name));
  std::fflush(stdout);
}

void soak(bool raw, std::uint64_t pictures, std::size_t bytes) {
  const std::string name = "soak" + std::to_string(::getpid()) + (raw ? ".raw" : ".h264");
  void* const place = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto& shared = *new (place) Shared;
  std::array<pid_t, kReaders> readers{};
  for (unsigned i = 0; i < kReaders; ++i) {
    readers[i] = ::fork();
    if (readers[i] != 0) continue;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      read(name, i, shared);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "ring_soak: reader: %s\n", error.what());
      ::_exit(69);
    }
    ::_exit(0);
  }
  {
    ring::write::Writer writer({.name = name});
    writer.set_format({.codec = raw ? Codec::raw : Codec::h264,
                       .pixel_format = raw ? "gray" : "",
                       .width_px = 64,
                       .height_px = static_cast<std::uint32_t>(bytes / 64),
                       .rate_num = 60});
    std::vector<std::byte> own(bytes, std::byte{7});
    const std::int64_t began = monotonic_ns();
    for (std::uint64_t n = 0; n < pictures; ++n) {
      const auto room = raw && n % 2 == 0 ? writer.room(bytes) : std::nullopt;
      const std::uint32_t flags = raw || n % 60 == 0 ? ring::layout::kKeyframe : 0;
      writer.publish({.pts_us = static_cast<std::int64_t>(n), .flags = flags}, room ? room->bytes : std::span(own));
      if ((n + 1) % (pictures / kSamples) == 0) {
        const double seconds = static_cast<double>(monotonic_ns() - began) / 1e9;
        print(raw ? "raw" : "coded", n + 1, seconds, name, readers, shared, writer);
      }
    }
    shared.over = true;
    for (const pid_t pid : readers) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      if (status != 0) std::fprintf(stderr, "ring_soak: a reader ended with %d\n", status);
    }
  }
  ::munmap(place, sizeof(Shared));
}

}  // namespace
}  // namespace campipe::bench

int main(int argc, char** argv) {
  std::uint64_t pictures = 10'000'000;
  std::size_t bytes = 4096;
  for (int c = 0; (c = ::getopt(argc, argv, "c:b:")) != -1;) {
    if (c == 'c') {
      pictures = static_cast<std::uint64_t>(std::atoll(optarg));
    } else if (c == 'b') {
      bytes = static_cast<std::size_t>(std::atoll(optarg));
    } else {
      return 64;
    }
  }
  try {
    campipe::bench::soak(true, pictures, bytes);
    campipe::bench::soak(false, pictures, bytes);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ring_soak: %s\n", error.what());
    return 69;
  }
}
