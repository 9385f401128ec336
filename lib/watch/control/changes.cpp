#include "watch/control/changes.hpp"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::watch::control {

namespace {

using nlohmann::ordered_json;

constexpr std::array<std::pair<const char*, const char*>, 6> kChains{{{"added", "started"},
                                                                      {"removed", "ended"},
                                                                      {"restarted", "restarted"},
                                                                      {"adjusted", "changed without a restart"},
                                                                      {"still_stopped", "changed and still stopped"},
                                                                      {"unchanged", "unchanged"}}};
constexpr std::array<std::pair<const char*, const char*>, 3> kSettings{
    {{"hooks", "hooks: changed"},
     {"log", "log: changed"},
     {"control", "control.socket: the new one needs a new start of camwatch"}}};

}  // namespace

std::string to_json(const config::Difference& what, const std::string& file) {
  const ordered_json out{{"ok", true},
                         {"config", file},
                         {"added", what.added},
                         {"removed", what.removed},
                         {"restarted", what.restarted},
                         {"adjusted", what.adjusted},
                         {"still_stopped", what.still_stopped},
                         {"unchanged", what.unchanged},
                         {"hooks", what.hooks},
                         {"log", what.log},
                         {"control", what.control}};
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string list_of_changes(const std::string& json) try {
  const auto answer = ordered_json::parse(json);
  std::string out = fmt::format("{}: reloaded\n", campipe::log::printable(answer.at("config").get<std::string>()));
  for (const auto& [key, how] : kChains) {
    const auto names = answer.at(key).get<std::vector<std::string>>();
    if (!names.empty())
      out += fmt::format("  {}: {}\n", how, campipe::log::printable(fmt::format("{}", fmt::join(names, ", "))));
  }
  for (const auto& [key, what] : kSettings) {
    if (answer.at(key).get<bool>()) out += fmt::format("  {}\n", what);
  }
  return out;
} catch (const ordered_json::exception& error) {
  throw Error(ExitCode::protocol, fmt::format("camwatch answered something else: {}", error.what()));
}

std::string one_line(const config::Difference& what) {
  std::vector<std::string> parts;
  const auto add = [&](const std::vector<std::string>& names, const char* how) {
    if (!names.empty()) parts.push_back(fmt::format("{} {}", fmt::join(names, ", "), how));
  };
  add(what.added, "started");
  add(what.removed, "ended");
  add(what.restarted, "restarted");
  add(what.adjusted, "changed without a restart");
  add(what.still_stopped, "changed and still stopped");
  if (what.hooks) parts.emplace_back("hooks changed");
  if (what.log) parts.emplace_back("log changed");
  if (what.control) parts.emplace_back("the new control socket needs a new start of camwatch");
  return what.empty() ? "nothing has changed" : fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace campipe::watch::control
