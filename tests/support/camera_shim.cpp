// LD_PRELOAD: a single-planar V4L2 capture device without a kernel driver, at $SHIM_DEVICE (/dev/video99).
// shim_camera.hpp tells what it shows and how its faults are triggered. $SHIM_BUSY=1: another program has it;
// $SHIM_ENOSPC=1: no bandwidth.

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_camera.hpp"

namespace {

struct Device {
  shim::Camera camera;
  std::map<int, int> open_fds;  // and the other end of each one's pipe: a camera is readable, never writable
  int owner = -1;               // the descriptor that has buffers
};

std::recursive_mutex& lock() {
  static std::recursive_mutex mutex;
  return mutex;
}

Device& device() {
  static auto* instance = new Device;  // outlives every thread
  return *instance;
}

bool any_open = false;  // most programs never open it: their close() and ioctl() pay for one test

const char* device_path() {
  const char* path = std::getenv("SHIM_DEVICE");
  return path == nullptr ? "/dev/video99" : path;
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value == '1';
}

bool ours(int fd) {
  if (!any_open || fd < 0) return false;
  return device().open_fds.contains(fd);
}

/// One more line in $SHIM_CONTROL.refused: a test waits for attempts, not for time.
void count_refusal() {
  const char* control = std::getenv("SHIM_CONTROL");
  if (control == nullptr) return;
  if (std::FILE* file = std::fopen((std::string(control) + ".refused").c_str(), "a")) {
    std::fputs("refused\n", file);
    std::fclose(file);
  }
}

int open_device() {
  if (shim::read_faults().unplug) {
    count_refusal();
    errno = ENOENT;
    return -1;
  }
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return -1;
  const std::lock_guard guard(lock());
  device().open_fds[ends[0]] = ends[1];
  any_open = true;
  return ends[0];
}

void set_text(unsigned char* out, std::size_t size, const char* text) {
  std::memset(out, 0, size);
  std::memcpy(out, text, std::min(size - 1, std::strlen(text)));
}

int query_capability(v4l2_capability& answer) {
  answer = {};
  set_text(answer.driver, sizeof answer.driver, "shim");
  set_text(answer.card, sizeof answer.card, "Shim Camera");
  set_text(answer.bus_info, sizeof answer.bus_info, "usb-shim-1");
  answer.version = 0x060100;
  answer.device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  answer.capabilities = answer.device_caps | V4L2_CAP_DEVICE_CAPS;
  return 0;
}

int enumerate_format(v4l2_fmtdesc& entry) {
  std::vector<std::uint32_t> formats;
  for (const auto& mode : device().camera.modes()) {
    if (std::find(formats.begin(), formats.end(), mode.fourcc) == formats.end()) formats.push_back(mode.fourcc);
  }
  if (entry.type != V4L2_BUF_TYPE_VIDEO_CAPTURE || entry.index >= formats.size()) return EINVAL;
  entry.pixelformat = formats[entry.index];
  entry.flags = entry.pixelformat == V4L2_PIX_FMT_YUYV ? 0 : V4L2_FMT_FLAG_COMPRESSED;
  set_text(entry.description, sizeof entry.description,
           entry.pixelformat == V4L2_PIX_FMT_YUYV ? "YUYV 4:2:2" : "Coded");
  return 0;
}

int enumerate_size(v4l2_frmsizeenum& entry) {
  std::uint32_t index = 0;
  for (const auto& mode : device().camera.modes()) {
    if (mode.fourcc != entry.pixel_format || index++ != entry.index) continue;
    entry.type = V4L2_FRMSIZE_TYPE_DISCRETE;
    entry.discrete = {static_cast<__u32>(mode.size.width_px), static_cast<__u32>(mode.size.height_px)};
    return 0;
  }
  return EINVAL;
}

int enumerate_interval(v4l2_frmivalenum& entry) {
  for (const auto& mode : device().camera.modes()) {
    const campipe::Size size{static_cast<int>(entry.width), static_cast<int>(entry.height)};
    if (mode.fourcc != entry.pixel_format || !(mode.size == size) || entry.index >= mode.rates.size()) continue;
    entry.type = V4L2_FRMIVAL_TYPE_DISCRETE;
    entry.discrete = {1, static_cast<__u32>(mode.rates[entry.index])};
    return 0;
  }
  return EINVAL;
}

void tell_format(v4l2_format& format, const shim::ModeEntry& mode) {
  auto& pix = format.fmt.pix;
  pix = {};
  pix.width = static_cast<__u32>(mode.size.width_px);
  pix.height = static_cast<__u32>(mode.size.height_px);
  pix.pixelformat = mode.fourcc;
  pix.field = V4L2_FIELD_NONE;
  pix.bytesperline = mode.fourcc == V4L2_PIX_FMT_YUYV ? pix.width * 2 : 0;
  pix.sizeimage = static_cast<__u32>(device().camera.buffer_bytes(mode));
  pix.colorspace = V4L2_COLORSPACE_SRGB;
}

int set_format(int fd, v4l2_format& format) {
  if (is_set("SHIM_BUSY") || (device().owner >= 0 && device().owner != fd)) return EBUSY;
  const auto& pix = format.fmt.pix;
  auto& camera = device().camera;
  camera.mode = camera.nearest(pix.pixelformat, {static_cast<int>(pix.width), static_cast<int>(pix.height)});
  camera.rate = camera.mode.rates.front();
  tell_format(format, camera.mode);
  return 0;
}

int parameters(v4l2_streamparm& answer, bool set) {
  auto& camera = device().camera;
  auto& capture = answer.parm.capture;
  if (set && capture.timeperframe.numerator > 0) {
    const double wanted = static_cast<double>(capture.timeperframe.denominator) / capture.timeperframe.numerator;
    camera.rate = *std::min_element(camera.mode.rates.begin(), camera.mode.rates.end(),
                                    [&](int a, int b) { return std::abs(a - wanted) < std::abs(b - wanted); });
  }
  capture = {};
  capture.capability = V4L2_CAP_TIMEPERFRAME;
  capture.timeperframe = {1, static_cast<__u32>(camera.rate)};
  return 0;
}

int request_buffers(int fd, v4l2_requestbuffers& request) {
  if (is_set("SHIM_BUSY") || (device().owner >= 0 && device().owner != fd)) return EBUSY;
  if (request.memory != V4L2_MEMORY_MMAP) return EINVAL;
  device().owner = request.count > 0 ? fd : -1;
  return device().camera.request_buffers(request.count);
}

int dequeue(v4l2_buffer& buffer) {
  shim::Filled filled;
  if (const int error = device().camera.dequeue(filled); error != 0) return error;
  buffer.index = filled.index;
  buffer.bytesused = filled.bytes;
  buffer.length = static_cast<__u32>(device().camera.buffer_length());
  buffer.flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_DONE | (filled.error ? V4L2_BUF_FLAG_ERROR : 0U);
  buffer.field = V4L2_FIELD_NONE;
  buffer.sequence = filled.sequence;
  buffer.timestamp.tv_sec = filled.timestamp_ns / 1'000'000'000;
  buffer.timestamp.tv_usec = filled.timestamp_ns % 1'000'000'000 / 1000;
  buffer.memory = V4L2_MEMORY_MMAP;
  return 0;
}

int answer(int fd, unsigned long request, void* argument) {
  auto& camera = device().camera;
  switch (request) {
    case VIDIOC_QUERYCAP:
      return query_capability(*static_cast<v4l2_capability*>(argument));
    case VIDIOC_ENUM_FMT:
      return enumerate_format(*static_cast<v4l2_fmtdesc*>(argument));
    case VIDIOC_ENUM_FRAMESIZES:
      return enumerate_size(*static_cast<v4l2_frmsizeenum*>(argument));
    case VIDIOC_ENUM_FRAMEINTERVALS:
      return enumerate_interval(*static_cast<v4l2_frmivalenum*>(argument));
    case VIDIOC_G_FMT:
      tell_format(*static_cast<v4l2_format*>(argument), camera.mode);
      return 0;
    case VIDIOC_S_FMT:
      return set_format(fd, *static_cast<v4l2_format*>(argument));
    case VIDIOC_G_PARM:
      return parameters(*static_cast<v4l2_streamparm*>(argument), false);
    case VIDIOC_S_PARM:
      return parameters(*static_cast<v4l2_streamparm*>(argument), true);
    case VIDIOC_S_INPUT:
      return *static_cast<int*>(argument) == 0 ? 0 : EINVAL;
    case VIDIOC_REQBUFS:
      return request_buffers(fd, *static_cast<v4l2_requestbuffers*>(argument));
    case VIDIOC_QUERYBUF: {
      auto& buffer = *static_cast<v4l2_buffer*>(argument);
      if (camera.buffer(buffer.index) == nullptr) return EINVAL;
      buffer.length = static_cast<__u32>(camera.buffer_length());
      buffer.m.offset = static_cast<__u32>(buffer.index * camera.buffer_length());
      return 0;
    }
    case VIDIOC_QBUF:
      return camera.queue(static_cast<v4l2_buffer*>(argument)->index);
    case VIDIOC_DQBUF:
      return dequeue(*static_cast<v4l2_buffer*>(argument));
    case VIDIOC_STREAMON:
      return is_set("SHIM_ENOSPC") ? ENOSPC : camera.start(fd, device().open_fds[fd]);
    case VIDIOC_STREAMOFF:
      camera.stop();
      return 0;
    default:
      return ENOTTY;
  }
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int do_open(int folder, const char* path, int flags, unsigned mode) {
  if (path != nullptr && std::strcmp(path, device_path()) == 0) return open_device();
  return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
}

bool lists_dev(DIR* folder) {
  char link[32], target[16] = {};
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", ::dirfd(folder));
  return ::readlink(link, target, sizeof target - 1) == 4 && std::strcmp(target, "/dev") == 0;
}

}  // namespace

#define SHIM_MODE(last)                       \
  unsigned mode = 0;                          \
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) { \
    va_list arguments;                        \
    va_start(arguments, last);                \
    mode = va_arg(arguments, unsigned);       \
    va_end(arguments);                        \
  }

