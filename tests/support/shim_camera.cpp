#include "shim_camera.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include <linux/videodev2.h>
#include <unistd.h>

#include "media/counter_strip.hpp"

namespace shim {

namespace {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool begins_h264_frame(const std::vector<std::byte>& data, std::size_t at, bool& slice_seen) {
  // At a start code 00 00 01: a frame begins with the first unit after a slice that is no further slice of it.
  const int type = std::to_integer<int>(data[at + 3]) & 31;
  const bool first_slice = (type == 1 || type == 5) && (data[at + 4] & std::byte{0x80}) != std::byte{0};
  const bool begins = slice_seen && (first_slice || (type >= 6 && type <= 9));
  if (begins) slice_seen = false;
  slice_seen = slice_seen || type == 1 || type == 5;
  return begins;
}

}  // namespace

std::vector<std::vector<std::byte>> load_frames(const char* path, bool h264) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> data(text.size());
  std::memcpy(data.data(), text.data(), text.size());
  std::vector<std::vector<std::byte>> frames;
  std::size_t from = 0;
  bool slice_seen = false;
  const auto byte = [&](std::size_t i) { return std::to_integer<int>(data[i]); };
  for (std::size_t at = 0; at + 4 < data.size(); ++at) {
    bool begins = false;
    if (h264) {
      if (byte(at) != 0 || byte(at + 1) != 0 || byte(at + 2) != 1) continue;
      begins = begins_h264_frame(data, at, slice_seen);
    } else {
      begins = at > 0 && byte(at) == 0xff && byte(at + 1) == 0xd8 && byte(at + 2) == 0xff && byte(at - 2) == 0xff &&
               byte(at - 1) == 0xd9;
    }
    if (!begins) continue;
    const std::size_t end = h264 && at > 0 && byte(at - 1) == 0 ? at - 1 : at;  // the fourth byte of a start code
    frames.emplace_back(data.begin() + static_cast<std::ptrdiff_t>(from),
                        data.begin() + static_cast<std::ptrdiff_t>(end));
    from = end;
  }
  if (from < data.size()) frames.emplace_back(data.begin() + static_cast<std::ptrdiff_t>(from), data.end());
  return frames;
}

Faults read_faults() {
  Faults faults;
  const char* path = std::getenv("SHIM_CONTROL");
  if (path == nullptr) return faults;
  std::ifstream file(path);
  const auto number = [](const std::string& word) {
    return static_cast<unsigned>(std::strtoul(word.c_str() + word.find('=') + 1, nullptr, 10));
  };
  for (std::string word; file >> word;) {
    faults.stall |= word == "stall";
    faults.unplug |= word == "unplug";
    faults.halt |= word == "halt";
    faults.bad_clock |= word == "badclock";
    faults.same_stamp |= word == "samestamp";
    faults.no_end |= word == "noend";
    if (word.starts_with("error=")) faults.error = number(word);
    if (word.starts_with("short=")) faults.cut = number(word);
    if (word.starts_with("empty=")) faults.empty = number(word);
    if (word.starts_with("gap=")) faults.gap = number(word);
  }
  return faults;
}

Camera::Camera() {
  modes_ = {{V4L2_PIX_FMT_YUYV, {320, 240}, {60, 30, 15}},
            {V4L2_PIX_FMT_YUYV, {640, 480}, {30, 15}},
            {V4L2_PIX_FMT_YUYV, {1280, 720}, {30, 10}},
            {V4L2_PIX_FMT_YUYV, {1920, 1080}, {5}}};
  campipe::Size coded{640, 480};
  if (const char* text = std::getenv("SHIM_CODED_SIZE")) std::sscanf(text, "%dx%d", &coded.width_px, &coded.height_px);
  if (const char* path = std::getenv("SHIM_MJPEG")) mjpeg_ = load_frames(path, false);
  if (const char* path = std::getenv("SHIM_H264")) h264_ = load_frames(path, true);
  if (!mjpeg_.empty()) modes_.push_back({V4L2_PIX_FMT_MJPEG, coded, {60, 30, 15}});
  if (!h264_.empty()) modes_.push_back({V4L2_PIX_FMT_H264, coded, {60, 30, 15}});
  mode = modes_.front();
}

const ModeEntry& Camera::nearest(std::uint32_t fourcc, campipe::Size size) const {
  const auto distance = [&](const ModeEntry& m) {
    return (m.fourcc == fourcc ? 0 : 1'000'000) + std::abs(m.size.width_px - size.width_px) +
           std::abs(m.size.height_px - size.height_px);
  };
  return *std::ranges::min_element(modes_, {}, distance);
}

std::size_t Camera::buffer_bytes(const ModeEntry& wanted) const {
  std::size_t bytes =
      static_cast<std::size_t>(wanted.size.width_px) * static_cast<std::size_t>(wanted.size.height_px) * 2;
  for (const auto* frames : {&mjpeg_, &h264_}) {
    for (const auto& frame : *frames) bytes = std::max(bytes, frame.size());
  }
  return (bytes + 4095) & ~std::size_t{4095};
}

int Camera::request_buffers(std::uint32_t& count) {
  stop();
  gone_ = false;
  count = std::min<std::uint32_t>(count, 32);
  length_ = buffer_bytes(mode);
  buffers_.assign(count, std::vector<std::byte>(length_));
  return 0;
}

std::byte* Camera::buffer(std::uint32_t index) {
  return index < buffers_.size() ? buffers_[index].data() : nullptr;
}

