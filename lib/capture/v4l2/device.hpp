#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <linux/videodev2.h>

#include "base/fd.hpp"
#include "capture/v4l2/mode_choice.hpp"
#include "media/format.hpp"

namespace campipe::capture::v4l2 {

/// What VIDIOC_QUERYCAP says.
struct DeviceInfo {
  std::string card, driver, bus;
  std::uint32_t capabilities = 0;  ///< of this node

  bool captures() const noexcept {
    return (capabilities & (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE)) != 0 &&
           (capabilities & V4L2_CAP_STREAMING) != 0;
  }
};

/// What the driver agreed to.
struct DeviceMode {
  DeviceFormat format;
  Size size;
  Rational rate;  ///< 0/1 = unknown
  media::ColourRange range = media::ColourRange::unknown;
  media::ColourMatrix matrix = media::ColourMatrix::unknown;
  std::array<std::uint32_t, 3> strides{};  ///< bytesperline of each memory plane; 0 = tight
};

/// One filled buffer, borrowed until it is queued again.
struct DeviceFrame {
  std::uint32_t index = 0;
  std::uint32_t flags = 0;
  std::uint32_t sequence = 0;
  std::int64_t timestamp_ns = 0;
  std::array<std::span<const std::byte>, 3> planes;  ///< memory planes
  std::size_t bytes() const noexcept { return planes[0].size() + planes[1].size() + planes[2].size(); }
};

/// A V4L2 capture node with memory-mapped buffers, single- and multi-planar API alike. One thread. What fails throws
/// Error with the name in front and the exit code that fits; EBUSY names the process that holds the device where it can
/// be seen.
class Device {
public:
  /// Opens without blocking. Throws Error: missing 66, no permission 77, no capture device 66.
  explicit Device(const std::string& path);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  int fd() const noexcept { return fd_.get(); }
  const DeviceInfo& info() const noexcept { return info_; }

  /// For HDMI grabbers: takes over what the signal is now and answers its size. Throws Error(unavailable) "no signal".
  std::optional<Size> follow_signal();
  std::vector<OfferedFormat> formats();
  /// Goes through libv4l2's conversion from now on: for a device of which we know no format. Only before set_mode().
  bool use_conversion();

  /// Sets format, size and rate and answers what the driver made of it. `wish` with no size or rate leaves that as it
  /// is.
  DeviceMode set_mode(const Mode& wish);

  void start(std::uint32_t buffers);
  /// Gives the buffers back. No frame of before may be touched any more.
  void stop() noexcept;

  /// Fills `frame`; answers 0 or errno (EAGAIN: none there, ENODEV: unplugged, EIO).
  int dequeue(DeviceFrame& frame) noexcept;
  int queue(std::uint32_t index) noexcept;
  /// Whether a source-change event is pending; takes it.
  bool source_changed() noexcept;

private:
  struct Buffer {
    std::array<std::span<std::byte>, 3> planes;
  };

  int call(unsigned long request, void* argument) noexcept;
  void demand(unsigned long request, void* argument, const char* what);
  [[noreturn]] void refuse_signal() const;
  [[noreturn]] void fail(int error, const char* what);
  std::vector<OfferedSize> sizes(std::uint32_t fourcc);
  std::vector<RateRange> rates(std::uint32_t fourcc, Size size);
  void map_buffer(std::uint32_t index);
  Rational set_rate(Rational rate);
  bool multiplanar() const noexcept { return type_ == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE; }

  std::string path_;
  Fd fd_;
  DeviceInfo info_;
  v4l2_buf_type type_ = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  bool converts_ = false;
  bool streaming_ = false;
  std::uint32_t plane_count_ = 1;
  std::vector<Buffer> buffers_;
};

/// The process that has `path` open other than ours, "ustreamer (pid 1234)"; empty when none can be seen.
std::string holder_of(const std::string& path);

/// ioctl(2), again after EINTR. 0 or errno.
int device_ioctl(int fd, unsigned long request, void* argument) noexcept;
/// What a descriptor says to VIDIOC_QUERYCAP; nothing when it is no V4L2 device.
std::optional<DeviceInfo> query_device(int fd) noexcept;

}  // namespace campipe::capture::v4l2
