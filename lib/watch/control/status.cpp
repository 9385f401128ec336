#include "watch/control/status.hpp"

#include <algorithm>

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
  out["fps"] = told(rounded(stage.fps));
  out["frames_in"] = told(stage.frames_in);
  out["frames_out"] = told(stage.frames_out);
  out["last_frame_age_s"] = stage.last_frame_age_s ? rounded(*stage.last_frame_age_s) : ordered_json();
  out["up_s"] = rounded(stage.up_s);
  out["restarts"] = stage.restarts;
  out["last_exit"] = stage.last_exit.empty() ? ordered_json() : ordered_json(stage.last_exit);
  out["command"] = stage.command;
  return out;
}

std::string ago(const ordered_json& seconds) {
  if (!seconds.is_number()) return "-";
  const double value = seconds.get<double>();
  if (value < 60) return fmt::format("{:.1f}s", value);
  if (value < 3600) return fmt::format("{:.0f}m", value / 60);
  return fmt::format("{:.0f}h", value / 3600);
}

std::string text_or_dash(const ordered_json& value) {
  return value.is_string() ? campipe::log::printable(value.get<std::string>()) : "-";
}

std::vector<std::string> row_of(const ordered_json& stage) {
  const auto is = [&](const char* key) { return stage.at(key).get<bool>(); };
  return {"  " + text_or_dash(stage.at("name")),
          is("failing") ? "failing" : (is("blocked") ? "blocked" : text_or_dash(stage.at("state"))),
          stage.at("pid").is_number() ? std::to_string(stage.at("pid").get<int>()) : "-",
          stage.at("fps").is_number() ? fmt::format("{:.1f}", stage.at("fps").get<double>()) : "-",
          ago(stage.at("last_frame_age_s")),
          stage.at("pid").is_number() ? ago(stage.at("up_s")) : "-",
          std::to_string(stage.at("restarts").get<int>()),
          text_or_dash(stage.at("last_exit"))};
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

std::string table_of(const std::string& json) try {
  const auto status = ordered_json::parse(json);
  std::vector<std::vector<std::string>> rows{
      {"CHAIN/STAGE", "STATE", "PID", "FPS", "LAST", "UP", "RESTARTS", "LAST EXIT"}};
  for (const auto& chain : status.at("chains")) {
    rows.push_back({text_or_dash(chain.at("name")), text_or_dash(chain.at("state"))});
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
  return out;
} catch (const ordered_json::exception& error) {
  throw Error(ExitCode::protocol, fmt::format("camwatch answered something else: {}", error.what()));
}

std::string one_line(const ChainStatus& chain) {
  std::vector<std::string> parts;
  for (const StageStatus& stage : chain.stages) {
    if (stage.state == "flowing") {
      parts.push_back(fmt::format("{} {:.1f} fps", stage.name, stage.fps));
    } else {
      parts.push_back(fmt::format("{} {}", stage.name, stage.state));
    }
  }
  return fmt::format("{}: {}", chain.name, fmt::join(parts, ", "));
}

}  // namespace campipe::watch::control
