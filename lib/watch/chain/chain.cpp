#include "watch/chain/chain.hpp"

#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"
#include "base/units.hpp"

namespace campipe::watch::chain {

using Phase = Stage::Phase;

Chain::Chain(config::ChainConfig config, const std::string& file, Host& host)
    : config_(std::move(config)),
      host_(host),
      wiring_(config::plan_wiring(config_, file)),
      log_(fmt::format("{}/{}.log", host.log.dir, config_.name), {host.log.max_size_bytes, host.log.keep}) {
  // One clock for all runs of all stages: a restarted source goes on with the times of the one before.
  const std::string clock = StreamClock::now().to_string();
  for (std::size_t i = 0; i < config_.stages.size(); ++i) {
    stages_.push_back(std::make_unique<Stage>(config_.stages[i], host_, clock,
                                              [this, i](std::string_view line) { stage_said(i, line); }));
  }
  links_.resize(wiring_.edges.size());
  asked_.resize(stages_.size());
  drain_timers_.resize(stages_.size());
  when_stage_stopped_.resize(stages_.size());
  find_units();
}

Chain::~Chain() {
  for (auto& timer : unit_timers_) host_.loop.cancel(timer);
  for (auto& timer : drain_timers_) host_.loop.cancel(timer);
  close_links();
}

void Chain::find_units() {
  unit_of_.resize(stages_.size());
  for (std::size_t i = 0; i < stages_.size(); ++i) unit_of_[i] = i;
  for (const config::Edge& edge : wiring_.edges) {
    if (edge.paired) std::ranges::replace(unit_of_, unit_of_[edge.to], unit_of_[edge.from]);
  }
  unit_timers_.resize(stages_.size());
}

void Chain::say(std::size_t i, const std::string& what) {
  const std::string& name = stage(i).config().name;
  log_.write("camwatch", fmt::format("{}: {}", name, what));
  if (host_.single) {
    campipe::log::info("{}: {}", name, redact_url(what));
  } else {
    campipe::log::info("{}/{}: {}", config_.name, name, redact_url(what));
  }
}

void Chain::stage_said(std::size_t i, std::string_view line) {
  const config::StageConfig& config = stage(i).config();
  const std::string source = stage(i).alive() ? fmt::format("{}[{}]", config.name, stage(i).pid()) : config.name;
  log_.write(source, line);
  if (!host_.echo) return;
  // "camenc: message" as it would look in a shell, not "camenc: camenc: message".
  const std::string program = config::program_name(config.cmd.front()) + ": ";
  if (line.starts_with(program)) line.remove_prefix(program.size());
  campipe::log::relay(host_.single ? config.name : fmt::format("{}/{}", config_.name, config.name), redact_url(line));
}

bool Chain::any_alive() const {
  return std::ranges::any_of(stages_, [](const auto& one) { return one->alive(); });
}

bool Chain::all_ready() const {
  return std::ranges::all_of(stages_, [](const auto& one) {
    return one->phase() == Phase::running || one->phase() == Phase::done || one->phase() == Phase::stopped;
  });
}

int Chain::exit_code() const noexcept {
  for (const auto& one : stages_) {
    if (one->phase() == Phase::done && one->exit_code() != 0) return one->exit_code();
  }
  return 0;
}

std::optional<std::size_t> Chain::find(const std::string& name) const {
  const auto found = std::ranges::find_if(stages_, [&](const auto& one) { return one->config().name == name; });
  if (found == stages_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - stages_.begin());
}

bool Chain::has_session(pid_t session) const {
  return std::ranges::any_of(stages_, [&](const auto& one) { return one->pid() == session; });
}

// ---- neighbours ----

std::vector<std::size_t> Chain::producers_of(std::size_t i) const {
  std::vector<std::size_t> all;
  for (const config::Edge& edge : wiring_.edges) {
    if (edge.to == i) all.push_back(edge.from);
  }
  return all;
}

std::vector<std::size_t> Chain::consumers_of(std::size_t i) const {
  std::vector<std::size_t> all;
  for (const config::Edge& edge : wiring_.edges) {
    if (edge.from == i) all.push_back(edge.to);
  }
  return all;
}

bool Chain::all_done(const std::vector<std::size_t>& stages) const {
  return !stages.empty() && std::ranges::all_of(stages, [&](std::size_t i) { return stage(i).phase() == Phase::done; });
}

// ---- starting ----

void Chain::start() {
  if (state_ == State::running || state_ == State::stopping) return;
  state_ = State::running;
  for (const std::size_t i : wiring_.start_order) {
    stage(i).forget_failures();
    stage(i).set_waiting(config::Duration(0));
  }
  launch_in_order(wiring_.start_order);
}

/// Those of a unit wait with the one that could not be started: they start together or not at all.
void Chain::launch_in_order(const std::vector<std::size_t>& stages) {
  std::vector<bool> waits(stages_.size());
  for (const std::size_t i : stages) {
    if (!waits[unit_of_[i]]) waits[unit_of_[i]] = !launch(i);
  }
}

/// False when it could not be started: it is tried again.
bool Chain::launch(std::size_t i) try {
  make_links_of(i);
  const config::StageWiring& wired = wiring_.stages[i];
  std::vector<std::pair<int, int>> fds;
  for (const config::Handed& handed : wired.inputs) {
    stop_draining(handed.edge);
    fds.emplace_back(handed.fd, links_[handed.edge].read_end.get());
  }
  for (const config::Handed& handed : wired.outputs) fds.emplace_back(handed.fd, links_[handed.edge].write_end.get());
  std::erase_if(fds, [](const auto& fd) { return fd.second < 0; });  // the other end is done for good
  stage(i).start(wired.argv, std::move(fds));
  campipe::log::debug("{}/{}: started, pid {}", config_.name, stage(i).config().name, stage(i).pid());
  return true;
} catch (const Error& error) {
  failed(i, error.what(), config::Duration(0), false);
  return false;
}

void Chain::launch_unit(std::size_t unit) {
  if (state_ != State::running) return;
  std::vector<std::size_t> members;
  for (const std::size_t i : wiring_.start_order) {
    if (unit_of_[i] == unit && stage(i).phase() == Phase::waiting) members.push_back(i);
  }
  for (std::size_t e = 0; e < links_.size(); ++e) {
    if (wiring_.edges[e].paired && unit_of_[wiring_.edges[e].to] == unit) close_link(e);
  }
  launch_in_order(members);
}

/// Starts the stages of a unit that wait, once none of them has a process and the last delay is over.
void Chain::schedule(std::size_t unit) {
  config::Duration due{0};
  bool any = false;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (unit_of_[i] != unit) continue;
    if (stage(i).alive()) return;  // called again when it has ended
    if (stage(i).phase() == Phase::waiting) any = true, due = std::max(due, stage(i).due());
  }
  host_.loop.cancel(unit_timers_[unit]);
  if (!any) return;
  unit_timers_[unit] = host_.loop.after(std::max(config::Duration(0), due - host_.loop.now()), [this, unit] {
    unit_timers_[unit] = 0;
    launch_unit(unit);
  });
}

