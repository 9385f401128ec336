#pragma once
#include <atomic>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "ring/kernel/futex.hpp"
#include "ring/kernel/names.hpp"
#include "ring/read/reader.hpp"
#include "ring/survey.hpp"
#include "ring/write/writer.hpp"

namespace campipe::ring {

/// ThreadSanitizer holds locks of its own inside each atomic access; a SIGBUS there, whose handler uses atomics too,
/// never comes back. For tests that have a mapping truncated under them.
constexpr bool kHasThreadSanitizer =
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

/// A name of this test's own; its objects are gone afterwards.
class RingTest : public testing::Test {
protected:
  RingTest() {
    static int count = 0;
    name = "unit" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  }
  ~RingTest() override {
    for (const auto& path : {kernel::object_path(name), kernel::control_path(name), kernel::object_path(name) + ".new"})
      ::unlink(path.c_str());
  }

  std::string name;
};

inline layout::Format raw_format(std::uint32_t width = 64, std::uint32_t height = 48) {
  layout::Format format;
  format.codec = layout::Codec::raw;
  format.pixel_format = "gray";
  format.width_px = width;
  format.height_px = height;
  format.rate_num = 30;
  return format;
}

inline layout::Format coded_format(layout::Codec codec = layout::Codec::h264) {
  layout::Format format;
  format.codec = codec;
  format.width_px = 640;
  format.height_px = 480;
  format.rate_num = 30;
  return format;
}

/// A payload that tells its number in each of its words.
inline std::vector<std::byte> numbered(std::uint64_t number, std::size_t bytes) {
  std::vector<std::byte> payload(bytes);
  for (std::size_t i = 0; i < bytes; i += 8)
    std::memcpy(payload.data() + i, &number, std::min<std::size_t>(8, bytes - i));
  return payload;
}

/// The number, or 0 when the words differ.
inline std::uint64_t number_of(std::span<const std::byte> payload) {
  std::uint64_t first = 0;
  if (payload.size() < 8) return 0;
  std::memcpy(&first, payload.data(), 8);
  for (std::size_t i = 0; i < payload.size(); i += 8) {
    if (std::memcmp(payload.data() + i, &first, std::min<std::size_t>(8, payload.size() - i)) != 0) return 0;
  }
  return first;
}

constexpr std::size_t kPictureBytes = 64 * 48;

inline bool put(write::Writer& writer, std::uint64_t number, std::size_t bytes = kPictureBytes,
                std::uint32_t flags = layout::kKeyframe) {
  return writer.publish({.pts_us = static_cast<std::int64_t>(number), .flags = flags}, numbered(number, bytes));
}

/// The next unit's number; fails the test, with 0, when none comes within 5 s. Formats are passed over.
inline std::uint64_t get(read::Reader& reader) {
  for (;;) {
    switch (reader.next(5000)) {
      case read::Event::format:
      case read::Event::source:
        continue;
      case read::Event::unit:
        return number_of(reader.unit().bytes);
      case read::Event::timeout:
      case read::Event::interrupted:
        ADD_FAILURE() << "no unit came";
        return 0;
    }
  }
}

/// Runs `child` in another process, which does not return from it.
template <class Child>
pid_t in_child(Child child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    child();
    ::_exit(0);
  }
  return pid;
}

/// Until somebody in this process waits for a ring, after those waits that `before` counts.
inline void await_wait(std::uint64_t before) {
  while (kernel::waits_begun() == before) std::this_thread::yield();
}

/// What a child has to say, once.
class Told {
public:
  Told() { EXPECT_EQ(::pipe(ends_), 0); }
  ~Told() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  void tell() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  void wait() const {
    char x = 0;
    EXPECT_EQ(::read(ends_[0], &x, 1), 1);
  }

private:
  int ends_[2] = {-1, -1};
};

inline void kill_and_reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace campipe::ring
