#include "watch/process/spawn.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace campipe::watch::process {

namespace {

/// Everything the child needs, made before the fork: after it only async-signal-safe calls are allowed in principle,
/// and an allocation could fail where nobody can be told.
struct Prepared {
  std::string program;
  std::vector<char*> argv, env;
  std::vector<std::pair<int, int>> fds;
  int first_free = 3;  ///< above all numbers in fds
  config::Limits limits;
  int error_fd = -1;
  pid_t parent = 0;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

std::string path_of(const std::vector<std::string>& env) {
  for (const std::string& entry : env) {
    if (entry.starts_with("PATH=")) return entry.substr(5);
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

[[noreturn]] void fail(const Prepared& prepared) noexcept {
  const int error = errno;
  [[maybe_unused]] const auto wrote = ::write(prepared.error_fd, &error, sizeof error);
  ::_exit(127);
}

void reset_signals() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);  // fails for KILL and STOP, as it must
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void set_limit(const Prepared& prepared, __rlimit_resource resource,
               const std::optional<std::int64_t>& value) noexcept {
  if (!value) return;
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) fail(prepared);
  limit.rlim_cur = std::min(static_cast<rlim_t>(*value), limit.rlim_max);
  if (::setrlimit(resource, &limit) != 0) fail(prepared);
}

void place_descriptors(Prepared& prepared) noexcept {
  // First out of the way of each other's numbers, then to their places.
  for (auto& [number, fd] : prepared.fds) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, prepared.first_free);
    if (fd < 0) fail(prepared);
  }
  prepared.error_fd = ::fcntl(prepared.error_fd, F_DUPFD_CLOEXEC, prepared.first_free);
  if (prepared.error_fd < 0) ::_exit(127);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) fail(prepared);
  for (int number = 0; number < 3; ++number) {
    const bool given = std::ranges::any_of(prepared.fds, [&](const auto& entry) { return entry.first == number; });
    if (!given && null != number && ::dup2(null, number) < 0) fail(prepared);
    if (!given && null == number && ::fcntl(null, F_SETFD, 0) < 0) fail(prepared);
  }
  for (const auto& [number, fd] : prepared.fds) {
    if (::dup2(fd, number) < 0) fail(prepared);
  }
  // Close-on-exec rather than closed: the error pipe has to live until the exec. The numbers given are all below.
  if (::close_range(static_cast<unsigned>(prepared.first_free), ~0U, CLOSE_RANGE_CLOEXEC) != 0) fail(prepared);
}

[[noreturn]] void become(Prepared& prepared) noexcept {
  reset_signals();
  ::setsid();
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(prepared);
  if (::getppid() != prepared.parent) ::_exit(127);  // it died before the line above
  set_limit(prepared, RLIMIT_DATA, prepared.limits.memory_bytes);
  place_descriptors(prepared);
  set_limit(prepared, RLIMIT_NOFILE, prepared.limits.nofile);
  ::execve(prepared.program.c_str(), prepared.argv.data(), prepared.env.data());
  fail(prepared);
}

}  // namespace

pid_t spawn(const Command& command) {
  const std::string& name = command.argv.front();
  Prepared prepared;
  prepared.program = find_program(name, path_of(command.env));
  if (prepared.program.empty()) throw Error(ExitCode::no_input, name + ": there is no such program");
  prepared.argv = pointers(command.argv);
  prepared.env = pointers(command.env);
  prepared.fds = command.fds;
  // Numbers between those given must not stay open by inheritance: the numbers are dense (wiring.cpp), so none are.
  for (const auto& [number, fd] : command.fds) prepared.first_free = std::max(prepared.first_free, number + 1);
  prepared.limits = command.limits;
  prepared.parent = ::getpid();
  Pipe errors = make_pipe();
  prepared.error_fd = errors.write_end.get();

  const pid_t pid = ::fork();
  if (pid < 0) throw_errno(errno, "cannot start " + name);
  if (pid == 0) become(prepared);

  errors.write_end.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(errors.read_end.get(), &error, sizeof error);  // ends at the exec
  } while (got < 0 && errno == EINTR);
  if (got == sizeof error) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    throw_errno(error, "cannot start " + name);
  }
  return pid;
}

std::string find_program(const std::string& program, const std::string& path) {
  const auto runnable = [](const std::string& file) {
    struct stat info{};
    return ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(file.c_str(), X_OK) == 0;
  };
  if (program.find('/') != std::string::npos) return runnable(program) ? program : "";
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    const std::string file = fmt::format("{}/{}", folder.empty() ? "." : folder, program);
    if (runnable(file)) return file;
  }
  return "";
}

std::map<std::string, std::string> inherited_environment() {
  static constexpr std::array<std::string_view, 8> kOurs{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                                         "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES",
                                                         "CAMPIPE_CLOCK", "INVOCATION_ID"};
  std::map<std::string, std::string> env;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos || std::ranges::find(kOurs, entry.substr(0, equals)) != kOurs.end()) continue;
    env.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return env;
}

}  // namespace campipe::watch::process
