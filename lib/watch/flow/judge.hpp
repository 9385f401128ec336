#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "cli/telemetry.hpp"
#include "watch/config/config.hpp"

/// Which stage of a chain is hung: alive, and yet no frame passes. The stage in fault is told from its neighbours,
/// which fall silent with it: the pipe before it is not emptied, the one behind it is.
namespace campipe::watch::flow {

/// What is known of one stage at one moment. Ages are at most `up`.
struct StageView {
  bool running = false;
  config::Duration up{0};

  bool beats = false;  ///< has ever sent WATCHDOG=1
  config::Duration heartbeat_age{0};
  bool reports = false;  ///< tells its flow (X_CAMPIPE_…); other programs do not
  config::Duration report_age{0};
  cli::Flow flow = cli::Flow::waiting;
  bool blocked = false;          ///< in a write that waits for its reader
  config::Duration free_for{0};  ///< how long it has said that it is not blocked
  bool had_in = false, had_out = false;
  config::Duration in_age{0}, out_age{0};  ///< since its counters last grew

  /// How long the process (and its children) has read and written nothing, by the kernel's count. Only asked for stages
  /// that do not report; 0 = it does or nobody knows.
  config::Duration io_age{0};

  config::WatchdogPolicy limits;
};

/// What is known of one pipe.
struct EdgeView {
  std::size_t from = 0;
  std::size_t to = 0;
  bool empty = true;  ///< nothing waits in it
  config::Duration unread_for{
      0};  ///< how long something has waited in it whenever looked at; 0 = it is empty, or just not
  config::Duration open_for{0};  ///< how long it has had room whenever looked at; 0 = full
};

struct Verdict {
  std::size_t stage = 0;
  std::string reason;  ///< "no sign of life for 5s"
};

/// The stages that are to be restarted. Victims of another stage, sources that wait for their camera and stages that do
/// nothing on purpose are never among them.
std::vector<Verdict> judge(const std::vector<StageView>& stages, const std::vector<EdgeView>& edges);

}  // namespace campipe::watch::flow
