#include "base/fd.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include "base/error.hpp"

namespace campipe {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

/// A descriptor that is surely closed.
int closed_fd() {
  Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fd.get();
}

TEST(Fd, ClosesWhatItOwnsOnce) {
  int number = -1;
  {
    const Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = fd.get();
    EXPECT_TRUE(fd);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, IsEmptyUnlessGivenOne) {
  Fd fd;
  EXPECT_FALSE(fd);
  EXPECT_EQ(fd.get(), -1);
  EXPECT_EQ(fd.release(), -1);
  EXPECT_EQ(fd.close_checked(), 0);
  fd.reset();
  EXPECT_FALSE(fd);
}

TEST(Fd, MovingHandsTheDescriptorOverAndClosesTheOldOne) {
  Pipe pipe = make_pipe();
  const int read_number = pipe.read_end.get(), write_number = pipe.write_end.get();
  pipe.read_end = std::move(pipe.write_end);
  EXPECT_EQ(pipe.read_end.get(), write_number);
  EXPECT_FALSE(pipe.write_end);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(is_open(read_number));
  EXPECT_TRUE(is_open(write_number));
}

TEST(Fd, SurvivesAMoveToItself) {
  Pipe pipe = make_pipe();
  Fd& same = pipe.read_end;
  const int number = same.get();
  pipe.read_end = std::move(same);
  EXPECT_EQ(pipe.read_end.get(), number);
  EXPECT_TRUE(is_open(number));
}

TEST(Fd, ReleaseKeepsTheDescriptorOpen) {
  Pipe pipe = make_pipe();
  const Fd other(pipe.read_end.release());
  EXPECT_FALSE(pipe.read_end);
  EXPECT_TRUE(is_open(other.get()));
}

TEST(Fd, CloseCheckedTellsTheError) {
  Pipe pipe = make_pipe();
  const int number = pipe.read_end.get();
  EXPECT_EQ(pipe.read_end.close_checked(), 0);
  EXPECT_FALSE(pipe.read_end);
  EXPECT_FALSE(is_open(number));
  Fd gone(number);
  EXPECT_EQ(gone.close_checked(), EBADF);
  EXPECT_FALSE(gone);
}

TEST(MakePipe, EndsAreConnectedAndCloseOnExec) {
  const Pipe pipe = make_pipe();
  EXPECT_EQ(::fcntl(pipe.read_end.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(pipe.write_end.get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
  char byte = 0;
  ASSERT_EQ(::read(pipe.read_end.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST(MakePipe, SaysThatNoDescriptorsAreLeft) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::string message;
  ExitCode code = ExitCode::ok;
  try {
    make_pipe();
  } catch (const Error& error) {
    message = error.what();
    code = error.code();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(message, "cannot make a pipe: Too many open files");
  EXPECT_EQ(code, ExitCode::os_error);
}

TEST(SetPipeSize, SetsItAndLeavesAloneWhatItCannotSet) {
  const Pipe pipe = make_pipe();
  set_pipe_size(pipe.write_end.get(), 256 << 10);
  EXPECT_EQ(::fcntl(pipe.write_end.get(), F_GETPIPE_SZ), 256 << 10);
  set_pipe_size(pipe.write_end.get(), 1 << 30);  // over the limit of a user
  EXPECT_GE(::fcntl(pipe.write_end.get(), F_GETPIPE_SZ), 256 << 10);
  set_pipe_size(pipe.write_end.get(), -1);
  EXPECT_GE(::fcntl(pipe.write_end.get(), F_GETPIPE_SZ), 256 << 10);
  const Fd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  set_pipe_size(file.get(), 4096);
  EXPECT_TRUE(is_open(file.get()));
  set_pipe_size(-1, 4096);
}

class WriteAll : public testing::Test {
protected:
  WriteAll() { std::signal(SIGPIPE, SIG_IGN); }

  static std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
    return bytes;
  }

  /// Reads until the writers are gone.
  static std::vector<std::byte> drain(int fd) {
    std::vector<std::byte> all, piece(1 << 16);
    for (ssize_t got = 0; (got = ::read(fd, piece.data(), piece.size())) > 0;) {
      all.insert(all.end(), piece.begin(), piece.begin() + got);
    }
    return all;
  }

  Pipe pipe_ = make_pipe();
};

TEST_F(WriteAll, WritesPartsInOrderAndPassesEmptyOnes) {
  std::string a = "one", b, c = "two", d;
  std::array parts{iovec{b.data(), 0}, iovec{a.data(), 3}, iovec{b.data(), 0}, iovec{c.data(), 3}, iovec{d.data(), 0}};
  EXPECT_EQ(write_all(pipe_.write_end.get(), std::span<iovec>(parts)), 0);
  pipe_.write_end.reset();
  const auto all = drain(pipe_.read_end.get());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(all.data()), all.size()), "onetwo");
}

TEST_F(WriteAll, OfNothingSucceedsEvenWithoutADescriptor) {
  EXPECT_EQ(write_all(-1, std::span<const std::byte>()), 0);
  EXPECT_EQ(write_all(-1, std::span<iovec>()), 0);
}

TEST_F(WriteAll, TakesMorePartsThanOneCallMay) {
  const auto bytes = pattern(5000);
  std::vector<iovec> parts;
  for (const std::byte& b : bytes) parts.push_back({const_cast<std::byte*>(&b), 1});
  EXPECT_EQ(write_all(pipe_.write_end.get(), std::span(parts)), 0);
  pipe_.write_end.reset();
  EXPECT_EQ(drain(pipe_.read_end.get()), bytes);
}

TEST_F(WriteAll, GoesOnAfterShortWrites) {
  const auto bytes = pattern((1 << 20) + 13);
  // Non-blocking, as another process that shares the descriptor may make it: the writes become short.
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe pipe = make_pipe();
    set_pipe_size(pipe.write_end.get(), 4096);
    ::fcntl(pipe.write_end.get(), F_SETFL, flags);
    std::vector<std::byte> read;
    std::thread reader([&] { read = drain(pipe.read_end.get()); });
    EXPECT_EQ(write_all(pipe.write_end.get(), std::span(bytes)), 0);
    pipe.write_end.reset();
    reader.join();
    EXPECT_EQ(read, bytes);
  }
}

TEST_F(WriteAll, TellsWhyItCannot) {
  const auto bytes = pattern(100);
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const Fd read_only(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  EXPECT_EQ(write_all(full.get(), std::span(bytes)), ENOSPC);
  EXPECT_EQ(write_all(read_only.get(), std::span(bytes)), EBADF);
  EXPECT_EQ(write_all(closed_fd(), std::span(bytes)), EBADF);
  EXPECT_EQ(write_all(-1, std::span(bytes)), EBADF);
  pipe_.read_end.reset();
  EXPECT_EQ(write_all(pipe_.write_end.get(), std::span(bytes)), EPIPE);
}

TEST_F(WriteAll, TellsThatTheReaderLeftWhileItWaits) {
  const auto bytes = pattern(1 << 20);
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe pipe = make_pipe();
    set_pipe_size(pipe.write_end.get(), 4096);
    ::fcntl(pipe.write_end.get(), F_SETFL, flags);
    std::thread reader([&] {
      std::byte first{};
      EXPECT_EQ(::read(pipe.read_end.get(), &first, 1), 1);
      pipe.read_end.reset();
    });
    EXPECT_EQ(write_all(pipe.write_end.get(), std::span(bytes)), EPIPE);
    reader.join();
  }
}

std::atomic<int> signals_seen = 0;

/// SIGUSR1 with a handler that does not restart system calls.
class Interrupted : public WriteAll {
protected:
  Interrupted() {
    signals_seen = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { ++signals_seen; };
    ::sigaction(SIGUSR1, &action, &before_);
  }
  ~Interrupted() override { ::sigaction(SIGUSR1, &before_, nullptr); }

  /// Sends `thread` that many signals, each after the one before was handled.
  static void interrupt(pthread_t thread, int times) {
    for (int i = 1; i <= times; ++i) {
      ::pthread_kill(thread, SIGUSR1);
      while (signals_seen < i) std::this_thread::yield();
    }
  }

  struct sigaction before_{};
};

TEST_F(Interrupted, WriteAllGoesOnAfterASignal) {
  const auto bytes = pattern(1 << 20);
  set_pipe_size(pipe_.write_end.get(), 4096);
  std::vector<std::byte> read;
  std::thread reader([&, writer = ::pthread_self()] {
    interrupt(writer, 200);
    read = drain(pipe_.read_end.get());
  });
  EXPECT_EQ(write_all(pipe_.write_end.get(), std::span(bytes)), 0);
  pipe_.write_end.reset();
  reader.join();
  EXPECT_EQ(read, bytes);
}

TEST_F(Interrupted, WaitReadableGoesOnAfterASignal) {
  for (const int timeout_ms : {-1, 600'000}) {
    signals_seen = 0;
    Pipe pipe = make_pipe();
    std::thread waker([&, waiter = ::pthread_self()] {
      interrupt(waiter, 200);
      EXPECT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
    });
    EXPECT_EQ(wait_readable(pipe.read_end.get(), -1, timeout_ms), Readable::ready);
    EXPECT_EQ(signals_seen, 200);
    waker.join();
  }
}

class WaitReadable : public testing::Test {
protected:
  static void fill(const Pipe& pipe) { ASSERT_EQ(::write(pipe.write_end.get(), "x", 1), 1); }
  Readable wait(int timeout_ms) { return wait_readable(data_.read_end.get(), stop_.read_end.get(), timeout_ms); }

  Pipe data_ = make_pipe(), stop_ = make_pipe();
};

TEST_F(WaitReadable, AnswersDataTheStopOrTheTime) {
  EXPECT_EQ(wait(0), Readable::timeout);
  fill(data_);
  EXPECT_EQ(wait(0), Readable::ready);
  EXPECT_EQ(wait(-1), Readable::ready);
  fill(stop_);
  EXPECT_EQ(wait(-1), Readable::stopped) << "the stop wins";
  EXPECT_EQ(wait_readable(-1, stop_.read_end.get(), -1), Readable::stopped);
  EXPECT_EQ(wait_readable(data_.read_end.get(), -1, -1), Readable::ready);
}

TEST_F(WaitReadable, AnEndCanBeRead) {
  data_.write_end.reset();
  EXPECT_EQ(wait(-1), Readable::ready);
}

TEST_F(WaitReadable, AStopWhoseOtherEndIsGoneStops) {
  stop_.write_end.reset();
  EXPECT_EQ(wait(-1), Readable::stopped);
}

TEST_F(WaitReadable, AClosedDescriptorIsReadySoThatReadingTellsTheError) {
  EXPECT_EQ(wait_readable(closed_fd(), -1, -1), Readable::ready);
}

TEST_F(WaitReadable, TakesAllOfTheTimeItWasGiven) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(wait(25), Readable::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(25));
}

}  // namespace
}  // namespace campipe