extern "C" {
int open(const char* path, int flags, ...) {
  SHIM_MODE(flags)
  return do_open(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  SHIM_MODE(flags)
  return do_open(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  SHIM_MODE(flags)
  return do_open(folder, path, flags, mode);
}
int __open_2(const char* path, int flags) {
  return do_open(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char* path, int flags) {
  return do_open(AT_FDCWD, path, flags, 0);
}

int access(const char* path, int mode) {
  if (std::strcmp(path, device_path()) == 0) return 0;
  return static_cast<int>(::syscall(SYS_faccessat, AT_FDCWD, path, mode));
}
int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (any_open) {
    const std::lock_guard guard(lock());
    if (ours(fd)) {
      const int error = answer(fd, request & 0xffffffffUL, argument);
      if (error == 0) return 0;
      errno = error;
      return -1;
    }
  }
  return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
}

void* mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  if (any_open && fd >= 0) {
    const std::lock_guard guard(lock());
    if (ours(fd)) {
      std::byte* buffer = device().camera.buffer(
          static_cast<std::uint32_t>(static_cast<std::size_t>(offset) / device().camera.buffer_length()));
      return buffer == nullptr ? MAP_FAILED : buffer;
    }
  }
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, length, protection, flags, fd, offset));
}
void* mmap64(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap(address, length, protection, flags, fd, offset);
}

