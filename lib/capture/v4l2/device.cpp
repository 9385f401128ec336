#include "capture/v4l2/device.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include <fcntl.h>
#include <fmt/format.h>
#include <libv4l2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/error.hpp"

namespace campipe::capture::v4l2 {

namespace {

std::string text_of(const __u8* bytes, std::size_t size) {
  const auto* text = reinterpret_cast<const char*>(bytes);
  return {text, ::strnlen(text, size)};
}

media::ColourMatrix matrix_of(std::uint32_t encoding) {
  switch (encoding) {
    case V4L2_YCBCR_ENC_601:
    case V4L2_YCBCR_ENC_XV601:
      return media::ColourMatrix::bt601;
    case V4L2_YCBCR_ENC_709:
    case V4L2_YCBCR_ENC_XV709:
      return media::ColourMatrix::bt709;
    case V4L2_YCBCR_ENC_BT2020:
      return media::ColourMatrix::bt2020;
    default:
      return media::ColourMatrix::unknown;
  }
}

/// The colours of a mode, with V4L2's own rules for what the driver leaves at default.
void set_colours(DeviceMode& mode, std::uint32_t colorspace, std::uint32_t encoding, std::uint32_t quantization) {
  const bool is_rgb = mode.format.codec == media::VideoCodec::raw && !media::info(mode.format.pixel_format).is_yuv;
  if (mode.format.codec == media::VideoCodec::mjpeg) {
    mode.range = media::ColourRange::full;
    mode.matrix = media::ColourMatrix::bt601;
    return;
  }
  if (is_rgb) {
    mode.range = media::ColourRange::full;
    return;
  }
  if (mode.format.codec != media::VideoCodec::raw) return;  // the bitstream says it
  if (encoding == V4L2_YCBCR_ENC_DEFAULT) encoding = V4L2_MAP_YCBCR_ENC_DEFAULT(colorspace);
  if (quantization == V4L2_QUANTIZATION_DEFAULT)
    quantization = V4L2_MAP_QUANTIZATION_DEFAULT(false, colorspace, encoding);
  mode.range = quantization == V4L2_QUANTIZATION_FULL_RANGE ? media::ColourRange::full : media::ColourRange::limited;
  mode.matrix = matrix_of(encoding);
}

}  // namespace

int device_ioctl(int fd, unsigned long request, void* argument) noexcept {
  int result = 0;
  do {
    result = ::ioctl(fd, request, argument);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? errno : 0;
}

std::optional<DeviceInfo> query_device(int fd) noexcept {
  v4l2_capability answer{};
  if (device_ioctl(fd, VIDIOC_QUERYCAP, &answer) != 0) return std::nullopt;
  DeviceInfo info{text_of(answer.card, sizeof answer.card), text_of(answer.driver, sizeof answer.driver),
                  text_of(answer.bus_info, sizeof answer.bus_info), answer.capabilities};
  if ((answer.capabilities & V4L2_CAP_DEVICE_CAPS) != 0) info.capabilities = answer.device_caps;
  return info;
}

Device::Device(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
  if (!fd_) {
    const int error = errno;
    if (error == ENOENT || error == ENODEV || error == ENXIO) {
      throw Error(ExitCode::no_input, path + ": no such device: see camgrab --list");
    }
    if (error == EACCES || error == EPERM) {
      throw Error(ExitCode::permission, path + ": permission denied: add yourself to the group of the device (video)");
    }
    fail(error, "cannot open");
  }
  const auto info = query_device(fd_.get());
  if (!info) throw Error(ExitCode::no_input, path + ": is no video device: see camgrab --list");
  info_ = *info;
  if (!info_.captures()) {
    throw Error(ExitCode::no_input, fmt::format("{}: {} gives no pictures here: see camgrab --list", path, info_.card));
  }
  if ((info_.capabilities & V4L2_CAP_VIDEO_CAPTURE) == 0) type_ = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
}

Device::~Device() {
  stop();
  if (converts_) ::v4l2_close(fd_.release());
}

int Device::call(unsigned long request, void* argument) noexcept {
  if (!converts_) return device_ioctl(fd_.get(), request, argument);
  return ::v4l2_ioctl(fd_.get(), request, argument) < 0 ? errno : 0;
}

void Device::fail(int error, const char* what) {
  switch (error) {
    case EBUSY: {
      const std::string holder = holder_of(path_);
      throw Error(ExitCode::try_again, fmt::format("{}: busy: {} uses it: stop that or take another camera", path_,
                                                   holder.empty() ? "another program" : holder));
    }
    case ENOSPC:
      throw Error(ExitCode::try_again, path_ +
                                           ": no USB bandwidth left: take a smaller size, a lower rate or -f mjpeg, or "
                                           "plug it into another USB controller");
    case ENODEV:
    case ENXIO:
      throw Error(ExitCode::no_input, path_ + ": unplugged");
    default:
      throw_errno(error, fmt::format("{}: {}", path_, what));
  }
}

void Device::demand(unsigned long request, void* argument, const char* what) {
  if (const int error = call(request, argument); error != 0) fail(error, what);
}

void Device::refuse_signal() const {
  throw Error(ExitCode::unavailable, path_ + ": the signal is of a kind that the device cannot take");
}

std::optional<Size> Device::follow_signal() {
  int index = 0;
  v4l2_input input{};
  if (call(VIDIOC_G_INPUT, &index) != 0) return std::nullopt;
  v4l2_event_subscription changes{};
  changes.type = V4L2_EVENT_SOURCE_CHANGE;
  changes.id = static_cast<__u32>(index);
  call(VIDIOC_SUBSCRIBE_EVENT, &changes);  // webcams have none
  input.index = static_cast<__u32>(index);
  if (call(VIDIOC_ENUMINPUT, &input) != 0 || (input.capabilities & V4L2_IN_CAP_DV_TIMINGS) == 0) return std::nullopt;
  v4l2_dv_timings timings{};
  switch (const int queried = call(VIDIOC_QUERY_DV_TIMINGS, &timings)) {
    case 0:
      break;
    case ENOLINK:
      throw Error(ExitCode::unavailable, path_ + ": no signal: is the cable in and the other end on");
    case ENOLCK:
      throw Error(ExitCode::unavailable, path_ + ": the signal is unstable");
    case ERANGE:
      refuse_signal();
    default:
      fail(queried, "cannot ask for the signal");
  }
  const int error = call(VIDIOC_S_DV_TIMINGS, &timings);
  if (error == EINVAL || error == ERANGE) refuse_signal();
  if (error != 0) fail(error, "cannot follow the signal");
  if (timings.type != V4L2_DV_BT_656_1120) return std::nullopt;
  return Size{static_cast<int>(timings.bt.width), static_cast<int>(timings.bt.height)};
}

bool Device::use_conversion() {
  if (multiplanar() || ::v4l2_fd_open(fd_.get(), 0) < 0) return false;
  converts_ = true;
  return true;
}

Rational Device::set_rate(Rational rate) {
  v4l2_streamparm parameters{};
  parameters.type = type_;
  if (call(VIDIOC_G_PARM, &parameters) != 0) return {0, 1};
  auto& capture = parameters.parm.capture;
  if (rate && (capture.capability & V4L2_CAP_TIMEPERFRAME) != 0) {
    capture.timeperframe = {static_cast<__u32>(rate.den), static_cast<__u32>(rate.num)};
    const int error = call(VIDIOC_S_PARM, &parameters);
    if (error == EBUSY || error == ENODEV) fail(error, "cannot set the frame rate");
    if (error != 0) call(VIDIOC_G_PARM, &parameters);
  }
  if (capture.timeperframe.numerator == 0 || capture.timeperframe.denominator == 0) return {0, 1};
  const auto common = std::gcd(capture.timeperframe.denominator, capture.timeperframe.numerator);
  return {capture.timeperframe.denominator / common, capture.timeperframe.numerator / common};
}

DeviceMode Device::set_mode(const Mode& wish) {
  v4l2_format format{};
  format.type = type_;
  demand(VIDIOC_G_FMT, &format, "cannot ask for the format");
  DeviceMode mode;
  std::uint32_t fourcc = 0;
  if (multiplanar()) {
    auto& pix = format.fmt.pix_mp;
    if (wish.size.width_px > 0)
      pix.width = static_cast<__u32>(wish.size.width_px), pix.height = static_cast<__u32>(wish.size.height_px);
    pix.pixelformat = wish.format.fourcc;
    pix.field = V4L2_FIELD_ANY;
    for (auto& plane : pix.plane_fmt) plane = {};
    demand(VIDIOC_S_FMT, &format, "cannot set the format");
    fourcc = pix.pixelformat;
    mode.size = {static_cast<int>(pix.width), static_cast<int>(pix.height)};
    plane_count_ = std::clamp<std::uint32_t>(pix.num_planes, 1, 3);
    for (std::uint32_t i = 0; i < plane_count_; ++i) mode.strides[i] = pix.plane_fmt[i].bytesperline;
    if (const auto* known = find_device_format(fourcc)) mode.format = *known;
    set_colours(mode, pix.colorspace, pix.ycbcr_enc, pix.quantization);
  } else {
    auto& pix = format.fmt.pix;
    if (wish.size.width_px > 0)
      pix.width = static_cast<__u32>(wish.size.width_px), pix.height = static_cast<__u32>(wish.size.height_px);
    pix.pixelformat = wish.format.fourcc;
    pix.field = V4L2_FIELD_ANY;
    pix.bytesperline = pix.sizeimage = 0;
    demand(VIDIOC_S_FMT, &format, "cannot set the format");
    fourcc = pix.pixelformat;
    mode.size = {static_cast<int>(pix.width), static_cast<int>(pix.height)};
    mode.strides[0] = pix.bytesperline;
    if (const auto* known = find_device_format(fourcc)) mode.format = *known;
    set_colours(mode, pix.colorspace, pix.ycbcr_enc, pix.quantization);
  }
  if (fourcc != wish.format.fourcc) {
    throw Error(ExitCode::unavailable,
                fmt::format("{}: the device gives {} in place of {}: choose with -f, see camgrab --list-formats", path_,
                            fourcc_text(fourcc), fourcc_text(wish.format.fourcc)));
  }
  if (mode.size.width_px <= 0 || mode.size.height_px <= 0 || mode.size.width_px > 16384 ||
      mode.size.height_px > 16384) {
    throw Error(ExitCode::protocol, fmt::format("{}: the driver tells an impossible size", path_));
  }
  mode.rate = set_rate(wish.rate);
  return mode;
}

void Device::map_buffer(std::uint32_t index) {
  v4l2_buffer buffer{};
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};
  buffer.type = type_;
  buffer.memory = V4L2_MEMORY_MMAP;
  buffer.index = index;
  if (multiplanar()) {
    buffer.m.planes = planes.data();
    buffer.length = static_cast<__u32>(planes.size());
  }
  demand(VIDIOC_QUERYBUF, &buffer, "cannot ask for a buffer");
  Buffer mapped;
  for (std::uint32_t i = 0; i < plane_count_; ++i) {
    const std::size_t length = multiplanar() ? planes[i].length : buffer.length;
    const auto offset = static_cast<off_t>(multiplanar() ? planes[i].m.mem_offset : buffer.m.offset);
    void* memory = converts_ ? ::v4l2_mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), offset)
                             : ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), offset);
    if (memory == MAP_FAILED) fail(errno, "cannot map a buffer");
    mapped.planes[i] = {static_cast<std::byte*>(memory), length};
    buffers_.resize(index + 1);
    buffers_[index] = mapped;  // at once, so that stop() unmaps it whatever fails next
  }
}

