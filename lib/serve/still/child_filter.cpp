#include "serve/still/child_filter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/faults.hpp"

namespace campipe::serve::still {

namespace {

constexpr std::string_view kKind = "child process";
constexpr std::size_t kMaxMessages = 4096;
constexpr std::size_t kReadBytes = 64 * 1024;

/// Ours without what would make the child speak to our service manager or take our sockets for its own.
std::vector<std::string> child_environment() {
  constexpr std::array<std::string_view, 6> kOurs{
      "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES="};
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (std::ranges::none_of(kOurs, [&](std::string_view name) { return text.starts_with(name); }))
      kept.emplace_back(text);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

struct FileActions {
  FileActions() { ::posix_spawn_file_actions_init(&actions); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions); }
  posix_spawn_file_actions_t actions{};
};

struct Attributes {
  Attributes() {
    ::posix_spawnattr_init(&attributes);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);  // SIGPIPE is ignored here
    ::posix_spawnattr_setsigmask(&attributes, &none);    // and the signals that end us are blocked
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes); }
  posix_spawnattr_t attributes{};
};

std::string last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::size_t newline = text.rfind('\n');
  return std::string(newline == std::string_view::npos ? text : text.substr(newline + 1));
}

}  // namespace

ChildFilter::ChildFilter(net::Loop& loop, std::vector<std::string> argv, media::Payload input, OnDone on_done,
                         Limits limits)
    : loop_(loop),
      argv_(std::move(argv)),
      input_(std::move(input)),
      on_done_(std::move(on_done)),
      limits_(limits),
      timer_(loop, [this] { guarded(&ChildFilter::on_time); }) {
  start();
  timer_.start(pid_ < 0 ? 0 : limits_.time_ms);
}

ChildFilter::~ChildFilter() {
  end_child();
}

void ChildFilter::end_child() noexcept {
  if (pid_ < 0 || status_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

void ChildFilter::start() {
  try {
    spawn();
    if (failure_.empty()) watch();
  } catch (const std::exception& error) {
    for (auto* one : {&input_watch_, &output_watch_, &messages_watch_, &exit_watch_}) one->reset();
    for (Fd* one : {&stdin_, &stdout_, &stderr_, &pidfd_}) one->reset();
    end_child();  // the destructor of a half-built object does not run
    pid_ = -1;
    failure_ = fmt::format("cannot start {}: {}", argv_[0], error.what());
  }
}

void ChildFilter::guarded(void (ChildFilter::*callback)()) noexcept {
  faults::contain(kKind, [&] { (this->*callback)(); }, [&] { kill("an error in the server"); });
}

void ChildFilter::spawn() {
  Pipe in = make_pipe(), out = make_pipe(), messages = make_pipe();
  FileActions files;
  ::posix_spawn_file_actions_adddup2(&files.actions, in.read_end.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files.actions, out.write_end.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files.actions, messages.write_end.get(), STDERR_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&files.actions, STDERR_FILENO + 1);
  const Attributes attributes;
  auto environment = child_environment();
  const int error = ::posix_spawnp(&pid_, argv_[0].c_str(), &files.actions, &attributes.attributes,
                                   pointers(argv_).data(), pointers(environment).data());
  if (error != 0) {
    pid_ = -1;
    failure_ = fmt::format("cannot start {}: {}", argv_[0], errno_text(error));
    return;
  }
  pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_) throw_errno(errno, "cannot watch a child");
  stdin_ = std::move(in.write_end);
  stdout_ = std::move(out.read_end);
  stderr_ = std::move(messages.read_end);
}

void ChildFilter::watch() {
  const auto calls = [this](void (ChildFilter::*callback)()) { return [this, callback](int) { guarded(callback); }; };
  input_watch_.emplace(loop_, stdin_.get(), calls(&ChildFilter::on_input_writable));
  output_watch_.emplace(loop_, stdout_.get(), calls(&ChildFilter::on_output));
  messages_watch_.emplace(loop_, stderr_.get(), calls(&ChildFilter::on_messages));
  exit_watch_.emplace(loop_, pidfd_.get(), calls(&ChildFilter::on_exit));
  input_watch_->set(net::Watch::kWrite);
  output_watch_->set(net::Watch::kRead);
  messages_watch_->set(net::Watch::kRead);
  exit_watch_->set(net::Watch::kRead);
}

void ChildFilter::on_input_writable() {
  const auto rest = input_.bytes().subspan(written_);
  const ssize_t wrote = ::write(stdin_.get(), rest.data(), rest.size());
  if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (wrote > 0) written_ += static_cast<std::size_t>(wrote);
  if (wrote > 0 && written_ < input_.size()) return;
  input_watch_.reset();  // all of it, or it reads no more
  stdin_.reset();
}

void ChildFilter::on_output() {
  const std::size_t had = output_.size();
  output_.resize(had + kReadBytes);
  const ssize_t got = ::read(stdout_.get(), output_.data() + had, kReadBytes);
  output_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    output_watch_.reset();
    return finish();
  }
  if (output_.size() > limits_.output_bytes) kill("wrote too much");
}

void ChildFilter::on_messages() {
  std::array<char, 1024> buffer{};
  const ssize_t got = ::read(stderr_.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    messages_watch_.reset();
    return finish();
  }
  messages_.append(buffer.data(), static_cast<std::size_t>(got));
  if (messages_.size() > kMaxMessages) messages_.erase(0, messages_.size() - kMaxMessages);
}

void ChildFilter::on_time() {
  if (pid_ < 0) return finish();
  kill(fmt::format("took over {} s", limits_.time_ms / 1000));
}

void ChildFilter::on_exit() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return;
  status_ = status;
  exit_watch_.reset();
  finish();
}

void ChildFilter::kill(std::string why) noexcept {
  if (failure_.empty()) failure_ = std::move(why);
  if (!status_) ::kill(pid_, SIGKILL);
  output_watch_.reset();  // a grandchild may hold the pipes open
  messages_watch_.reset();
  finish();
}

/// Tells the outcome once the child has gone and all its output is here.
void ChildFilter::finish() {
  if (pid_ >= 0 && (!status_ || output_watch_ || messages_watch_)) return;
  timer_.stop();
  if (failure_.empty() && (!WIFEXITED(*status_) || WEXITSTATUS(*status_) != 0)) {
    failure_ = !messages_.empty() ? last_line(messages_) : fmt::format("{} ended by status {}", argv_[0], *status_);
  }
  if (failure_.empty() && output_.empty()) failure_ = fmt::format("{} gave nothing", argv_[0]);
  const OnDone done = std::move(on_done_);
  // `done` may destroy us: nothing is left to guarded() to end.
  if (!failure_.empty())
    faults::contain(kKind, [&] { done(Unexpected(std::move(failure_))); });
  else
    faults::contain(kKind, [&] { done(std::move(output_)); });
}

}  // namespace campipe::serve::still
