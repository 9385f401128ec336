#pragma once
#include <memory>
#include <string>
#include <vector>

#include "load/client.hpp"
#include "load/process_use.hpp"

namespace fanout {

/// What was used at a window's two ends.
struct Use {
  ProcessUse server, self;
  std::uint64_t udp_drops = 0;
};

/// One JSON object. Percentiles are -1 where there was nothing to measure.
std::string report(const Options& options, const std::vector<std::unique_ptr<Client>>& clients, Totals& good,
                   Totals& slow, double window_s, const Use& before, const Use& after);

}  // namespace fanout
