#pragma once
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace campipe::wire::test {

/// Rings of this test program in a folder of their own, which goes with it.
class RingFolder {
public:
  RingFolder() {
    std::string path = "/dev/shm/campipe-unit-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
    ::setenv("CAMPIPE_RING_DIR", path_.c_str(), 1);
  }
  ~RingFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }

private:
  std::string path_;
};
inline const RingFolder ring_folder;

/// Where in which file an address of ours lies, if it is in shared memory.
struct MappedAt {
  std::string file;
  std::uint64_t offset = 0;
  bool writable = false;
};
inline std::optional<MappedAt> mapped_at(const void* address) {
  const auto wanted = reinterpret_cast<std::uint64_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0, end = 0, offset = 0;
    std::array<char, 5> rights{};
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx %4s %llx %*s %*s %n", &begin, &end, rights.data(), &offset, &path_at) < 4)
      continue;
    if (wanted < begin || wanted >= end) continue;
    return MappedAt{line.substr(static_cast<std::size_t>(path_at)), offset + (wanted - begin), rights[1] == 'w'};
  }
  return std::nullopt;
}

}  // namespace campipe::wire::test
