#pragma once
#include <vector>

#include "cli/plan.hpp"
#include "watch/check/finding.hpp"
#include "watch/config/wiring.hpp"

namespace campipe::watch::check {

/// What one stage would open.
struct StagePlan {
  const config::ChainConfig* chain = nullptr;
  const config::StageConfig* stage = nullptr;
  config::StageWiring wired;
  cli::Plan plan;
};

/// @param all_known  No plan of a stage is missing that could have been had.
/// Adds what is wrong with the plans by themselves (a pipe that nobody feeds, a file or folder that is missing) and
/// with one beside another (two that write a ring or listen at an address).
void judge_plans(const std::vector<StagePlan>& plans, bool all_known, std::vector<Finding>& findings);

}  // namespace campipe::watch::check
