#pragma once
#include <cstdint>
#include <string>

#include "capture/host.hpp"

namespace campipe::capture::v4l2 {

/// Waits until `path` can be opened again: until its folder (or the nearest one that exists) reports a change or
/// `deadline_ns` is reached. Answers Wake::ready a moment after the change, when udev has set owner and links.
Wake wait_for_device(const std::string& path, const Host& host, std::int64_t deadline_ns);

}  // namespace campipe::capture::v4l2
