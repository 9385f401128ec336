#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "transport.hpp"

namespace campipe::bench {

namespace {

constexpr useconds_t kPollUs = 1000;
constexpr std::int64_t kWriterPatienceNs = 1'000'000'000;
constexpr std::size_t kHead = 4096;  // the slot's number, then the picture

/// The slot as one process has it: flock(2) is held by an open file description, so each opens the object itself.
class Slot {
public:
  Slot(const std::string& path, std::size_t bytes) : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    if (!fd_) throw std::system_error(errno, std::generic_category(), path);
    void* const place = ::mmap(nullptr, kHead + bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(), 0);
    if (place == MAP_FAILED) throw std::system_error(errno, std::generic_category(), path);
    base_ = static_cast<std::byte*>(place);
    bytes_ = bytes;
  }
  ~Slot() { ::munmap(base_, kHead + bytes_); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  /// Tries each millisecond.
  bool lock(std::int64_t until_ns) const noexcept {
    while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (monotonic_ns() >= until_ns) return false;
      ::usleep(kPollUs);
    }
    return true;
  }
  void unlock() const noexcept { ::flock(fd_.get(), LOCK_UN); }

  std::uint64_t& number() const noexcept { return *reinterpret_cast<std::uint64_t*>(base_); }  // under the lock
  std::span<std::byte> picture() const noexcept { return {base_ + kHead, bytes_}; }

private:
  Fd fd_;
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
};

class SlotSender final : public Sender {
public:
  SlotSender(const std::string& path, std::size_t bytes) : slot_(path, bytes), sources_(bytes) {}

  void send(Stamp stamp) override {
    const auto picture = sources_.next();
    stamp.sent_ns = monotonic_ns();
    put(stamp, picture);
    if (!slot_.lock(stamp.sent_ns + kWriterPatienceNs)) {
      ++dropped_;
      return;
    }
    std::memcpy(slot_.picture().data(), picture.data(), picture.size());
    ++slot_.number();
    slot_.unlock();
  }
  Counts counts() const override { return {.dropped = dropped_}; }

private:
  Slot slot_;
  SourcePictures sources_;
  std::uint64_t dropped_ = 0;
};

class SlotReceiver final : public Receiver {
public:
  SlotReceiver(const std::string& path, std::size_t bytes) : slot_(path, bytes), picture_(bytes) {}

  std::optional<std::span<const std::byte>> receive() override {
    const std::int64_t until = monotonic_ns() + std::int64_t{kPatienceMs} * 1'000'000;
    while (slot_.lock(until)) {
      const bool fresh = slot_.number() != number_;
      if (fresh) {
        number_ = slot_.number();
        std::memcpy(picture_.data(), slot_.picture().data(), picture_.size());
        ++copied_;
      }
      slot_.unlock();
      if (fresh) return picture_;
      if (monotonic_ns() >= until) break;
      ::usleep(kPollUs);
    }
    return std::nullopt;
  }
  Counts counts() const override { return {.copied = copied_}; }

private:
  Slot slot_;
  std::vector<std::byte> picture_;
  std::uint64_t number_ = 0, copied_ = 0;
};

class SlotTransport final : public Transport {
public:
  explicit SlotTransport(const Options& options)
      : bytes_(options.picture.bytes()), path_("/dev/shm/campipe-bench-slot-" + std::to_string(::getpid())) {
    const Fd made(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made || ::ftruncate(made.get(), static_cast<off_t>(kHead + bytes_)) != 0) {
      throw std::system_error(errno, std::generic_category(), path_);
    }
  }
  ~SlotTransport() override { ::unlink(path_.c_str()); }

  std::unique_ptr<Sender> sender() override { return std::make_unique<SlotSender>(path_, bytes_); }
  std::unique_ptr<Receiver> receiver(unsigned /*index*/) override {
    return std::make_unique<SlotReceiver>(path_, bytes_);
  }

private:
  std::size_t bytes_;
  std::string path_;
};

}  // namespace

std::unique_ptr<Transport> make_locked_slot(const Transport::Options& options) {
  return std::make_unique<SlotTransport>(options);
}

}  // namespace campipe::bench
