#include "wire/make_writer.hpp"

#include <utility>

#include "wire/bare/plain_writers.hpp"
#include "wire/nut/writer.hpp"

namespace campipe::wire {

std::unique_ptr<stream::Writer> make_writer(Fd fd, std::string name, stream::OutputFormat format,
                                            std::function<void(bool)> blocking) {
  switch (format) {
    case stream::OutputFormat::nut:
      return std::make_unique<nut::Writer>(std::move(fd), std::move(name), std::move(blocking));
    case stream::OutputFormat::y4m:
      return std::make_unique<bare::Y4mWriter>(std::move(fd), std::move(name), std::move(blocking));
    default:
      return std::make_unique<bare::PlainWriter>(std::move(fd), std::move(name), format, std::move(blocking));
  }
}

}  // namespace campipe::wire
