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
  /// What it tells of its flow: waiting, flowing, idle, stalled, or lost or blocked, which is camwatch's word for some
  /// of these; running when it tells nothing; else starting again (restarting), being ended (ending), stopped or done.
  std::string state;
  pid_t pid = 0;       ///< 0 = no process
  bool tells = false;  ///< it reports its flow
  bool ready = false, blocked = false, failing = false, required = true;
  std::vector<std::string> from;
  double fps_in = 0, fps_out = 0;
  std::uint64_t frames_in = 0, frames_out = 0;
  std::optional<double> last_frame_age_s;
  double up_s = 0;
  int restarts = 0;                   ///< after faults; those by command do not count
  bool lost = false;                  ///< its source has been missing for a while
  double lost_for_s = 0;              ///< since it is missing
  std::string reason;                 ///< why it is not flowing; "" = it is, or nobody knows
  std::optional<double> starts_in_s;  ///< restarting: when
  std::string last_words;             ///< what a process that failed wrote last
  std::string last_exit;              ///< "killed by SIGKILL", "exit 65: …"; "" = it has not ended yet
  std::string command;                ///< passwords in URLs hidden
};

struct ChainStatus {
  std::string name;
  std::string state;  ///< running, failing, lost, stopping, stopped, done
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

/// What `camwatch status` prints of an answer. Each fails with Error(protocol) when `json` is not what to_json() made.
/// The chains and stages that `target` names: CHAIN, CHAIN/STAGE or "" for all. Throws Error(no_input): there is none.
std::string only(const std::string& json, const std::string& target);
/// A table for people, with a summary below.
std::string table_of(const std::string& json);
/// Whether a chain is failing or lost; of a single stage, whether that is.
bool is_in_trouble(const std::string& json);

/// "front: grab 30.0 fps, enc 30.0 fps, serve 30.0 fps"
std::string one_line(const ChainStatus& chain);
/// All chains in at most `width` columns: as one_line(), or where that is too long their number by state and the names
/// of those in trouble.
std::string one_line(const std::vector<ChainStatus>& chains, std::size_t width);

}  // namespace campipe::watch::control
