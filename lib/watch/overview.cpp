#include "watch/overview.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/redact.hpp"
#include "watch/config/wiring.hpp"

namespace campipe::watch {

namespace {

void add_stage(std::string& out, const config::ChainConfig& chain, const config::Wiring& wiring, std::size_t i,
               int depth, std::set<std::size_t>& shown) {
  const config::StageConfig& stage = chain.stages[i];
  const std::string indent(static_cast<std::size_t>(2 * depth), ' ');
  if (!shown.insert(i).second) {
    out += fmt::format("{}{} (see above)\n", indent, stage.name);
    return;
  }
  std::string marks;
  if (!stage.required) marks += " (not required)";
  if (std::ranges::any_of(wiring.edges, [&](const config::Edge& edge) { return edge.to == i && edge.paired; }))
    marks += " (paired)";
  out +=
      fmt::format("{}{}: {}{}\n", indent, stage.name,
                  campipe::log::printable(redact_url(fmt::format("{}", fmt::join(wiring.stages[i].argv, " ")))), marks);
  for (std::size_t to = 0; to < chain.stages.size(); ++to) {  // by pipe or by ring
    const auto& from = chain.stages[to].from;
    if (std::ranges::find(from, stage.name) != from.end()) add_stage(out, chain, wiring, to, depth + 1, shown);
  }
}

}  // namespace

void warn_of_passwords(const config::Config& config) {
  for (const config::ChainConfig& chain : config.chains) {
    for (const config::StageConfig& stage : chain.stages) {
      if (std::ranges::none_of(stage.cmd, [](const std::string& word) { return redact_url(word) != word; })) continue;
      campipe::log::warning(
          "{}/{}: a password in its command line is seen by every user (ps): use camgrab --url-file or env_file",
          chain.name, stage.name);
    }
  }
}

std::string tree_of(const config::Config& config) {
  std::string out;
  for (const config::ChainConfig& chain : config.chains) {
    const config::Wiring wiring = config::plan_wiring(chain, config.file);
    out += chain.name + "\n";
    std::set<std::size_t> shown;
    for (std::size_t i = 0; i < chain.stages.size(); ++i) {
      if (chain.stages[i].from.empty()) add_stage(out, chain, wiring, i, 1, shown);
    }
  }
  return out;
}

}  // namespace campipe::watch
