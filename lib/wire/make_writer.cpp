#include "wire/make_writer.hpp"

#include <utility>

#include "wire/bare/plain_writers.hpp"
#include "wire/nut/writer.hpp"

namespace campipe::wire {

std::unique_ptr<StreamWriter> make_writer(Fd fd, std::string name, OutputFormat format,
                                          std::function<void(bool)> blocking) {
  switch (format) {
    case OutputFormat::nut:
      return std::make_unique<NutWriter>(std::move(fd), std::move(name), std::move(blocking));
    case OutputFormat::y4m:
      return std::make_unique<Y4mWriter>(std::move(fd), std::move(name), std::move(blocking));
    default:
      return std::make_unique<PlainWriter>(std::move(fd), std::move(name), format, std::move(blocking));
  }
}

}  // namespace campipe::wire
