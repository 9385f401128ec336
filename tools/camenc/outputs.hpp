#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/telemetry.hpp"
#include "wire/open.hpp"
#include "wire/queue/packet_output.hpp"
#include "wire/shm/demand.hpp"

namespace campipe {

/// All outputs of a filter: each gets every packet, and the slowest pipe sets the pace; a ring never does. One that is
/// closed drops out; in one thread.
class Outputs {
public:
  /// Opens them in order; throws Error. @param on_demand  As Demand has it.
  Outputs(const std::vector<std::string>& endpoints, wire::stream::OutputFormat format, const wire::RingOptions& ring,
          cli::Telemetry& telemetry, wire::shm::Demand::Options demand, std::function<void(bool)> on_demand);

  /// What the readers wish.
  wire::shm::Demand& demand() noexcept { return demand_; }

  void set_format(const media::StreamFormat& format);
  void offer(const media::Packet& packet);
  void set_source(const SourceStatus& status);
  bool all_closed() const;
  /// Room for a raw picture in a ring among them, if there is one.
  std::shared_ptr<media::Buffer> room(std::size_t bytes);

  /// What the first ring among them that had another writer holds.
  const std::optional<wire::stream::Inherited>& inherited() const noexcept { return inherited_; }

  /// Waits until all is written. Throws what an output failed with, and OutputClosed when all readers went.
  void finish(bool complete);

private:
  std::vector<std::unique_ptr<wire::queue::PacketOutput>> outputs_;
  wire::shm::Demand demand_;  // asks the rings among them, and so goes first
  std::optional<wire::stream::Inherited> inherited_;
};

}  // namespace campipe
