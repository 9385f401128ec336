#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/fd.hpp"
#include "wire/stream/writer.hpp"

namespace campipe::wire {

/// @param name      What messages call it: "stdout", a path.
/// @param blocking  Called with true before and false after each write that may block; for the flow report. May be
/// empty. Takes `fd` over. A pipe is resized: 1 MiB for raw and MJPEG, 64 KiB for H.264 and H.265 (where 1 MiB would
/// hold seconds).
std::unique_ptr<stream::Writer> make_writer(Fd fd, std::string name, stream::OutputFormat format,
                                            std::function<void(bool)> blocking = {});

}  // namespace campipe::wire
