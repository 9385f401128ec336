#include "base/faults.hpp"

#include <exception>
#include <mutex>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace campipe::faults {

namespace {

constexpr std::int64_t kTellAgainNs = 60'000'000'000;

struct Kind {
  std::uint64_t count = 0, told = 0;
  std::int64_t told_ns = 0;
};

std::mutex mutex;
std::map<std::string, Kind, std::less<>>& kinds() {
  static std::map<std::string, Kind, std::less<>> all;
  return all;
}

std::string reason() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

/// How many have not been logged, this one included; 0 while the last line is young.
std::uint64_t count(std::string_view kind) {
  const std::lock_guard lock(mutex);
  auto found = kinds().find(kind);
  if (found == kinds().end()) found = kinds().emplace(kind, Kind{}).first;
  Kind& one = found->second;
  ++one.count;
  const std::int64_t now_ns = monotonic_ns();
  if (one.told > 0 && now_ns - one.told_ns < kTellAgainNs) return 0;
  const std::uint64_t untold = one.count - one.told;
  one.told = one.count;
  one.told_ns = now_ns;
  return untold;
}

}  // namespace

void note(std::string_view kind) noexcept {
  try {
    const std::uint64_t untold = count(kind);
    if (untold == 0) return;
    const std::string others = untold > 1 ? fmt::format(" ({} faults since the last line)", untold) : "";
    log::error("{}: fault: {}{}", kind, reason(), others);
  } catch (...) {  // no memory for the line either: the caller still ends what threw
  }
}

std::map<std::string, std::uint64_t> counts() {
  const std::lock_guard lock(mutex);
  std::map<std::string, std::uint64_t> out;
  for (const auto& [kind, one] : kinds()) out.emplace(kind, one.count);
  return out;
}

}  // namespace campipe::faults
