#pragma once
#include <functional>
#include <memory>
#include <string>

#include "ring/write/writer.hpp"
#include "wire/endpoint.hpp"
#include "wire/stream/reader.hpp"
#include "wire/stream/writer.hpp"

/// What a tool does with an endpoint, whatever its kind.
namespace campipe::wire {

/// What messages call it: "stdin", "stdout", else as it was written.
std::string shown_input(const Endpoint& endpoint);
std::string shown_output(const Endpoint& endpoint);

/// Whether it is a file, which may be kept waiting. Answers false for what cannot be looked at.
bool is_file(const Endpoint& endpoint) noexcept;

/// Throws as open_input() and make_reader() do; Error(usage) for an input_format with a ring, which tells its own.
std::unique_ptr<stream::Reader> open_reader(const Endpoint& endpoint, stream::ReadOptions options);

/// How a ring is made (--ring-mode, --ring-group, --ring-slots, --ring-size); its name is the endpoint's.
using RingOptions = ring::write::Writer::Options;

/// An output whose descriptor is open, if it has one, and whose writer is not yet made: descriptors of a tool's own
/// must not take the number of a closed stdout.
struct OpenedOutput {
  Endpoint endpoint;
  std::string name;
  Fd fd;
};

/// Throws as open_output() does. A ring is opened by make_writer() only.
OpenedOutput open_for_writing(const Endpoint& endpoint);

/// Throws as ring::write::Writer does; Error(usage) for a ring with another format than nut, which is what "as it is"
/// is called.
std::unique_ptr<stream::Writer> make_writer(OpenedOutput output, stream::OutputFormat format, const RingOptions& ring,
                                            std::function<void(bool)> blocking = {});

}  // namespace campipe::wire
