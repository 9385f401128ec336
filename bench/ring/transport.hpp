#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Ways to hand pictures from one process to several others, behind one interface, to be measured side by side.
namespace campipe::bench {

/// 1080p YUV 4:2:0 unless told otherwise.
struct Picture {
  std::uint32_t width_px = 1920, height_px = 1080;
  std::size_t bytes() const noexcept { return std::size_t{width_px} * height_px * 3 / 2; }
};

/// What a picture begins with.
struct Stamp {
  std::int64_t sent_ns = 0;  ///< CLOCK_MONOTONIC, just before it was handed out
  std::uint64_t number = 0;
  std::uint64_t last = 0;  ///< 1 = none follows
};

inline void put(const Stamp& stamp, std::span<std::byte> picture) noexcept {
  std::memcpy(picture.data(), &stamp, sizeof stamp);
}

inline Stamp stamp_of(std::span<const std::byte> picture) noexcept {
  Stamp stamp;
  std::memcpy(&stamp, picture.data(), sizeof stamp);
  return stamp;
}

struct Counts {
  std::uint64_t dropped = 0;   ///< sender: not handed out
  std::uint64_t in_place = 0;  ///< sender: pictures that were not copied
  std::uint64_t copied = 0;    ///< receiver: pictures that were copied
};

/// In the sending process.
class Sender {
public:
  virtual ~Sender() = default;
  /// Hands out a picture with this stamp, whose time it fills in as late as it can.
  virtual void send(Stamp stamp) = 0;
  virtual Counts counts() const { return {}; }
};

/// In a receiving process.
class Receiver {
public:
  virtual ~Receiver() = default;
  /// Waits for the next picture, which stays until the next call. Nothing when none came for 5 s.
  virtual std::optional<std::span<const std::byte>> receive() = 0;
  virtual Counts counts() const { return {}; }
};

constexpr int kPatienceMs = 5000;

/// Made before the processes part. The sender is there before receivers are made.
class Transport {
public:
  struct Options {
    Picture picture;
    unsigned receivers = 1;
    std::uint32_t slots = 8;  ///< of a ring
  };
  virtual ~Transport() = default;
  virtual std::unique_ptr<Sender> sender() = 0;
  virtual std::unique_ptr<Receiver> receiver(unsigned index) = 0;
};

/// Source pictures in turn, so that a copy does not find them in the processor's cache.
class SourcePictures {
public:
  explicit SourcePictures(std::size_t bytes) : pictures_(kCount, std::vector<std::byte>(bytes, std::byte{7})) {}
  std::span<std::byte> next() { return pictures_[at_++ % kCount]; }

private:
  static constexpr std::size_t kCount = 8;
  std::vector<std::vector<std::byte>> pictures_;
  std::size_t at_ = 0;
};

/// "ring" (drawn in place, leased), "ring-copied-in" (leased), "ring-copied-out" (drawn in place).
std::unique_ptr<Transport> make_ring(const std::string& variant, const Transport::Options& options);
/// "pipe" (write and read), "pipe-nut" (campipe's NUT writer and reader): a pipe for each receiver, written in turn.
std::unique_ptr<Transport> make_pipe(bool nut, const Transport::Options& options);
/// One slot in shared memory under flock(2), polled each millisecond: the pattern of ustreamer's memsink.
std::unique_ptr<Transport> make_locked_slot(const Transport::Options& options);
/// appsrc ! shmsink, shmsrc ! appsink. Nothing when it was not built in.
std::unique_ptr<Transport> make_gstreamer(const Transport::Options& options);

}  // namespace campipe::bench