int Camera::queue(std::uint32_t index) {
  const std::lock_guard lock(mutex_);
  if (gone_) return ENODEV;
  if (index >= buffers_.size()) return EINVAL;
  queued_.push_back(index);
  return 0;
}

int Camera::start(int event_fd, int wake_fd) {
  event_fd_ = event_fd;
  wake_fd_ = wake_fd;
  running_ = true;
  gone_ = halted_ = false;
  sequence_ = 0;
  // The tool's signals are for its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return 0;
}

void Camera::stop() {
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  queued_.clear();
  filled_.clear();
}

int Camera::dequeue(Filled& filled) {
  const std::lock_guard lock(mutex_);
  if (gone_) return ENODEV;
  std::uint64_t count = 0;
  if (filled_.empty() || ::read(event_fd_, &count, sizeof count) != sizeof count) return EAGAIN;
  filled = filled_.front();
  filled_.pop_front();
  return 0;
}

namespace {

/// Writes the time into a COM segment right behind SOI that bench/fanout/stamp.hpp made, when there is one.
void restamp(std::byte* picture) {
  constexpr std::string_view kMark = "campipe-bench-ts";
  constexpr std::size_t kMarkAt = 6, kDigits = 16;
  if (std::memcmp(picture + kMarkAt, kMark.data(), kMark.size()) != 0) return;
  auto rest = static_cast<std::uint64_t>(now_ns());
  for (std::size_t i = kDigits; i-- > 0; rest >>= 4)
    picture[kMarkAt + kMark.size() + i] = static_cast<std::byte>("0123456789abcdef"[rest & 15]);
}

}  // namespace

/// A picture with colour bars, a line that moves, and the counter strip of the pattern.
std::size_t Camera::paint(std::byte* out) {
  if (mode.fourcc != V4L2_PIX_FMT_YUYV) {
    const auto& frames = mode.fourcc == V4L2_PIX_FMT_MJPEG ? mjpeg_ : h264_;
    const auto& frame = frames[sequence_ % frames.size()];
    std::memcpy(out, frame.data(), frame.size());
    if (mode.fourcc == V4L2_PIX_FMT_MJPEG) restamp(out);
    return frame.size();
  }
  static constexpr std::array<std::array<unsigned char, 4>, 8> kBars{{{235, 128, 235, 128},
                                                                      {210, 16, 210, 146},
                                                                      {170, 166, 170, 16},
                                                                      {145, 54, 145, 34},
                                                                      {106, 202, 106, 222},
                                                                      {81, 90, 81, 240},
                                                                      {41, 240, 41, 110},
                                                                      {16, 128, 16, 128}}};
  const auto width = static_cast<std::size_t>(mode.size.width_px),
             height = static_cast<std::size_t>(mode.size.height_px);
  const std::size_t row = width * 2;
  for (std::size_t pair = 0; pair < width / 2; ++pair) std::memcpy(out + pair * 4, kBars[pair * 16 / width].data(), 4);
  for (std::size_t y = 1; y < height; ++y) std::memcpy(out + y * row, out, row);
  const auto strip = static_cast<std::size_t>(campipe::media::counter_strip_rows(mode.size.height_px));
  std::vector<std::byte> luma(width * strip);
  campipe::media::draw_counter_strip(luma, width, mode.size, sequence_, 16, 235);
  for (std::size_t i = 0; i < luma.size(); ++i) {
    out[i * 2] = luma[i];
    out[i * 2 + 1] = std::byte{128};
  }
  const std::size_t line = strip + sequence_ * 4 % (height - strip);
  for (std::size_t x = 0; x < row; ++x) out[line * row + x] = static_cast<std::byte>(x % 2 == 0 ? 235 : 128);
  return row * height;
}

void Camera::fill(std::uint32_t index, const Faults& faults, std::int64_t due_ns) {
  std::size_t bytes = paint(buffers_[index].data());
  if (faults.no_end && mode.fourcc == V4L2_PIX_FMT_MJPEG) bytes -= 2;
  if (every(faults.cut)) bytes /= 2;
  if (every(faults.empty)) bytes = 0;
  std::int64_t stamp = due_ns;
  if (faults.bad_clock) stamp -= 3'600'000'000'000;
  if (faults.same_stamp) stamp = now_ns() - 1'000'000;
  if (faults.same_stamp && !filled_.empty()) stamp = filled_.back().timestamp_ns;
  filled_.push_back({index, static_cast<std::uint32_t>(bytes), sequence_, stamp, every(faults.error)});
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(wake_fd_, &one, sizeof one);
}

void Camera::run() {
  std::unique_lock lock(mutex_);
  auto due = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds interval(1'000'000'000 / rate);
  while (running_) {
    due += interval;
    if (wake_.wait_until(lock, due, [this] { return !running_; })) return;
    const Faults faults = read_faults();
    if (faults.unplug && !gone_) {
      gone_ = true;
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto wrote = ::write(wake_fd_, &one, sizeof one);
    }
    if (faults.halt && !halted_) {
      halted_ = true;
      for (; !queued_.empty(); queued_.pop_front()) {
        filled_.push_back({queued_.front(), 0, sequence_++, 0, true});
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto wrote = ::write(wake_fd_, &one, sizeof one);
      }
    }
    if (gone_ || halted_ || faults.stall) continue;
    const std::int64_t due_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(due.time_since_epoch()).count();
    if (!queued_.empty() && !every(faults.gap)) {
      const std::uint32_t index = queued_.front();
      queued_.pop_front();
      fill(index, faults, due_ns);
    }
    ++sequence_;
  }
}

}  // namespace shim
