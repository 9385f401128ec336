#include "outputs.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "wire/endpoint.hpp"

namespace campipe {

Outputs::Outputs(const std::vector<std::string>& endpoints, wire::OutputFormat format, cli::Telemetry& telemetry) {
  for (const std::string& text : endpoints) {
    const wire::Endpoint endpoint = wire::parse_endpoint(text);
    const std::string name = endpoint.kind == wire::Endpoint::Kind::standard ? "stdout" : endpoint.text;
    auto writer = wire::make_writer(wire::open_output(endpoint), name, format,
                                    [&telemetry](bool now) { telemetry.blocked(now); });
    outputs_.push_back(std::make_unique<wire::LiveOutput>(std::move(writer), name, false));
  }
}

void Outputs::set_format(const media::StreamFormat& format) {
  for (const auto& output : outputs_) output->set_format(format);
}

void Outputs::offer(const media::Packet& packet) {
  for (const auto& output : outputs_) output->offer(packet);
}

bool Outputs::all_closed() const {
  return std::ranges::all_of(outputs_, [](const auto& output) { return output->stats().closed; });
}

void Outputs::finish(bool complete) {
  const bool closed = !complete && all_closed();
  for (const auto& output : outputs_) output->finish(std::numeric_limits<int>::max());
  if (closed) throw OutputClosed(outputs_.front()->name());
}

}  // namespace campipe
