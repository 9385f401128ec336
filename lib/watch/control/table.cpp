#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "watch/control/status.hpp"

/// The answer to `status` as it is shown.
namespace campipe::watch::control {

namespace {

using nlohmann::ordered_json;

/// What `act` makes of the answer, of whichever version the camwatch is that sent it.
template <class Act>
auto reading(const std::string& json, Act act) try {
  return act(ordered_json::parse(json));
} catch (const ordered_json::exception& error) {
  throw Error(ExitCode::protocol, fmt::format("camwatch answered something else: {}", error.what()));
}

std::string ago(const ordered_json& seconds) {
  if (!seconds.is_number()) return "-";
  const double value = seconds.get<double>();
  if (value < 0.95) return fmt::format("{:.0f}ms", value * 1000);
  if (value < 60) return fmt::format("{:.1f}s", value);
  if (value < 3600) return fmt::format("{:.0f}m", value / 60);
  return fmt::format("{:.0f}h", value / 3600);
}

std::string text_of(const ordered_json& value) {
  return value.is_string() ? campipe::log::printable(value.get<std::string>()) : "";
}

std::string rate_of(const ordered_json& value) {
  return value.is_number() ? fmt::format("{:.1f}", value.get<double>()) : "-";
}

std::string join(std::initializer_list<std::string> parts, const char* between) {
  std::vector<std::string> present;
  std::ranges::copy_if(parts, std::back_inserter(present), [](const std::string& part) { return !part.empty(); });
  return fmt::format("{}", fmt::join(present, between));
}

/// Why it is as it is: of its source while that is missing, else how its last process ended.
std::string note_of(const ordered_json& stage) {
  const std::string reason = text_of(stage.at("reason"));
  if (stage.at("lost").get<bool>()) return join({"for " + ago(stage.at("lost_for_s")), reason}, ": ");
  if (!reason.empty()) return reason;
  const std::string exit = join({text_of(stage.at("last_exit")), text_of(stage.at("last_words"))}, ": ");
  if (stage.at("starts_in_s").is_number()) return join({exit, "again in " + ago(stage.at("starts_in_s"))}, ", ");
  return exit.empty() ? "-" : exit;
}

std::vector<std::string> row_of(const ordered_json& stage) {
  const auto is = [&](const char* key) { return stage.at(key).get<bool>(); };
  const bool has_process = stage.at("pid").is_number();
  return {"  " + text_of(stage.at("name")),
          is("failing") ? "failing" : (is("blocked") ? "blocked" : text_of(stage.at("state"))),
          has_process ? std::to_string(stage.at("pid").get<int>()) : "-",
          rate_of(stage.at("fps_in")),
          rate_of(stage.at("fps_out")),
          ago(stage.at("last_frame_age_s")),
          has_process ? ago(stage.at("up_s")) : "-",
          std::to_string(stage.at("restarts").get<int>()),
          note_of(stage)};
}

/// "3 chains: 2 running, 1 lost; 9 stages, 8 with a process, 4 restarts"
std::string summary_of(const ordered_json& chains) {
  std::vector<std::pair<std::string, int>> states;
  int stages = 0, processes = 0, restarts = 0;
  for (const auto& chain : chains) {
    const std::string state = text_of(chain.at("state"));
    auto found = std::ranges::find(states, state, &std::pair<std::string, int>::first);
    if (found == states.end()) found = states.insert(states.end(), {state, 0});
    ++found->second;
    for (const auto& stage : chain.at("stages")) {
      ++stages;
      processes += stage.at("pid").is_number() ? 1 : 0;
      restarts += stage.at("restarts").get<int>();
    }
  }
  std::vector<std::string> counts;
  for (const auto& [state, count] : states) counts.push_back(fmt::format("{} {}", count, state));
  const auto number = [](std::size_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  return fmt::format("{}: {}; {}, {} with a process, {}\n", number(chains.size(), "chain"), fmt::join(counts, ", "),
                     number(static_cast<std::size_t>(stages), "stage"), processes,
                     number(static_cast<std::size_t>(restarts), "restart"));
}

}  // namespace

std::string only(const std::string& json, const std::string& target) {
  if (target.empty()) return json;
  return reading(json, [&](ordered_json status) {
    const std::size_t slash = target.find('/');
    const auto keep = [](ordered_json& all, const std::string& name) {
      ordered_json kept = ordered_json::array();
      for (auto& one : all) {
        if (one.at("name") == name) kept.push_back(one);
      }
      all = std::move(kept);
      return !all.empty();
    };
    const std::string chain = target.substr(0, slash);
    if (!keep(status.at("chains"), chain))
      throw Error(ExitCode::no_input, fmt::format("there is no chain '{}'", campipe::log::printable(chain)));
    if (slash != std::string::npos && !keep(status.at("chains").front().at("stages"), target.substr(slash + 1))) {
      throw Error(ExitCode::no_input,
                  fmt::format("chain {} has no stage '{}'", chain, campipe::log::printable(target.substr(slash + 1))));
    }
    if (slash != std::string::npos) status["of_stage"] = true;
    return status.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  });
}

bool is_in_trouble(const std::string& json) {
  return reading(json, [](const ordered_json& status) {
    const bool of_stage = status.contains("of_stage");
    return std::ranges::any_of(status.at("chains"), [&](const ordered_json& chain) {
      if (!of_stage) return chain.at("state") == "failing" || chain.at("state") == "lost";
      const ordered_json& stage = chain.at("stages").front();
      return stage.at("failing").get<bool>() || stage.at("lost").get<bool>();
    });
  });
}

std::string table_of(const std::string& json) {
  return reading(json, [](const ordered_json& status) {
    std::vector<std::vector<std::string>> rows{
        {"CHAIN/STAGE", "STATE", "PID", "IN/s", "OUT/s", "FRAME", "UP", "RESTARTS", "NOTE"}};
    for (const auto& chain : status.at("chains")) {
      rows.push_back({text_of(chain.at("name")), text_of(chain.at("state"))});
      for (const auto& stage : chain.at("stages")) rows.push_back(row_of(stage));
    }
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string out;
    for (const auto& row : rows) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}", row[i], widths[i] + 2);
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + "\n";
    }
    return out + summary_of(status.at("chains"));
  });
}

}  // namespace campipe::watch::control
