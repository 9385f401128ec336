#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "watch/chain/chain.hpp"
#include "watch/flow/judge.hpp"

/// What a chain sees once a second.
namespace campipe::watch::chain {

void Chain::tick(bool held_up) {
  const config::Duration now = host_.loop.now();
  log_.tick();
  for (auto& one : stages_) one->tick(now);
  if (state_ != State::running) return;
  if (held_up) {
    for (auto& one : stages_) one->restart_ages(now);
    for (auto& link : links_) link.unread_since = config::Duration(0), link.open_since = now;
    return;
  }
  look_at_links(now);
  judge_stages(now);
  look_for_losses(now);
}

/// Nothing in here feeds it: what it waits for is a camera, a file, another machine. A server may wait for streams that
/// come when they like.
bool Chain::is_source(std::size_t i) const {
  return producers_of(i).empty() && !wiring_.stages[i].reads_rings &&
         config::program_name(stage(i).config().cmd.front()) != "camserve";
}

void Chain::look_for_losses(config::Duration now) {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const bool source = is_source(i);
    const auto event = stage(i).look_for_loss(now, source, host_.lost_after);
    const double seconds = std::chrono::duration<double>(now - stage(i).loss().since()).count();
    const std::string& name = stage(i).config().name;
    if (event == flow::Loss::Event::lost) {
      std::string why = stage(i).reason();
      if (why.empty()) why = "it says no reason";
      say(i, fmt::format("its source has been lost for {:.0f} s: {}", seconds, why));
      host_.happened({hooks::Event::lost, config_.name, name, why});
    }
    if (event == flow::Loss::Event::recovered) {
      const std::string what = fmt::format("frames flow again after {:.0f} s", seconds);
      say(i, what);
      host_.happened({hooks::Event::recovered, config_.name, name, what});
    }
  }
}

void Chain::look_at_links(config::Duration now) {
  const auto note = [&](config::Duration& since, bool is) {
    if (!is) since = config::Duration(0);
    if (is && since == config::Duration(0)) since = now;
  };
  for (Link& link : links_) {
    if (!link.write_end || !link.read_end) continue;
    pollfd room{link.write_end.get(), POLLOUT, 0};
    note(link.open_since, ::poll(&room, 1, 0) == 1);
    int waiting = 0;
    note(link.unread_since, ::ioctl(link.read_end.get(), FIONREAD, &waiting) == 0 && waiting > 0);
  }
}

flow::EdgeView Chain::view_of(std::size_t edge, config::Duration now) const {
  const Link& link = links_[edge];
  flow::EdgeView view{
      .from = wiring_.edges[edge].from, .to = wiring_.edges[edge].to, .empty = false, .unread_for = {}, .open_for = {}};
  if (!link.write_end || !link.read_end) {  // not there yet or done for good: it holds nobody up, and tells nothing
    view.open_for = now;
    return view;
  }
  view.empty = link.unread_since == config::Duration(0);
  if (!view.empty) view.unread_for = now - link.unread_since;
  if (link.open_since != config::Duration(0)) view.open_for = now - link.open_since;
  return view;
}

void Chain::judge_stages(config::Duration now) {
  std::vector<flow::StageView> views;
  for (auto& one : stages_) views.push_back(one->view(now));
  std::vector<flow::EdgeView> edges;
  for (std::size_t e = 0; e < links_.size(); ++e) edges.push_back(view_of(e, now));
  for (const flow::Verdict& verdict : judge(views, edges)) {
    Stage& hung = stage(verdict.stage);
    say(verdict.stage, verdict.reason + ": restarting it");
    hung.end_hung(verdict.reason, hung.config().stop.term);
  }
}

}  // namespace campipe::watch::chain
