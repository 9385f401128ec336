#include "serve/input/ring_names.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <sys/stat.h>

#include "base/faults.hpp"
#include "ring/kernel/names.hpp"

namespace campipe::serve::input {

namespace {

/// Other programs use the folder too: many changes at once are looked at once.
constexpr std::int64_t kSettleMs = 20;
/// How often to look when the system has no inotify to give, or could not be asked.
constexpr std::int64_t kLookMs = 500;

}  // namespace

RingNames::RingNames(net::Loop& loop, std::vector<std::string> patterns, Events events)
    : patterns_(std::move(patterns)),
      tell_(std::move(events)),
      settle_(loop, [this] { faults::contain("rings", [this] { look(); }, [this] { look_again(); }); }) {
  if (names_.fd() >= 0) watch_.emplace(loop, names_.fd(), [this](int) { changed(); });
}

void RingNames::start() {
  if (watch_) {
    watch_->set(net::Watch::kRead);
    settle_.start(0);
  } else {
    settle_.start(0, kLookMs);
  }
}

void RingNames::changed() {
  names_.wait(-1, 0);
  settle_.start(kSettleMs);
}

/// Nobody knows what is there: what was known stays, and what has changed will not be told a second time.
void RingNames::look_again() {
  if (watch_) settle_.start(kLookMs);
}

std::optional<RingNames::Identity> RingNames::identity_of(const std::string& name) {
  struct stat about{};
  if (::stat(ring::kernel::object_path(name).c_str(), &about) != 0) return std::nullopt;
  return Identity{about.st_ino, about.st_ctim.tv_sec * 1'000'000'000 + about.st_ctim.tv_nsec};
}

void RingNames::look() {
  std::map<std::string, Identity> now;
  for (const std::string& name : ring::kernel::all_names()) {
    const auto matches = [&](const std::string& pattern) { return ring::kernel::matches(pattern, name); };
    if (std::ranges::none_of(patterns_, matches)) continue;
    if (const auto identity = identity_of(name)) now.emplace(name, *identity);
  }
  const auto before = std::exchange(there_, std::move(now));
  looked_ = true;
  for (const auto& [name, identity] : before) {
    if (!there_.contains(name)) faults::contain("input", [&] { tell_.on_gone(name); });
  }
  for (const auto& [name, identity] : there_) {
    const auto known = before.find(name);
    if (known == before.end() || known->second != identity) faults::contain("input", [&] { tell_.on_there(name); });
  }
}

std::vector<std::string> RingNames::unmatched() const {
  std::vector<std::string> none;
  if (!looked_) return none;
  std::ranges::copy_if(patterns_, std::back_inserter(none), [this](const std::string& pattern) {
    return std::ranges::none_of(there_, [&](const auto& ring) { return ring::kernel::matches(pattern, ring.first); });
  });
  return none;
}

}  // namespace campipe::serve::input
