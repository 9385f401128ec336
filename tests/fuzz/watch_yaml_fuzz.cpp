// camwatch's configuration: refused with a place, or a plan of pipes in which each has one writer and one reader.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "watch/config/config.hpp"
#include "watch/config/pipeline.hpp"
#include "watch/config/wiring.hpp"

using namespace campipe;

namespace {

void check(const watch::config::Config& config) {
  for (const auto& chain : config.chains) {
    const watch::config::Wiring wiring = watch::config::plan_wiring(chain, config.file);
    std::size_t inputs = 0, outputs = 0;
    for (const auto& stage : wiring.stages) inputs += stage.inputs.size(), outputs += stage.outputs.size();
    if (inputs != wiring.edges.size() || outputs != wiring.edges.size()) std::abort();
    if (wiring.start_order.size() != chain.stages.size()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    check(watch::config::parse_config(text, "fuzz"));
  } catch (const watch::config::ConfigError& error) {
    if (error.position().line < 1 || error.position().column < 1) std::abort();
  }
  try {
    check(watch::config::parse_pipeline(text));
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage) std::abort();
  }
  return 0;
}
