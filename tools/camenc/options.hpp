#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/app.hpp"
#include "codec/settings.hpp"
#include "wire/open.hpp"
#include "wire/shm/demand.hpp"

namespace campipe {

/// camenc's command line.
struct EncodeOptions {
  std::string input = "-";
  std::vector<std::string> outputs;
  codec::Settings settings;
  std::uint64_t frames = 0;  ///< 0 = all
  std::string input_format;
  wire::stream::OutputFormat output_format = wire::stream::OutputFormat::nut;
  wire::RingOptions ring;
  wire::shm::Demand::Options demand;
  wire::stream::OnChange on_change = wire::stream::OnChange::follow;
  cli::CommonOptions common;
};

/// Answers the exit code when there is nothing to run (--help). Throws Error(usage).
std::optional<int> parse_options(int argc, char** argv, EncodeOptions& options);

}  // namespace campipe
