#include <cstring>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "base/units.hpp"
#include "capture/v4l2/device.hpp"

namespace campipe::capture::v4l2 {

namespace {

constexpr std::uint32_t kMostEntries = 256;  // a driver that never says it was the last

Rational rate_of(const v4l2_fract& interval) {
  return {interval.denominator, interval.numerator == 0 ? 1 : interval.numerator};
}
Size size_of(std::uint32_t width, std::uint32_t height) {
  return {static_cast<int>(width), static_cast<int>(height)};
}

bool is_same_device(const struct stat& device, const std::filesystem::path& descriptor) {
  struct stat other{};
  return ::stat(descriptor.c_str(), &other) == 0 && S_ISCHR(other.st_mode) && other.st_rdev == device.st_rdev;
}

}  // namespace

std::vector<RateRange> Device::rates(std::uint32_t fourcc, Size size) {
  std::vector<RateRange> found;
  for (std::uint32_t i = 0; i < kMostEntries; ++i) {
    v4l2_frmivalenum entry{};
    entry.index = i;
    entry.pixel_format = fourcc;
    entry.width = static_cast<__u32>(size.width_px);
    entry.height = static_cast<__u32>(size.height_px);
    if (call(VIDIOC_ENUM_FRAMEINTERVALS, &entry) != 0) break;
    if (entry.type == V4L2_FRMIVAL_TYPE_DISCRETE) {
      found.push_back({rate_of(entry.discrete), rate_of(entry.discrete)});
    } else {
      found.push_back({rate_of(entry.stepwise.max), rate_of(entry.stepwise.min)});
      break;
    }
  }
  return found;
}

std::vector<OfferedSize> Device::sizes(std::uint32_t fourcc) {
  std::vector<OfferedSize> found;
  for (std::uint32_t i = 0; i < kMostEntries; ++i) {
    v4l2_frmsizeenum entry{};
    entry.index = i;
    entry.pixel_format = fourcc;
    if (call(VIDIOC_ENUM_FRAMESIZES, &entry) != 0) break;
    if (entry.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
      const Size size = size_of(entry.discrete.width, entry.discrete.height);
      found.push_back({size, size, 1, 1, rates(fourcc, size)});
    } else {
      const auto& steps = entry.stepwise;
      const Size most = size_of(steps.max_width, steps.max_height);
      found.push_back({size_of(steps.min_width, steps.min_height), most, static_cast<int>(steps.step_width),
                       static_cast<int>(steps.step_height), rates(fourcc, most)});
      break;
    }
  }
  return found;
}

std::vector<OfferedFormat> Device::formats() {
  std::vector<OfferedFormat> found;
  for (std::uint32_t i = 0; i < kMostEntries; ++i) {
    v4l2_fmtdesc entry{};
    entry.index = i;
    entry.type = type_;
    if (call(VIDIOC_ENUM_FMT, &entry) != 0) break;
    const auto* text = reinterpret_cast<const char*>(entry.description);
    found.push_back({entry.pixelformat, {text, ::strnlen(text, sizeof entry.description)}, sizes(entry.pixelformat)});
  }
  return found;
}

std::string holder_of(const std::string& path) {
  struct stat device{};
  if (::stat(path.c_str(), &device) != 0 || !S_ISCHR(device.st_mode)) return {};
  std::error_code ignored;  // processes end while we look, and of others' we may not see the files
  for (const auto& process : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string pid = process.path().filename();
    if (!parse_integer(pid, 1, 1 << 30) || pid == std::to_string(::getpid())) continue;
    std::error_code hidden;
    for (std::filesystem::directory_iterator at(process.path() / "fd", hidden), end; !hidden && at != end;
         at.increment(hidden)) {
      if (!is_same_device(device, at->path())) continue;
      std::string name;
      std::ifstream comm(process.path() / "comm");
      std::getline(comm, name);
      return name + " (pid " + pid + ")";
    }
  }
  return {};
}

}  // namespace campipe::capture::v4l2
