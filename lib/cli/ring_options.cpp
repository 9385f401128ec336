#include "cli/ring_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <grp.h>

#include "base/error.hpp"

namespace campipe::cli {

namespace {

constexpr std::int64_t kLeastArenaBytes = 1 << 20;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ExitCode::usage, what);
}

mode_t parse_mode(const std::string& text) {
  constexpr mode_t kOwner = 0600, kAllowed = 0666;
  mode_t mode = 0;
  const auto end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, mode, 8);
  if (text.empty() || error != std::errc{} || last != end || (mode & ~kAllowed) != 0) {
    refuse(fmt::format("--ring-mode: cannot use '{}': read and write bits in octal, as 0660 or 0644", text));
  }
  if ((mode & kOwner) != kOwner)
    refuse(fmt::format("--ring-mode: {}: the owner must read and write it, as 0600", text));
  return mode;
}

gid_t parse_group(const std::string& text) {
  constexpr std::int64_t kMostGid = 0xffff'fffe;
  if (const auto number = parse_integer(text, 0, kMostGid)) return static_cast<gid_t>(*number);
  constexpr std::size_t kRoom = 64 << 10;
  std::vector<char> room(kRoom);
  group found{};
  group* result = nullptr;
  if (::getgrnam_r(text.c_str(), &found, room.data(), room.size(), &result) != 0 || result == nullptr) {
    refuse(fmt::format("--ring-group: there is no group '{}' on this machine", text));
  }
  return found.gr_gid;
}

}  // namespace

void RingOptions::add_to(App& app) {
  app.group("Rings");
  app->add_option("--ring-mode", mode_, "Who may use a ring written to, octal (default 0660)")->type_name("MODE");
  app->add_option("--ring-group", group_, "Group of a ring written to (default that of the process)")
      ->type_name("GROUP");
  app.integer("--ring-slots", slots_, ring::layout::kMinSlots, ring::layout::kMaxSlots,
              "Pictures a ring of raw ones holds (default 8)");
  app.bytes("--ring-size", size_bytes_, "Room of a ring of coded video (default 16MiB, more where a GOP needs it)");
  app->add_flag("--on-demand", on_demand_, "Rest while no reader of the rings written to wants frames");
  app.duration("--linger", linger_, "With --on-demand: go on for DURATION after the last wish (default 5s)");
}

ring::write::Writer::Options RingOptions::settle(App& app, const std::vector<std::string>& outputs) const {
  const bool any = std::ranges::any_of(outputs, [](const std::string& text) { return text.starts_with("shm:"); });
  for (const char* option : {"--ring-mode", "--ring-group", "--ring-slots", "--ring-size", "--on-demand"}) {
    if (!any && app->get_option(option)->count() > 0)
      refuse(fmt::format("{}: no output is a ring: give -o shm:NAME", option));
  }
  if (!on_demand_ && app->get_option("--linger")->count() > 0) refuse("--linger: it goes with --on-demand");
  ring::write::Writer::Options options;
  options.mode = parse_mode(mode_);
  if (!group_.empty()) options.group = parse_group(group_);
  options.slots = static_cast<std::uint32_t>(slots_);
  if (app->get_option("--ring-size")->count() > 0) {
    if (size_bytes_ < kLeastArenaBytes || size_bytes_ > static_cast<std::int64_t>(ring::layout::kMaxArenaBytes))
      refuse("--ring-size: from 1MiB to 1GiB, as 64MiB");
    options.arena_bytes = static_cast<std::uint64_t>(size_bytes_);
  }
  return options;
}

}  // namespace campipe::cli
