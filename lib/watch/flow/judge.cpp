#include "watch/flow/judge.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace campipe::watch::flow {

namespace {

/// Reports come once a second; one may be late.
constexpr config::Duration kFresh = std::chrono::milliseconds(2500);

class Judge {
public:
  Judge(const std::vector<StageView>& stages, const std::vector<EdgeView>& edges) : stages_(stages), edges_(edges) {}

  std::optional<std::string> reason(std::size_t i) const {
    const StageView& stage = stages_[i];
    if (!stage.running) return std::nullopt;
    const config::Duration free = free_for(i);
    // Our tools give signs of life also in a blocked write, others do not.
    if (no_heartbeat(stage) && (stage.reports || free != config::Duration(0)))
      return said("no sign of life", stage.heartbeat_age);
    if (free == config::Duration(0)) return std::nullopt;  // the reader of its output holds it up
    if (const config::Duration age = unread_for(i); over(age, limit(stage, takes(i))))
      return said("does not take its input", age);
    if (stage.reports && stage.flow == cli::Flow::idle) return std::nullopt;
    const config::Duration silent = std::min(free, silent_for(i));
    if (!has_producers(i)) {
      return over(silent, limit(stage, gives(i))) ? std::optional(said("no frames come out of it", silent))
                                                  : std::nullopt;
    }
    // It is to blame only for the time in which it was still given frames: who starves falls silent as well.
    const auto input = input_age(i);
    if (!input || !over(silent - *input, limit(stage, gives(i)))) return std::nullopt;
    return said("takes frames and gives none", silent);
  }

private:
  static std::string said(const char* what, config::Duration age) {
    return fmt::format("{} for {:.1f} s", what, std::chrono::duration<double>(age).count());
  }
  static bool over(config::Duration age, config::Duration limit) { return limit != config::Duration(0) && age > limit; }

  static bool no_heartbeat(const StageView& stage) {
    return stage.beats && over(stage.heartbeat_age, stage.limits.heartbeat);
  }

  /// The first frame may take longer: a program that starts, a camera's next keyframe.
  static config::Duration limit(const StageView& stage, bool began) {
    return began ? stage.limits.stall : stage.limits.startup;
  }

  bool has_producers(std::size_t i) const {
    return std::ranges::any_of(edges_, [&](const EdgeView& edge) { return edge.to == i; });
  }

  /// How long nobody behind it has held it up; 0 = somebody does now.
  config::Duration free_for(std::size_t i) const {
    const StageView& stage = stages_[i];
    config::Duration free = stage.up;
    if (stage.reports) free = std::min(free, stage.blocked ? config::Duration(0) : stage.free_for);
    for (const EdgeView& edge : edges_) {
      if (edge.from == i) free = std::min(free, edge.open_for);
    }
    return free;
  }

  /// How long a pipe has waited for the stage to read; 0 = none does. Something always waits before a reader that is
  /// merely slow: that one's counter, or the kernel's for it, goes on.
  config::Duration unread_for(std::size_t i) const {
    const StageView& stage = stages_[i];
    config::Duration unread{0};
    for (const EdgeView& edge : edges_) {
      if (edge.to == i) unread = std::max(unread, edge.unread_for);
    }
    return std::min({unread, stage.up, stage.reports ? stage.in_age : stage.io_age});
  }

  bool takes(std::size_t i) const {
    const StageView& stage = stages_[i];
    if (stage.reports) return stage.had_in;
    return heard(i) || (stage.limits.startup != config::Duration(0) && stage.up > stage.limits.startup);
  }
  bool gives(std::size_t i) const {
    const StageView& stage = stages_[i];
    return stage.reports ? stage.had_out || (stage.had_in && !has_producers(i)) : heard(i);
  }

  /// Its readers that tell what they get, and can.
  template <class Do>
  bool each_listener(std::size_t i, Do act) const {
    bool any = false;
    for (const EdgeView& edge : edges_) {
      if (edge.from != i) continue;
      const StageView& reader = stages_[edge.to];
      if (!reader.running || !reader.reports || reader.report_age > kFresh) continue;
      any = true;
      act(edge, reader);
    }
    return any;
  }

  /// Whether a reader has got a frame since this process began.
  bool heard(std::size_t i) const {
    bool any = false;
    each_listener(i, [&](const EdgeView&, const StageView& reader) {
      any = any || (reader.had_in && reader.in_age < stages_[i].up);
    });
    return any;
  }

  /// How long nothing has come out of it; 0 = something has, or nobody can tell.
  config::Duration silent_for(std::size_t i) const {
    const StageView& stage = stages_[i];
    const bool consumers = std::ranges::any_of(edges_, [&](const EdgeView& edge) { return edge.from == i; });
    if (stage.reports) {
      if (has_producers(i)) return consumers && stage.report_age <= kFresh ? stage.out_age : config::Duration(0);
      // Its own word: a camera that is waited for is nobody's fault.
      return stage.flow == cli::Flow::stalled && stage.report_age <= kFresh ? stage.in_age : config::Duration(0);
    }
    config::Duration silent = stage.up;
    const bool listeners = each_listener(i, [&](const EdgeView& edge, const StageView& reader) {
      silent = std::min(silent, edge.empty ? reader.in_age : config::Duration(0));
    });
    return listeners ? silent : config::Duration(0);
  }

  /// How long ago it was last given a frame; nothing when that is not known, or it never was.
  std::optional<config::Duration> input_age(std::size_t i) const {
    const StageView& stage = stages_[i];
    if (stage.reports) return stage.had_in ? std::optional(stage.in_age) : std::nullopt;
    std::optional<config::Duration> age;
    for (const EdgeView& edge : edges_) {
      const StageView& producer = stages_[edge.from];
      if (edge.to != i || !producer.running || !producer.reports || !producer.had_out || producer.blocked) continue;
      age = age ? std::min(*age, producer.out_age) : producer.out_age;
    }
    return age;
  }

  const std::vector<StageView>& stages_;
  const std::vector<EdgeView>& edges_;
};

}  // namespace

std::vector<Verdict> judge(const std::vector<StageView>& stages, const std::vector<EdgeView>& edges) {
  const Judge all(stages, edges);
  std::vector<Verdict> verdicts;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (auto reason = all.reason(i)) verdicts.push_back({i, std::move(*reason)});
  }
  return verdicts;
}

}  // namespace campipe::watch::flow
