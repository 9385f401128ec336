#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/units.hpp"

/// The camera behind the preload shim: modes, buffers and a thread that fills them at the pace that was asked for.
namespace shim {

struct ModeEntry {
  std::uint32_t fourcc = 0;
  campipe::Size size;
  std::vector<int> rates;  ///< fps
};

struct Filled {
  std::uint32_t index = 0, bytes = 0, sequence = 0;
  std::int64_t timestamp_ns = 0;
  bool error = false;
};

/// What the control file ($SHIM_CONTROL) tells it to do wrong. It is read again for every frame; words apart by white
/// space:
///   stall        no more frames              unplug      as if the cable was pulled
///   error=N      flag every Nth frame        short=N     half of every Nth frame
///   empty=N      no data in every Nth        gap=N       leave out every Nth, counting it
///   halt         all buffers at once with the error flag, then nothing until the stream is started again
///   badclock     stamps from long ago        samestamp   always the same stamp
///   noend        JPEG without EOI
struct Faults {
  bool stall = false, unplug = false, halt = false, bad_clock = false, same_stamp = false, no_end = false;
  unsigned error = 0, cut = 0, empty = 0, gap = 0;
};
Faults read_faults();

class Camera {
public:
  /// $SHIM_MJPEG and $SHIM_H264 are files of coded frames, $SHIM_CODED_SIZE their size (640x480).
  Camera();

  const std::vector<ModeEntry>& modes() const { return modes_; }
  /// The mode nearest to what is asked, as drivers answer.
  const ModeEntry& nearest(std::uint32_t fourcc, campipe::Size size) const;
  std::size_t buffer_bytes(const ModeEntry& mode) const;

  // As the ioctls: 0 or errno. `event_fd` is what the program polls; a frame is 8 bytes in the pipe whose other
  // end is `wake_fd`.
  ModeEntry mode;
  int rate = 30;
  int request_buffers(std::uint32_t& count);
  std::byte* buffer(std::uint32_t index);
  std::size_t buffer_length() const { return length_; }
  int queue(std::uint32_t index);
  int start(int event_fd, int wake_fd);
  void stop();
  int dequeue(Filled& filled);
  bool streaming() const { return running_; }

private:
  void run();
  void fill(std::uint32_t index, const Faults& faults, std::int64_t due_ns);
  std::size_t paint(std::byte* out);
  bool every(unsigned n) const { return n > 0 && sequence_ % n == n - 1; }

  std::vector<ModeEntry> modes_;
  std::vector<std::vector<std::byte>> mjpeg_, h264_;
  std::vector<std::vector<std::byte>> buffers_;
  std::size_t length_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::uint32_t> queued_;
  std::deque<Filled> filled_;
  std::thread thread_;
  bool running_ = false, gone_ = false, halted_ = false;
  int event_fd_ = -1, wake_fd_ = -1;
  std::uint32_t sequence_ = 0;
};

/// Splits a file of JPEG images or Annex B into frames.
std::vector<std::vector<std::byte>> load_frames(const char* path, bool h264);

}  // namespace shim
