#include "watch/process/spawn.hpp"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/fd.hpp"
#include "watch/process/loop.hpp"
#include "watch/process/process_io.hpp"

namespace campipe::watch {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> kEnv{"PATH=/usr/bin:/bin", "WHO=me"};

/// What `argv` writes on its standard output until it ends; its exit status in `status`.
std::string output_of(std::vector<std::string> argv, std::vector<std::pair<int, int>> fds, int& status,
                      const config::Limits& limits = {}) {
  Pipe pipe = make_pipe();
  fds.emplace_back(1, pipe.write_end.get());
  const pid_t pid = process::spawn({.argv = std::move(argv), .env = kEnv, .fds = std::move(fds), .limits = limits});
  pipe.write_end.reset();
  std::string text;
  std::array<char, 4096> bytes{};
  for (ssize_t got; (got = ::read(pipe.read_end.get(), bytes.data(), bytes.size())) > 0;)
    text.append(bytes.data(), static_cast<std::size_t>(got));
  ::waitpid(pid, &status, 0);
  return text;
}

TEST(Spawn, GivesTheChildItsDescriptorsUnderTheNumbersAskedForAndNoOthers) {
  // Sources that stand in each other's way, and one that is inherited by mistake.
  Pipe a = make_pipe(), b = make_pipe();
  const Fd stray(::fcntl(a.read_end.get(), F_DUPFD, 20));  // without close-on-exec
  std::string words = "from b";
  ASSERT_EQ(write_all(b.write_end.get(), std::as_bytes(std::span(words))), 0);
  b.write_end.reset();
  words = "from a\n";
  ASSERT_EQ(write_all(a.write_end.get(), std::as_bytes(std::span(words))), 0);
  a.write_end.reset();
  int status = -1;
  const std::string text = output_of({"sh", "-c", "cat <&3; cat <&4; cd /proc/self/fd; echo; echo *; readlink 0"},
                                     {{3, a.read_end.get()}, {4, b.read_end.get()}}, status);
  EXPECT_EQ(status, 0);
  // sh opens the folder to list it: no number of ours is above 4.
  EXPECT_EQ(text.substr(0, 14), "from a\nfrom b\n");
  EXPECT_EQ(text.find("20"), std::string::npos) << text;
  EXPECT_NE(text.find("/dev/null"), std::string::npos) << text;
}

TEST(Spawn, ChildHasASessionOfItsOwnAndTheEnvironmentGiven) {
  int status = -1;
  const std::string text =
      output_of({"sh", "-c", "echo $WHO; cut -d' ' -f1,5,6 /proc/self/stat; env | wc -l"}, {}, status);
  EXPECT_TRUE(text.starts_with("me\n")) << text;
  std::istringstream in(text);
  std::string who;
  pid_t self = 0, group = 0, session = 0;
  in >> who >> self >> group >> session;
  EXPECT_EQ(group, session);
  EXPECT_NE(session, ::getsid(0));
}

TEST(Spawn, SignalsIgnoredHereAreNotIgnoredThere) {
  const auto old = std::signal(SIGPIPE, SIG_IGN);
  int status = -1;
  const std::string text = output_of({"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}, {}, status);
  std::signal(SIGPIPE, old);
  EXPECT_EQ(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Spawn, LimitsHold) {
  int status = -1;
  EXPECT_EQ(output_of({"sh", "-c", "ulimit -n; ulimit -d"}, {}, status, {.nofile = 77, .memory_bytes = 64 << 20}),
            "77\n65536\n");
}

TEST(Spawn, AProgramThatIsNotThereOrMayNotRunIsAnErrorHere) {
  const auto code_of = [](const std::string& program) {
    try {
      process::spawn({.argv = {program}, .env = kEnv, .fds = {}, .limits = {}});
    } catch (const Error& error) {
      return error.code();
    }
    return ExitCode::ok;
  };
  EXPECT_EQ(code_of("no-such-program"), ExitCode::no_input);
  EXPECT_EQ(code_of("/etc/passwd"), ExitCode::no_input);
  const std::string script = testing::TempDir() + "/broken";
  std::ofstream(script) << "#!/no/such/interpreter\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  EXPECT_EQ(code_of(script), ExitCode::no_input);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left behind";
}

TEST(Spawn, ChildDiesWithTheThreadThatMadeIt) {
  std::atomic<pid_t> pid = 0;
  std::thread([&] { pid = process::spawn({.argv = {"sleep", "100"}, .env = kEnv, .fds = {}, .limits = {}}); }).join();
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(ProcessIo, CountsWhatAProcessAndItsChildrenRead) {
  Pipe pipe = make_pipe();
  const pid_t pid = process::spawn(
      {.argv = {"sh", "-c", "cat >/dev/null; true"}, .env = kEnv, .fds = {{0, pipe.read_end.get()}}, .limits = {}});
  const auto wait_for_change = [&](std::uint64_t from) {
    for (int i = 0; i < 500; ++i) {
      const auto now = process::io_bytes(pid);
      if (now && *now > from + 50'000) return *now;
      std::this_thread::sleep_for(10ms);
    }
    return from;
  };
  const std::string bytes(60'000, 'x');
  const std::uint64_t before = process::io_bytes(pid).value_or(0);
  ASSERT_EQ(write_all(pipe.write_end.get(), std::as_bytes(std::span(bytes))), 0);
  EXPECT_GT(wait_for_change(before), before);
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  EXPECT_FALSE(process::io_bytes(pid));
}

TEST(Loop, RunsTimersInOrderAndForgetsThoseCancelled) {
  process::Loop loop;
  std::string order;
  loop.after(2ms, [&] { order += 'b'; });
  loop.after(1ms, [&] { order += 'a'; });
  auto cancelled = loop.after(1ms, [&] { order += 'x'; });
  loop.after(3ms, [&] { loop.stop(); });
  loop.cancel(cancelled);
  EXPECT_EQ(cancelled, 0U);
  loop.run();
  EXPECT_EQ(order, "ab");
}

TEST(Loop, AnEventOfAClosedDescriptorIsNotItsSuccessors) {
  process::Loop loop;
  Pipe first = make_pipe(), second = make_pipe();
  ASSERT_EQ(::write(first.write_end.get(), "x", 1), 1);
  ASSERT_EQ(::write(second.write_end.get(), "x", 1), 1);
  int calls = 0;
  // Whichever is called first takes the other away and puts a silent one in its place, under the same number.
  Pipe silent = make_pipe();
  const auto take_away = [&](Pipe& own, Pipe& other) {
    ++calls;
    loop.unwatch(own.read_end.get());
    const int number = other.read_end.get();
    loop.unwatch(number);
    ASSERT_EQ(::dup2(silent.read_end.get(), number), number);
    loop.watch(number, EPOLLIN, [&](std::uint32_t) { ++calls; });
  };
  loop.watch(first.read_end.get(), EPOLLIN, [&](std::uint32_t) { take_away(first, second); });
  loop.watch(second.read_end.get(), EPOLLIN, [&](std::uint32_t) { take_away(second, first); });
  loop.after(20ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace campipe::watch