// ---- endings ----

bool Chain::child_ended(pid_t pid, int status) {
  const auto found = std::ranges::find_if(stages_, [&](const auto& one) { return one->pid() == pid; });
  if (found == stages_.end()) return false;
  const auto i = static_cast<std::size_t>(found - stages_.begin());
  const Intent intent = (*found)->intent();
  const Exit exit = (*found)->ended(status);
  if (state_ == State::stopping) {
    stage(i).set_stopped();
    if (exit.code != 0 && exit.signal != SIGTERM) say(i, exit.text);
    continue_stop();
    return true;
  }
  switch (intent) {
    case Intent::none:
      ended_by_itself(i, exit);
      break;
    case Intent::hung:
      failed(i, exit.text, exit.lasted, exit.worked);
      break;
    case Intent::restart:
    case Intent::partner:
      wait_for_restart(i, config::Duration(0), false);
      break;
    case Intent::stop:
      stage(i).set_stopped();
      drain_inputs_of(i);
      say(i, "stopped: " + exit.text);
      break;
  }
  // A stop may have come while it was already ending for another reason.
  if (!when_stage_stopped_[i].empty()) {
    stage(i).set_stopped();
    drain_inputs_of(i);
    for (const auto& then : std::exchange(when_stage_stopped_[i], {})) then();
  }
  schedule(unit_of_[i]);
  return true;
}

