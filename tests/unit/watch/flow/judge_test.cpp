#include "watch/flow/judge.hpp"

#include <gtest/gtest.h>

#include "watch/flow/flow_tracker.hpp"

namespace campipe::watch {
namespace {

using namespace std::chrono_literals;
using cli::Flow;

constexpr config::Duration kLong = 100s;

/// A stage of ours that has run for long and through which frames pass.
flow::StageView flowing() {
  flow::StageView view;
  view.running = view.beats = view.reports = view.had_in = view.had_out = true;
  view.up = view.free_for = kLong;
  view.heartbeat_age = view.report_age = view.in_age = view.out_age = 500ms;
  view.flow = Flow::flowing;
  return view;
}

/// As flowing(), and then its input stopped `age` ago.
flow::StageView starved(config::Duration age) {
  flow::StageView view = flowing();
  view.flow = age > 2s ? Flow::stalled : Flow::flowing;
  view.in_age = view.out_age = age;
  return view;
}

flow::StageView blocked(config::Duration age) {
  flow::StageView view = starved(age);
  view.blocked = true;
  view.free_for = 0s;
  return view;
}

/// A process that sends nothing any more (SIGSTOP).
flow::StageView silent(config::Duration age) {
  flow::StageView view = starved(age);
  view.flow = Flow::flowing;
  view.heartbeat_age = view.report_age = age;
  return view;
}

/// Another program, which tells nothing; its reading and writing last went on `io_age` ago.
flow::StageView foreign(config::Duration io_age, config::Duration up = kLong) {
  flow::StageView view;
  view.running = true;
  view.up = up;
  view.heartbeat_age = view.report_age = view.in_age = view.out_age = view.free_for = up;
  view.io_age = io_age;
  return view;
}

flow::StageView with(flow::StageView view, const std::function<void(flow::StageView&)>& change) {
  change(view);
  return view;
}

flow::EdgeView open(std::size_t from, std::size_t to) {
  return {.from = from, .to = to, .empty = true, .unread_for = {}, .open_for = kLong};
}
flow::EdgeView full(std::size_t from, std::size_t to, config::Duration age) {
  return {.from = from, .to = to, .empty = false, .unread_for = age, .open_for = {}};
}

struct Case {
  const char* what;
  std::vector<flow::StageView> stages;
  std::vector<flow::EdgeView> edges;
  std::vector<std::size_t> hung;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    std::vector<std::size_t> hung;
    std::string reasons;
    for (const flow::Verdict& verdict : judge(c.stages, c.edges))
      hung.push_back(verdict.stage), reasons += verdict.reason + "; ";
    EXPECT_EQ(hung, c.hung) << c.what << ": " << reasons;
  }
}

TEST(Judge, LeavesAloneWhatWorksOrWaits) {
  const auto waiting = with(flowing(), [](flow::StageView& v) {
    v.flow = Flow::waiting, v.had_in = v.had_out = false, v.in_age = v.out_age = kLong;
  });
  const auto was_flowing_now_waiting = with(starved(kLong), [](flow::StageView& v) { v.flow = Flow::waiting; });
  const auto idle = with(starved(kLong), [](flow::StageView& v) { v.flow = Flow::idle; });
  check({
      {"all flows", {flowing(), flowing(), flowing()}, {open(0, 1), open(1, 2)}, {}},
      {"camera not there yet", {waiting, waiting, waiting}, {open(0, 1), open(1, 2)}, {}},
      {"camera gone, camgrab says it waits",
       {was_flowing_now_waiting, starved(kLong), starved(kLong)},
       {open(0, 1), open(1, 2)},
       {}},
      {"nobody wants frames", {idle, idle}, {open(0, 1)}, {}},
      {"one frame late", {starved(2900ms), starved(2900ms)}, {open(0, 1)}, {}},
      {"who starves is no culprit, however short the limit",
       {with(starved(2100ms), [](auto& v) { v.flow = Flow::waiting; }),
        with(starved(2100ms), [](auto& v) { v.limits.stall = 2s; }), starved(2100ms)},
       {open(0, 1), open(1, 2)},
       {}},
      {"the same in the middle of other programs",
       {with(starved(2100ms), [](auto& v) { v.flow = Flow::waiting; }),
        with(foreign(100ms), [](auto& v) { v.limits.stall = 2s; }), starved(2200ms)},
       {open(0, 1), open(1, 2)},
       {}},
      {"no stages", {}, {}, {}},
      {"a stage between two runs", {flowing(), flow::StageView{}, starved(9s)}, {full(0, 1, 9s), open(1, 2)}, {}},
  });
}

TEST(Judge, FindsTheOneThatIsStoppedAmongItsVictims) {
  check({
      {"source stopped", {silent(6s), starved(6s), starved(6s)}, {open(0, 1), open(1, 2)}, {0}},
      {"filter stopped: pipe before it full",
       {with(flowing(), [](auto& v) { v.blocked = true, v.free_for = 0s; }), silent(4s), starved(4s)},
       {full(0, 1, 3500ms), open(1, 2)},
       {1}},
      {"filter stopped, slow stream: pipe not full yet",
       {flowing(), silent(6s), starved(6s)},
       {open(0, 1), open(1, 2)},
       {1}},
      {"sink stopped", {blocked(5s), blocked(5s), silent(6s)}, {full(0, 1, 4s), full(1, 2, 5s)}, {2}},
      {"sink stopped, the source drops", {flowing(), blocked(5s), silent(6s)}, {full(0, 1, 4s), full(1, 2, 5s)}, {2}},
      {"one of two sinks stopped, the other starves",
       {flowing(), blocked(4s), starved(4s), silent(4s)},
       {full(0, 1, 3200ms), open(1, 2), full(1, 3, 3500ms)},
       {3}},
      {"not for heartbeat's sake", {with(silent(60s), [](auto& v) { v.limits.heartbeat = 0s; })}, {}, {}},
  });
}

TEST(Judge, FindsWhatIsAliveButSilent) {
  const auto takes_only = with(flowing(), [](flow::StageView& v) { v.out_age = 4s; });
  const auto takes_nothing =
      with(flowing(), [](flow::StageView& v) { v.in_age = v.out_age = 4s, v.flow = Flow::stalled; });
  check({
      {"source stalls", {starved(4s), starved(4s)}, {open(0, 1)}, {0}},
      {"source alone in its chain stalls", {starved(4s)}, {}, {0}},
      {"encoder takes frames and gives none", {flowing(), takes_only, starved(4s)}, {open(0, 1), open(1, 2)}, {1}},
      {"encoder does not read", {blocked(4s), takes_nothing, starved(4s)}, {full(0, 1, 3500ms), open(1, 2)}, {1}},
      {"encoder does not read, slow stream: its pipe is not full yet",
       {flowing(), takes_nothing, starved(4s)},
       {{.from = 0, .to = 1, .empty = false, .unread_for = 3500ms, .open_for = kLong}, open(1, 2)},
       {1}},
      {"sink does not read", {blocked(4s), takes_nothing}, {full(0, 1, 3500ms)}, {1}},
      {"a slow sink reads on, though its pipe is always full", {flowing(), flowing()}, {full(0, 1, 60s)}, {}},
      {"stall is 10 s here (1 frame in 5 s)",
       {with(starved(6s), [](auto& v) { v.limits.stall = 10s; }), starved(6s)},
       {open(0, 1)},
       {}},
      {"stall is off here", {with(starved(60s), [](auto& v) { v.limits.stall = 0s; }), starved(60s)}, {open(0, 1)}, {}},
  });
}

TEST(Judge, GivesTimeToBegin) {
  const auto begins = [](config::Duration up, bool in, Flow flow = Flow::flowing) {
    return with(flowing(), [&](flow::StageView& v) {
      v.up = up, v.flow = flow, v.had_in = in, v.had_out = false, v.out_age = up, v.in_age = in ? 500ms : up;
    });
  };
  check({
      {"waits for the next keyframe", {flowing(), begins(10s, true), starved(12s)}, {open(0, 1), open(1, 2)}, {}},
      {"for longer than startup", {flowing(), begins(16s, true), starved(18s)}, {open(0, 1), open(1, 2)}, {1}},
      {"reads nothing yet", {blocked(9s), begins(9s, false)}, {full(0, 1, 9s)}, {}},
      {"reads nothing for longer than startup", {blocked(16s), begins(16s, false)}, {full(0, 1, 16s)}, {1}},
      {"just restarted behind a pipe that has been full for long",
       {blocked(60s), with(begins(1s, false), [](auto& v) { v.free_for = 1s; })},
       {full(0, 1, 60s)},
       {}},
  });
}

TEST(Judge, AVictimGetsItsTimeAnewOnceItIsFree) {
  check({
      {"filter free again for 1 s",
       {flowing(), with(flowing(), [](auto& v) { v.out_age = 20s, v.free_for = 1s; }), starved(20s)},
       {open(0, 1), open(1, 2)},
       {}},
      {"file source held up till now",
       {with(starved(20s), [](auto& v) { v.free_for = 2s; }), flowing()},
       {open(0, 1)},
       {}},
      {"its pipe has had room for 1 s",
       {starved(20s), flowing()},
       {{.from = 0, .to = 1, .empty = true, .unread_for = {}, .open_for = 1s}},
       {}},
  });
}

TEST(Judge, JudgesOtherProgramsByTheirNeighbours) {
  check({
      {"ffmpeg in the middle works", {flowing(), foreign(100ms), flowing()}, {open(0, 1), open(1, 2)}, {}},
      {"ffmpeg in the middle stopped", {blocked(5s), foreign(4s), starved(5s)}, {full(0, 1, 4s), open(1, 2)}, {1}},
      {"ffmpeg in the middle is busy with its pipe full",
       {blocked(0s), foreign(100ms), flowing()},
       {full(0, 1, 60s), open(1, 2)},
       {}},
      {"ffmpeg in the middle is held up by the sink",
       {blocked(9s), foreign(9s), silent(9s)},
       {full(0, 1, 9s), full(1, 2, 9s)},
       {2}},
      {"takes frames and gives none", {flowing(), foreign(100ms), starved(4s)}, {open(0, 1), open(1, 2)}, {1}},
      {"starves with the others", {starved(4s), foreign(4s), starved(4s)}, {open(0, 1), open(1, 2)}, {0}},
      {"camera waited for",
       {with(starved(60s), [](auto& v) { v.flow = Flow::waiting; }), foreign(60s), starved(60s)},
       {open(0, 1), open(1, 2)},
       {}},
      {"loads a model for 10 s", {flowing(), foreign(0s, 10s), starved(10s)}, {open(0, 1), open(1, 2)}, {}},
      {"script as sink stopped", {blocked(5s), foreign(4s)}, {full(0, 1, 4s)}, {1}},
      {"script as sink has nothing to read", {starved(2s), foreign(60s)}, {open(0, 1)}, {}},
      {"ffmpeg as source works", {foreign(100ms), flowing()}, {open(0, 1)}, {}},
      {"ffmpeg as source silent", {foreign(100ms), starved(4s)}, {open(0, 1)}, {0}},
      {"ffmpeg as source, its reader stopped", {foreign(4s), silent(4s)}, {open(0, 1)}, {}},
      {"ffmpeg as source, its reader does not read",
       {foreign(4s), starved(4s)},
       {{.from = 0, .to = 1, .empty = false, .unread_for = {}, .open_for = kLong}},
       {}},
      {"ffmpeg as source restarted 5 s ago, nothing yet", {foreign(100ms, 5s), starved(20s)}, {open(0, 1)}, {}},
      {"ffmpeg as source restarted 16 s ago, nothing yet", {foreign(100ms, 16s), starved(30s)}, {open(0, 1)}, {0}},
      {"two programs that tell nothing", {foreign(60s), foreign(60s)}, {open(0, 1)}, {}},
      {"one that sends WATCHDOG=1 and stopped",
       {with(foreign(9s), [](auto& v) { v.beats = true, v.heartbeat_age = 9s; })},
       {},
       {0}},
      {"one that sends WATCHDOG=1, held up by its reader",
       {with(foreign(9s), [](auto& v) { v.beats = true, v.heartbeat_age = 9s; }), silent(9s)},
       {full(0, 1, 9s)},
       {1}},
  });
}

TEST(FlowTracker, TurnsReportsIntoAges) {
  flow::FlowTracker tracker(10s);
  const auto tell = [&](config::Duration at, std::uint64_t in, std::uint64_t out, bool is_blocked) {
    flow::Report report;
    report.flow = Flow::flowing, report.frames_in = in, report.frames_out = out, report.blocked = is_blocked,
    report.heartbeat = true;
    report.last_us = 1;
    tracker.apply(report, at);
  };
  flow::StageView view;
  tracker.fill(view, 12s);
  EXPECT_FALSE(view.reports);
  EXPECT_EQ(view.up, 2s);
  tell(11s, 0, 0, false);
  tell(12s, 30, 29, false);
  EXPECT_DOUBLE_EQ(tracker.fps(), 30);
  tell(13s, 60, 29, true);
  tracker.fill(view, 13500ms);
  EXPECT_EQ(view.in_age, 500ms);
  EXPECT_EQ(view.out_age, 1500ms);
  EXPECT_TRUE(view.blocked);
  EXPECT_EQ(view.heartbeat_age, 500ms);
  tell(14s, 60, 29, false);
  tracker.fill(view, 15s);
  EXPECT_EQ(view.free_for, 1s);
  EXPECT_TRUE(tracker.worked());
  tracker.restart_ages(100s);
  tracker.fill(view, 101s);
  EXPECT_EQ(view.up, 1s);
  EXPECT_EQ(view.heartbeat_age, 1s);
  EXPECT_EQ(tracker.started(), 10s);
}

}  // namespace
}  // namespace campipe::watch
