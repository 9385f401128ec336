#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace campipe::watch::control {

/// What `camwatch status` tells.
struct StageStatus {
  std::string name;
  /// What it tells of its flow: waiting, flowing, idle, stalled; running when it tells nothing; else starting again
  /// (restarting), being ended (ending), stopped or done.
  std::string state;
  pid_t pid = 0;       ///< 0 = no process
  bool tells = false;  ///< it reports its flow
  bool ready = false, blocked = false, failing = false, required = true;
  std::vector<std::string> from;
  double fps = 0;
  std::uint64_t frames_in = 0, frames_out = 0;
  std::optional<double> last_frame_age_s;
  double up_s = 0;
  int restarts = 0;
  std::string last_exit;  ///< "killed by SIGKILL", "exit 65: …"; "" = it has not ended yet
  std::string command;    ///< passwords in URLs hidden
};

struct ChainStatus {
  std::string name;
  std::string state;  ///< running, failing, stopping, stopped, done
  std::vector<StageStatus> stages;
};

struct Status {
  pid_t pid = 0;
  std::string config;  ///< the file; "" = a pipeline from the command line
  std::string log_dir;
  double up_s = 0;
  std::vector<ChainStatus> chains;
};

std::string to_json(const Status& status);
/// A table for people. `json` is what to_json() made; fails with Error(protocol) when it is not.
std::string table_of(const std::string& json);
/// "front: grab 30.0 fps, enc 30.0 fps, serve 30.0 fps"
std::string one_line(const ChainStatus& chain);

}  // namespace campipe::watch::control
