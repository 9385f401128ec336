#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "watch/config/config.hpp"

namespace campipe::watch::config {

/// One pipe: from a stage to one that names it in `from:`. Indices into ChainConfig::stages.
struct Edge {
  std::size_t from = 0;
  std::size_t to = 0;
  bool paired = false;  ///< Link::paired, or found out
};

/// A descriptor that a stage's process gets.
struct Handed {
  int fd = 0;            ///< its number there: 0, 1, or 3 and up
  std::size_t edge = 0;  ///< index into Wiring::edges
};

struct StageWiring {
  std::vector<std::string> argv;  ///< with the numbers in it
  std::vector<Handed> inputs;     ///< read ends
  std::vector<Handed> outputs;    ///< write ends
  bool reads_rings = false;       ///< one of our tools with an input that never ends
};

struct Wiring {
  std::vector<Edge> edges;
  std::vector<StageWiring> stages;
  std::vector<std::size_t> start_order;  ///< sinks first
};

/// Makes the pipes' plan of a chain. The words fd:out, fd:in, fd:out.STAGE and fd:in.STAGE (also after pipe: and
/// /dev/fd/) become descriptor numbers; an input that no word names is standard input; an output that no word names is
/// standard output when it is the only one, or `-o fd:N` behind the command of camgrab and camenc.
/// Throws ConfigError: unknown stage in from, itself or a circle, two inputs without a name, and so on.
Wiring plan_wiring(const ChainConfig& chain, const std::string& file);

/// "camgrab" of "/usr/bin/camgrab".
std::string program_name(const std::string& path);

}  // namespace campipe::watch::config
