#include "wire/open.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "wire/make_reader.hpp"
#include "wire/make_writer.hpp"
#include "wire/shm/reader.hpp"
#include "wire/shm/writer.hpp"

namespace campipe::wire {

std::string shown_input(const Endpoint& endpoint) {
  return endpoint.kind == Endpoint::Kind::standard ? "stdin" : endpoint.text;
}

std::string shown_output(const Endpoint& endpoint) {
  return endpoint.kind == Endpoint::Kind::standard ? "stdout" : endpoint.text;
}

bool is_file(const Endpoint& endpoint) noexcept {
  struct stat about{};
  switch (endpoint.kind) {
    case Endpoint::Kind::standard:
      return ::fstat(STDIN_FILENO, &about) == 0 && S_ISREG(about.st_mode);
    case Endpoint::Kind::fd:
      return ::fstat(endpoint.fd, &about) == 0 && S_ISREG(about.st_mode);
    case Endpoint::Kind::path:
      return ::stat(endpoint.path.c_str(), &about) == 0 && S_ISREG(about.st_mode);
    case Endpoint::Kind::ring:
      break;
  }
  return false;
}

std::unique_ptr<stream::Reader> open_reader(const Endpoint& endpoint, stream::ReadOptions options) {
  if (endpoint.kind != Endpoint::Kind::ring) {
    return make_reader(open_input(endpoint), shown_input(endpoint), std::move(options));
  }
  if (!options.input_format.empty()) {
    throw Error(ExitCode::usage, "--input-format " + options.input_format + ": " + endpoint.text +
                                     " says itself what it carries: leave it out");
  }
  return std::make_unique<shm::Reader>(endpoint.name, std::move(options));
}

OpenedOutput open_for_writing(const Endpoint& endpoint) {
  const bool ring = endpoint.kind == Endpoint::Kind::ring;
  return {endpoint, shown_output(endpoint), ring ? Fd() : open_output(endpoint)};
}

std::unique_ptr<stream::Writer> make_writer(OpenedOutput output, stream::OutputFormat format, const RingOptions& ring,
                                            std::function<void(bool)> blocking) {
  if (output.endpoint.kind != Endpoint::Kind::ring) {
    return make_writer(std::move(output.fd), std::move(output.name), format, std::move(blocking));
  }
  if (format != stream::OutputFormat::nut) {
    throw Error(ExitCode::usage, "--output-format: " + output.name +
                                     " carries packets, not bytes: leave it out, or give a file or pipe");
  }
  RingOptions options = ring;
  options.name = output.endpoint.name;
  return std::make_unique<shm::Writer>(std::move(options));
}

}  // namespace campipe::wire
