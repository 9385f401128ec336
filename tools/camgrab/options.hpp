#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "capture/source_name.hpp"
#include "capture/v4l2/formats.hpp"
#include "cli/app.hpp"
#include "wire/open.hpp"
#include "wire/shm/demand.hpp"

namespace campipe {

struct GrabOptions {
  cli::CommonOptions common;
  capture::SourceName source;
  bool url_was_argument = false;  ///< and so stands in the process list
  std::vector<std::string> outputs{"-"};
  wire::RingOptions ring;
  wire::shm::Demand::Options demand;
  std::optional<Size> size;
  std::optional<Rational> rate;
  std::optional<capture::v4l2::FormatWish> format;
  std::uint64_t frames = 0;  ///< 0 = no limit
  std::chrono::nanoseconds duration{0};
  bool wait = false, realtime = false, loop = false, reconnect = true;
  bool list = false, list_formats = false, json = false;
  std::string rtsp_transport = "tcp";
  std::chrono::nanoseconds timeout{std::chrono::seconds(10)};
  std::optional<std::chrono::nanoseconds> stall_timeout;
  wire::stream::OutputFormat output_format = wire::stream::OutputFormat::nut;
  std::string output_format_name = "nut";
};

/// Answers the exit code where the program ends here (--help, --version), else fills `options`. Throws Error.
std::optional<int> parse_options(int argc, char** argv, GrabOptions& options);

}  // namespace campipe
