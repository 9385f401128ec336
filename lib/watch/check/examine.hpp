#pragma once
#include <string>
#include <vector>

#include "watch/check/finding.hpp"
#include "watch/check/run_tool.hpp"

namespace campipe::watch::check {

/// The folder of the program that runs.
std::string own_folder();

/// Looks for what a configuration that can be read would still fail at: programs (programs.hpp), the command lines of
/// campipe's tools, and the files, folders, pipes, rings and addresses that these name. A stage's command line is
/// checked by its tool itself (`TOOL --check ARGS`), and only if that lies in `own`: no other program is ever run.
/// In the order of the file.
std::vector<Finding> examine(const config::Config& config, const std::string& own, const RunTool& run);

/// "FILE:LINE:COLUMN: CHAIN/STAGE: what"
std::string text_of(const Finding& finding, const std::string& file);

}  // namespace campipe::watch::check
