#include "watch/chain/stage.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include "base/log.hpp"
#include "base/random.hpp"
#include "base/redact.hpp"
#include "watch/config/variables.hpp"
#include "watch/config/wiring.hpp"

namespace campipe::watch::chain {

namespace {

constexpr int kFailing = 3;            ///< failed runs in a row
constexpr std::size_t kMaxLine = 200;  ///< of the line that is told as a reason

/// What the tools' exit codes mean, for people (sysexits(3)).
const char* meaning(int code) {
  switch (code) {
    case 64:
      return ": wrong command line";
    case 65:
      return ": bad input data";
    case 66:
      return ": no such file or device";
    case 69:
      return ": a peer or program is not available";
    case 70:
      return ": a bug";
    case 71:
      return ": a system call failed";
    case 73:
      return ": cannot create its output";
    case 74:
      return ": input/output error";
    case 75:
      return ": busy";
    case 76:
      return ": protocol error";
    case 77:
      return ": no permission";
    case 78:
      return ": wrong configuration";
    default:
      return "";
  }
}

}  // namespace

Stage::Stage(const config::StageConfig& config, Host& host, std::string clock, Said said)
    : config_(config),
      host_(host),
      clock_(std::move(clock)),
      log_(make_pipe()),
      said_(std::move(said)),
      lines_(host.log.lines_per_s, [this](std::string_view line) { heard(line); }),
      delays_(config.restart, [] { return random_u32(); }) {
  ::fcntl(log_.read_end.get(), F_SETFL, O_NONBLOCK);  // ours alone: the stages have the other end
  host_.loop.watch(log_.read_end.get(), EPOLLIN, [this](std::uint32_t) { read_log(); });
  host_.loop.watch(notify_.fd(), EPOLLIN, [this](std::uint32_t) { read_reports(); });
}

Stage::~Stage() {
  host_.loop.cancel(kill_timer_);
  host_.loop.unwatch(log_.read_end.get());
  host_.loop.unwatch(notify_.fd());
  kill();
}

std::vector<std::string> Stage::environment() const {
  std::map<std::string, std::string> all = host_.environment;
  const auto set = [&](const std::map<std::string, std::string>& more) {
    for (const auto& [name, value] : more) all[name] = value;
  };
  if (!config_.env_file.empty()) set(config::read_env_file(config_.env_file));
  set(config_.env);
  all["NOTIFY_SOCKET"] = notify_.address();
  all["CAMPIPE_CLOCK"] = clock_;
  if (config_.watchdog.heartbeat != config::Duration(0)) {
    all["WATCHDOG_USEC"] =
        std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(config_.watchdog.heartbeat).count());
  }
  std::vector<std::string> entries;
  for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
  return entries;
}

void Stage::start(const std::vector<std::string>& argv, std::vector<std::pair<int, int>> fds) {
  intent_ = Intent::none;
  last_line_.clear();
  hung_because_.clear();
  notify_.receive([](const flow::Report&) {});  // the last process's words are not the next one's
  const bool has_output = std::ranges::any_of(fds, [](const auto& fd) { return fd.first == 1; });
  if (!has_output) fds.emplace_back(1, log_.write_end.get());
  fds.emplace_back(2, log_.write_end.get());
  pid_ = host_.processes.start({.argv = argv, .env = environment(), .fds = std::move(fds), .limits = config_.limits});
  phase_ = Phase::running;
  flow_.emplace(host_.loop.now());
  io_bytes_.reset();
}

void Stage::end(Intent intent, config::Duration patience) {
  if (!alive() || phase_ == Phase::ending) return;
  phase_ = Phase::ending;
  intent_ = intent;
  host_.processes.signal_group(pid_, SIGTERM);
  host_.processes.signal_group(pid_, SIGCONT);
  kill_timer_ = host_.loop.after(patience, [this] { kill(); });
}

void Stage::end_hung(const std::string& why, config::Duration patience) {
  if (!alive() || phase_ == Phase::ending) return;
  hung_because_ = why;
  end(Intent::hung, patience);
}

void Stage::kill() noexcept {
  if (alive()) host_.processes.signal_group(pid_, SIGKILL);
}

Exit Stage::ended(int status) {
  // Not reaped yet, so the group's number is still its own.
  host_.processes.signal_group(pid_, SIGKILL);
  host_.processes.reap(pid_);
  pid_ = 0;
  host_.loop.cancel(kill_timer_);
  read_log();
  lines_.end(host_.loop.now());
  Exit exit;
  if (WIFSIGNALED(status)) {
    exit.signal = WTERMSIG(status);
    exit.code = 128 + exit.signal;
    const char* const name = ::sigabbrev_np(exit.signal);
    exit.text =
        name != nullptr ? fmt::format("killed by SIG{}", name) : fmt::format("killed by signal {}", exit.signal);
  } else {
    exit.code = WEXITSTATUS(status);
    exit.text = fmt::format("exit {}{}", exit.code, meaning(exit.code));
  }
  const bool failed = exit.code != 0 && intent_ == Intent::none;
  if (failed) exit.said = last_line_;
  if (intent_ == Intent::hung) exit.text = "hung: " + hung_because_;
  last_exit_ = exit.text;
  last_words_ = exit.said;
  exit.lasted = host_.loop.now() - flow_->started();
  exit.worked = flow_->worked();
  return exit;
}

void Stage::read_log() {
  constexpr int kAtOnce = 16;  // one that floods us must not keep us from the others
  std::array<char, 16384> bytes{};
  for (int i = 0; i < kAtOnce; ++i) {
    const ssize_t got = ::read(log_.read_end.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    lines_.feed({bytes.data(), static_cast<std::size_t>(got)}, host_.loop.now());
  }
}

/// Each line of its stderr.
void Stage::heard(std::string_view line) {
  said_(line);
  // "camenc: message" as camenc would say it of itself.
  const std::string program = config::program_name(config_.cmd.front()) + ": ";
  if (line.starts_with(program)) line.remove_prefix(program.size());
  last_line_ = campipe::log::printable(redact_url(line.substr(0, kMaxLine)));
}

void Stage::read_reports() {
  notify_.receive([this](const flow::Report& report) {
    if (flow_) flow_->apply(report, host_.loop.now());
  });
}

bool Stage::failing() const noexcept {
  if (delays_.failures() < kFailing) return false;
  return !(phase_ == Phase::running &&
           (flow_->worked() || host_.loop.now() - flow_->started() >= config_.restart.stable));
}

void Stage::tick(config::Duration now) {
  lines_.tick(now);
  if (!alive() || !flow_ || flow_->reports()) return;
  const auto bytes = host_.processes.io_bytes(pid_);
  if (!bytes || bytes != io_bytes_) io_at_ = now;
  io_bytes_ = bytes;
}

void Stage::restart_ages(config::Duration now) noexcept {
  if (flow_) flow_->restart_ages(now);
  loss_.held_up(now);
  io_at_ = now;
}

flow::StageView Stage::view(config::Duration now) {
  flow::StageView view;
  view.running = phase_ == Phase::running;
  view.limits = config_.watchdog;
  if (flow_) flow_->fill(view, now);
  view.io_age = now - io_at_;
  return view;
}

}  // namespace campipe::watch::chain
