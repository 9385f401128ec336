#include "watch/supervisor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.hpp"

namespace campipe::watch {

namespace {

constexpr config::Duration kTick = std::chrono::seconds(1);
constexpr config::Duration kHeldUp = std::chrono::seconds(3);  // between two ticks: we were stopped, or starved

}  // namespace

Supervisor::Supervisor(config::Config config, SupervisorOptions options, process::Loop& loop,
                       process::Processes& processes)
    : config_(std::move(config)),
      options_(std::move(options)),
      loop_(loop),
      processes_(processes),
      hooks_(loop_, processes_, process::inherited_environment()),
      host_{.loop = loop_,
            .processes = processes_,
            .environment = process::inherited_environment(),
            .log = config_.log,
            .echo = options_.echo,
            .single = options_.single,
            .happened =
                [this](const hooks::Happening& happening) {
                  if (!stopping_) hooks_.run(happening);
                },
            .chain_done = [this] { tell_state(); }} {
  hooks_.set(config_.hooks);
  host_.lost_after = config_.hooks.lost_after;
  make_signals();
  processes_.adopt_orphans();
  control_ = std::make_unique<control::Server>(
      loop_, options_.control_socket,
      [this](const std::string& request, control::Server::Reply reply) { handle(request, std::move(reply)); });
  for (const config::ChainConfig& chain : config_.chains)
    chains_.push_back(std::make_unique<chain::Chain>(chain, config_.file, host_));
}

Supervisor::~Supervisor() {
  if (signals_) loop_.unwatch(signals_.get());
  loop_.cancel(ticker_);
  loop_.cancel(reload_timer_);
}

void Supervisor::make_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGTERM);
  for (const int signal : {SIGINT, SIGHUP}) {
    struct sigaction old{};
    // nohup(1) and shells' background jobs ignore a signal on purpose; that stays.
    if (::sigaction(signal, nullptr, &old) == 0 && old.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  ::signal(SIGCHLD, SIG_DFL);  // whoever started us may have it ignored: then no child could be waited for
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw_errno(errno, "cannot make a signal descriptor");
  loop_.watch(signals_.get(), EPOLLIN, [this](std::uint32_t) { on_signal(); });
}

int Supervisor::run() {
  begin();
  loop_.run();
  return finish();
}

void Supervisor::begin() {
  started_ = last_tick_ = last_stats_ = loop_.now();
  for (auto& chain : chains_) chain->start();
  tell_state();
  ticker_ = loop_.after(kTick, [this] { tick(); });
}

int Supervisor::finish() {
  processes_.kill_all();  // at the end nothing may stay, hooks included
  for (const auto& reply : stop_replies_) reply(R"({"ok":true})");
  control_.reset();
  campipe::log::status("");
  return exit_code_;
}

void Supervisor::on_signal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) continue;
    if (info.ssi_signo == SIGHUP && options_.hangup_reloads && options_.load) {
      reload_by_signal();
      continue;
    }
    if (stopping_) {
      campipe::log::warning("stopping at once");
      for (auto& chain : chains_) chain->kill_all();
      exit_code_ = 1;
      continue;
    }
    stop_all();
  }
  reap();
}

void Supervisor::reap() {
  bool any = false;
  while (const auto ended = processes_.next_ended()) {
    any = true;
    const auto its = [&](auto& chain) { return chain->child_ended(ended->pid, ended->status); };
    if (std::ranges::any_of(chains_, its)) continue;
    hooks_.child_ended(ended->pid);
    processes_.reap(ended->pid);
  }
  if (!any) return;
  kill_orphans();
  tell_state();
}

/// What a stage that has ended left behind comes to us (a subreaper). Processes of a session that still runs stay.
void Supervisor::kill_orphans() {
  for (const pid_t pid : processes_.children()) {
    const pid_t session = processes_.session_of(pid);
    if (session < 0 || hooks_.has_session(session)) continue;
    if (std::ranges::none_of(chains_, [&](auto& chain) { return chain->has_session(session); })) processes_.kill(pid);
  }
}

void Supervisor::stop_all() {
  stopping_ = true;
  abandon_reload();
  notifier_.send("STOPPING=1");
  campipe::log::info("stopping");
  for (auto& chain : chains_) chain->stop([this] { tell_state(); });
}

/// Ends the loop when nothing is left to do, and tells systemd how we are.
void Supervisor::tell_state() {
  const auto all = [&](auto test) { return std::ranges::all_of(chains_, test); };
  if (stopping_ && all([](auto& chain) { return !chain->any_alive(); })) {
    loop_.stop();
    return;
  }
  if (!stopping_ && !reload_ && all([](auto& chain) { return chain->state() == chain::Chain::State::done; })) {
    for (auto& chain : chains_) exit_code_ = exit_code_ != 0 ? exit_code_ : chain->exit_code();
    loop_.stop();
    return;
  }
  if (!ready_ && all([](auto& chain) { return chain->all_ready(); })) {
    ready_ = true;
    notifier_.send("READY=1");
  }
}

void Supervisor::tick() {
  ticker_ = loop_.after(kTick, [this] { tick(); });
  const config::Duration now = loop_.now();
  const bool held_up = now - last_tick_ > kHeldUp;
  if (held_up)
    campipe::log::warning("held up for {:.1f} s: nobody is judged by what was missed",
                          std::chrono::duration<double>(now - last_tick_).count());
  last_tick_ = now;
  for (auto& chain : chains_) chain->tick(held_up);
  tell_state();
  tell_stats(now);
}

void Supervisor::tell_stats(config::Duration now) {
  std::vector<control::ChainStatus> chains;
  for (auto& chain : chains_) chains.push_back(chain->status());
  constexpr std::size_t kMostSent = 2000;
  if (notifier_.enabled()) notifier_.send("WATCHDOG=1\nSTATUS=" + one_line(chains, kMostSent).substr(0, kMostSent));
  if (campipe::log::status_possible()) campipe::log::status(one_line(chains, campipe::log::status_width()));
  if (options_.stats == config::Duration(0) || now - last_stats_ < options_.stats - kTick / 10) return;
  last_stats_ = now;
  for (const control::ChainStatus& chain : chains) campipe::log::info("{}", one_line(chain));
}

control::Status Supervisor::status() const {
  control::Status status{.pid = ::getpid(),
                         .config = config_.file,
                         .log_dir = config_.log.dir,
                         .up_s = std::chrono::duration<double>(loop_.now() - started_).count(),
                         .chains = {}};
  for (const auto& chain : chains_) status.chains.push_back(chain->status());
  return status;
}

}  // namespace campipe::watch
