#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/telemetry.hpp"
#include "wire/live_output.hpp"

namespace campipe {

/// All outputs of a filter: each gets every packet, and the slowest sets the pace. One that is closed drops out; in one
/// thread.
class Outputs {
public:
  /// Opens them in order; throws Error.
  Outputs(const std::vector<std::string>& endpoints, wire::OutputFormat format, cli::Telemetry& telemetry);

  void set_format(const media::StreamFormat& format);
  void offer(const media::Packet& packet);
  bool all_closed() const;

  /// Waits until all is written. Throws what an output failed with, and OutputClosed when all readers went.
  void finish(bool complete);

private:
  std::vector<std::unique_ptr<wire::LiveOutput>> outputs_;
};

}  // namespace campipe