void Device::start(std::uint32_t buffers) {
  v4l2_requestbuffers request{};
  request.count = buffers;
  request.type = type_;
  request.memory = V4L2_MEMORY_MMAP;
  demand(VIDIOC_REQBUFS, &request, "cannot get buffers");
  for (std::uint32_t i = 0; i < request.count; ++i) map_buffer(i);
  for (std::uint32_t i = 0; i < request.count; ++i) {
    if (const int error = queue(i); error != 0) fail(error, "cannot queue a buffer");
  }
  int type = static_cast<int>(type_);
  demand(VIDIOC_STREAMON, &type, "cannot start the stream");
  streaming_ = true;
}

void Device::stop() noexcept {
  int type = static_cast<int>(type_);
  if (std::exchange(streaming_, false)) call(VIDIOC_STREAMOFF, &type);
  if (buffers_.empty()) return;
  for (const Buffer& buffer : buffers_) {
    for (const auto& plane : buffer.planes) {
      if (plane.empty()) continue;
      converts_ ? ::v4l2_munmap(plane.data(), plane.size()) : ::munmap(plane.data(), plane.size());
    }
  }
  buffers_.clear();
  v4l2_requestbuffers none{};
  none.type = type_;
  none.memory = V4L2_MEMORY_MMAP;
  call(VIDIOC_REQBUFS, &none);
}

