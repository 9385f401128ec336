#include "outputs.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "wire/make_writer.hpp"

namespace campipe {

Outputs::Outputs(const std::vector<std::string>& endpoints, wire::stream::OutputFormat format,
                 const wire::RingOptions& ring, cli::Telemetry& telemetry, wire::shm::Demand::Options demand,
                 std::function<void(bool)> on_demand)
    : demand_(demand, std::move(on_demand)) {
  for (const std::string& text : endpoints) {
    auto opened = wire::open_for_writing(wire::parse_endpoint(text));
    const std::string name = opened.name;
    auto writer =
        wire::make_writer(std::move(opened), format, ring, [&telemetry](bool now) { telemetry.blocked(now); });
    demand_.add(*writer);
    if (!inherited_) inherited_ = writer->inherited();
    outputs_.push_back(wire::queue::make_output(std::move(writer), name, false));
  }
  demand_.start();
}

void Outputs::set_format(const media::StreamFormat& format) {
  for (const auto& output : outputs_) output->set_format(format);
}

void Outputs::offer(const media::Packet& packet) {
  for (const auto& output : outputs_) output->offer(packet);
}

void Outputs::set_source(const SourceStatus& status) {
  for (const auto& output : outputs_) output->set_source(status);
}

std::shared_ptr<media::Buffer> Outputs::room(std::size_t bytes) {
  for (const auto& output : outputs_) {
    if (auto room = output->room(bytes)) return room;
  }
  return nullptr;
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
