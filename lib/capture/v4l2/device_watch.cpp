#include "capture/v4l2/device_watch.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/fd.hpp"

namespace campipe::capture::v4l2 {

namespace {

constexpr std::int64_t kSettleNs = 200'000'000;  // udev sets mode and links within some ms of the node's appearance

/// The folder of the path, or the nearest above it that there is: /dev/v4l/by-id goes with its last camera.
std::filesystem::path existing_folder(const std::string& path) {
  std::error_code ignored;
  std::filesystem::path folder = std::filesystem::absolute(path, ignored).parent_path();
  while (!std::filesystem::is_directory(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

/// Reads what happened; answers whether it can concern `name` (empty: anything does).
bool concerns(int notify, const std::string& name) {
  alignas(inotify_event) std::array<char, 4096> events;
  bool found = false;
  for (ssize_t got = 0; (got = ::read(notify, events.data(), events.size())) > 0;) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      const auto* event = reinterpret_cast<const inotify_event*>(events.data() + at);
      found |= name.empty() || (event->len > 0 && name == event->name);
      at += sizeof(inotify_event) + event->len;
    }
  }
  return found;
}

}  // namespace

Wake wait_for_device(const std::string& path, const Host& host, std::int64_t deadline_ns) {
  const std::filesystem::path folder = existing_folder(path);
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(path, ignored);
  // Where the folder itself is missing, anything new above it may bring it.
  const std::string name = folder == whole.parent_path() ? whole.filename().string() : std::string();
  const Fd notify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  // Without inotify (its limit per user is reached) the deadline alone paces the tries.
  if (!notify || ::inotify_add_watch(notify.get(), folder.c_str(), IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0) {
    return wait(host, -1, 0, deadline_ns);
  }
  for (;;) {
    if (const Wake wake = wait(host, notify.get(), POLLIN, deadline_ns); wake != Wake::ready) return wake;
    if (!concerns(notify.get(), name)) continue;
    const Wake settled = wait(host, -1, 0, std::min(deadline_ns, monotonic_ns() + kSettleNs));
    return settled == Wake::stopped ? Wake::stopped : Wake::ready;
  }
}

}  // namespace campipe::capture::v4l2