int Device::dequeue(DeviceFrame& frame) noexcept {
  v4l2_buffer buffer{};
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};
  buffer.type = type_;
  buffer.memory = V4L2_MEMORY_MMAP;
  if (multiplanar()) {
    buffer.m.planes = planes.data();
    buffer.length = static_cast<__u32>(planes.size());
  }
  if (const int error = call(VIDIOC_DQBUF, &buffer); error != 0) return error;
  if (buffer.index >= buffers_.size()) return EIO;
  frame = {buffer.index,
           buffer.flags,
           buffer.sequence,
           std::int64_t{buffer.timestamp.tv_sec} * 1'000'000'000 + std::int64_t{buffer.timestamp.tv_usec} * 1000,
           {}};
  for (std::uint32_t i = 0; i < plane_count_; ++i) {
    const std::span<std::byte> mapped = buffers_[buffer.index].planes[i];
    const std::size_t used =
        std::min<std::size_t>(multiplanar() ? planes[i].bytesused : buffer.bytesused, mapped.size());
    const std::size_t offset = std::min<std::size_t>(multiplanar() ? planes[i].data_offset : 0, used);
    frame.planes[i] = mapped.subspan(offset, used - offset);
  }
  return 0;
}

int Device::queue(std::uint32_t index) noexcept {
  v4l2_buffer buffer{};
  std::array<v4l2_plane, VIDEO_MAX_PLANES> planes{};
  buffer.type = type_;
  buffer.memory = V4L2_MEMORY_MMAP;
  buffer.index = index;
  if (multiplanar()) {
    buffer.m.planes = planes.data();
    buffer.length = plane_count_;
  }
  return call(VIDIOC_QBUF, &buffer);
}

bool Device::source_changed() noexcept {
  v4l2_event event{};
  bool changed = false;
  while (call(VIDIOC_DQEVENT, &event) == 0) {
    changed |=
        event.type == V4L2_EVENT_SOURCE_CHANGE && (event.u.src_change.changes & V4L2_EVENT_SRC_CH_RESOLUTION) != 0;
    event = {};
  }
  return changed;
}

}  // namespace campipe::capture::v4l2