int munmap(void* address, std::size_t length) {
  if (any_open) {
    const std::lock_guard guard(lock());
    for (std::uint32_t i = 0; device().camera.buffer(i) != nullptr; ++i) {
      if (device().camera.buffer(i) == address) return 0;
    }
  }
  return static_cast<int>(::syscall(SYS_munmap, address, length));
}

int close(int fd) {
  if (any_open) {
    const std::lock_guard guard(lock());
    if (ours(fd)) {
      if (device().owner == fd) {
        std::uint32_t none = 0;
        device().camera.request_buffers(none);
        device().owner = -1;
      }
      ::syscall(SYS_close, device().open_fds[fd]);
      device().open_fds.erase(fd);
    }
  }
  return static_cast<int>(::syscall(SYS_close, fd));
}

/// Adds the device to a listing of /dev.
dirent* readdir(DIR* folder) {
  static const auto real = next<dirent* (*)(DIR*)>("readdir");
  thread_local DIR* told = nullptr;
  thread_local dirent extra{};
  dirent* entry = real(folder);
  if (entry != nullptr || told == folder || std::strncmp(device_path(), "/dev/video", 10) != 0 || !lists_dev(folder)) {
    if (entry == nullptr) told = nullptr;
    return entry;
  }
  told = folder;
  extra.d_type = DT_CHR;
  std::snprintf(extra.d_name, sizeof extra.d_name, "%s", device_path() + 5);
  return &extra;
}
dirent64* readdir64(DIR* folder) {
  return reinterpret_cast<dirent64*>(readdir(folder));
}
}