/// As a shell's pipeline would see it: 0, or nobody is left to read its output.
bool Chain::ended_well(std::size_t i, const Exit& exit) const {
  return exit.code == 0 || (all_done(consumers_of(i)) && (exit.signal == SIGPIPE || exit.code == 74));
}

void Chain::ended_by_itself(std::size_t i, const Exit& exit) {
  using When = config::RestartPolicy::When;
  const When when = stage(i).config().restart.when;
  if (when == When::never) return done(i, ended_well(i, exit) ? 0 : exit.code);
  if (when == When::on_failure) {
    if (ended_well(i, exit)) return done(i, 0);
    // Nothing will come any more, or it will never understand its command line: again is the same.
    if (all_done(producers_of(i)) || exit.code == static_cast<int>(ExitCode::usage)) {
      say(i, exit.with_words());
      return done(i, exit.code);
    }
  }
  failed(i, exit.with_words(), exit.lasted, exit.worked);
}

void Chain::failed(std::size_t i, const std::string& why, config::Duration lasted, bool worked) {
  const config::Duration delay = stage(i).delay_after(lasted, worked);
  say(i, fmt::format("{}: starting again in {}", why,
                     format_duration(std::chrono::ceil<std::chrono::milliseconds>(delay))));
  wait_for_restart(i, delay, true);
  if (stage(i).failures() == 3) {
    stage(i).told_of_failure(host_.loop.now());
    host_.happened({hooks::Event::failing, config_.name, stage(i).config().name, why});
  }
  schedule(unit_of_[i]);
}

void Chain::wait_for_restart(std::size_t i, config::Duration delay, bool fault) {
  stage(i).set_waiting(host_.loop.now() + delay);
  if (!stage(i).config().required) drain_inputs_of(i);
  for (std::size_t k = 0; k < stages_.size(); ++k) {
    if (k == i || unit_of_[k] != unit_of_[i] || stage(k).phase() != Phase::running) continue;
    say(k, "restarted together with " + stage(i).config().name);
    if (fault) stage(k).count_restart();
    stage(k).end(Intent::partner, stage(k).config().stop.term);
  }
}

void Chain::done(std::size_t i, int code) {
  stage(i).set_done(code);
  for (std::size_t e = 0; e < links_.size(); ++e) {
    const config::Edge& edge = wiring_.edges[e];
    // A neighbour that always comes back must find a pipe; the others see the end.
    if (edge.to == i) {
      if (stage(edge.from).config().restart.when == config::RestartPolicy::When::always) {
        drain(e);
      } else {
        links_[e].read_end.reset();
      }
    }
    if (edge.from == i && stage(edge.to).config().restart.when != config::RestartPolicy::When::always)
      links_[e].write_end.reset();
  }
  if (!std::ranges::all_of(stages_, [](const auto& one) { return one->phase() == Phase::done; })) return;
  state_ = State::done;
  close_links();
  host_.chain_done();
}

control::ChainStatus Chain::status() const {
  static constexpr std::array<const char*, 4> kStates{"stopped", "running", "stopping", "done"};
  control::ChainStatus status{.name = config_.name, .state = kStates[static_cast<std::size_t>(state_)], .stages = {}};
  const config::Duration now = host_.loop.now();
  for (const auto& one : stages_) status.stages.push_back(one->status(now));
  const bool failing =
      std::ranges::any_of(status.stages, [](const control::StageStatus& s) { return s.failing && s.required; });
  const bool lost =
      std::ranges::any_of(status.stages, [](const control::StageStatus& s) { return s.lost && s.required; });
  if (state_ == State::running && lost) status.state = "lost";
  if (state_ == State::running && failing) status.state = "failing";
  return status;
}

}  // namespace campipe::watch::chain
