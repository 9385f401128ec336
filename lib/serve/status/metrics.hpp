#pragma once
#include <string>

#include "serve/hub/hub.hpp"
#include "serve/status/status.hpp"

namespace campipe::serve::status {

/// /metrics: Prometheus' text format 0.0.4.
std::string metrics_text(const hub::Hub& hub, const ServerFacts& facts);

}  // namespace campipe::serve::status
