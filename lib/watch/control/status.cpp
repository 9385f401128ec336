#include "watch/control/status.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/log.hpp"

namespace campipe::watch::control {

namespace {

using nlohmann::ordered_json;

ordered_json rounded(double value) {
  return static_cast<double>(static_cast<std::int64_t>(value * 1000 + 0.5)) / 1000;
}

ordered_json stage_json(const StageStatus& stage) {
  ordered_json out{{"name", stage.name}, {"state", stage.state}};
  out["pid"] = stage.pid > 0 ? ordered_json(stage.pid) : ordered_json();
  out["ready"] = stage.ready;
  out["blocked"] = stage.blocked;
  out["failing"] = stage.failing;
  out["required"] = stage.required;
  out["from"] = stage.from;
  const auto told = [&](ordered_json value) { return stage.tells ? std::move(value) : ordered_json(); };
  out["fps"] = told(rounded(std::max(stage.fps_in, stage.fps_out)));
  out["fps_in"] = told(rounded(stage.fps_in));
  out["fps_out"] = told(rounded(stage.fps_out));
  out["frames_in"] = told(stage.frames_in);
  out["frames_out"] = told(stage.frames_out);
  out["last_frame_age_s"] = stage.last_frame_age_s ? rounded(*stage.last_frame_age_s) : ordered_json();
  const auto text = [](const std::string& words) { return words.empty() ? ordered_json() : ordered_json(words); };
  out["lost"] = stage.lost;
  out["lost_for_s"] = stage.lost ? rounded(stage.lost_for_s) : ordered_json();
  out["reason"] = text(stage.reason);
  out["up_s"] = rounded(stage.up_s);
  out["restarts"] = stage.restarts;
  out["starts_in_s"] = stage.starts_in_s ? rounded(*stage.starts_in_s) : ordered_json();
  out["last_exit"] = text(stage.last_exit);
  out["last_words"] = text(stage.last_words);
  out["command"] = stage.command;
  return out;
}

}  // namespace

std::string to_json(const Status& status) {
  ordered_json out{{"ok", true}, {"version", CAMPIPE_VERSION}, {"pid", status.pid}};
  out["config"] = status.config.empty() ? ordered_json() : ordered_json(status.config);
  out["log_dir"] = status.log_dir;
  out["up_s"] = rounded(status.up_s);
  out["chains"] = ordered_json::array();
  for (const ChainStatus& chain : status.chains) {
    ordered_json stages = ordered_json::array();
    for (const StageStatus& stage : chain.stages) stages.push_back(stage_json(stage));
    out["chains"].push_back({{"name", chain.name}, {"state", chain.state}, {"stages", std::move(stages)}});
  }
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string one_line(const ChainStatus& chain) {
  std::vector<std::string> parts;
  for (const StageStatus& stage : chain.stages) {
    if (stage.state == "flowing") {
      parts.push_back(fmt::format("{} {:.1f} fps", stage.name, std::max(stage.fps_in, stage.fps_out)));
    } else {
      parts.push_back(fmt::format("{} {}", stage.name, stage.state));
    }
  }
  return fmt::format("{}: {}", chain.name, fmt::join(parts, ", "));
}

std::string one_line(const std::vector<ChainStatus>& chains, std::size_t width) {
  std::vector<std::string> lines, troubled;
  std::map<std::string, int> states;
  for (const ChainStatus& chain : chains) {
    lines.push_back(one_line(chain));
    ++states[chain.state];
    if (chain.state == "failing" || chain.state == "lost") troubled.push_back(chain.name);
  }
  std::string all = fmt::format("{}", fmt::join(lines, "; "));
  if (all.size() <= width) return all;
  std::vector<std::string> counts;
  for (const auto& [state, count] : states) counts.push_back(fmt::format("{} {}", count, state));
  return fmt::format("{} chains: {}{}{}", chains.size(), fmt::join(counts, ", "), troubled.empty() ? "" : ": ",
                     fmt::join(troubled, ", "));
}

}  // namespace campipe::watch::control
