#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

/// What camwatch is told to run: chains of stages. See camwatch.yaml(5) for the file.
namespace campipe::watch::config {

using Duration = std::chrono::nanoseconds;

/// A place in the configuration, both from 1; line 0 = not from a file.
struct Position {
  int line = 0;
  int column = 0;
};

/// A configuration that cannot be used; the message begins with FILE:LINE:COLUMN. Exit code 78.
class ConfigError : public Error {
public:
  ConfigError(const std::string& file, Position at, const std::string& message);
  Position position() const noexcept { return at_; }

private:
  Position at_;
};

struct RestartPolicy {
  enum class When { always, on_failure, never };
  When when = When::always;
  Duration first = std::chrono::milliseconds(100);
  Duration max = std::chrono::seconds(30);
  double factor = 2;
  bool jitter = true;                          ///< full jitter: a random delay between 0 and the full one
  Duration stable = std::chrono::seconds(10);  ///< a run of this length starts the delays over

  bool operator==(const RestartPolicy&) const = default;
};

/// How long silence lasts before a stage is restarted; 0 = for ever.
struct WatchdogPolicy {
  Duration startup = std::chrono::seconds(15);   ///< from the start of a process to its first frame
  Duration stall = std::chrono::seconds(3);      ///< from one frame to the next
  Duration heartbeat = std::chrono::seconds(5);  ///< from one WATCHDOG=1 to the next

  bool operator==(const WatchdogPolicy&) const = default;
};

struct StopPolicy {
  enum class Order { upstream_first, together };
  Order order = Order::upstream_first;
  Duration drain = std::chrono::seconds(2);  ///< from the end of its input to SIGTERM
  Duration term = std::chrono::seconds(1);   ///< from SIGTERM to SIGKILL

  bool operator==(const StopPolicy&) const = default;
};

struct Limits {
  std::optional<std::int64_t> nofile;
  std::optional<std::int64_t> memory_bytes;  ///< RLIMIT_DATA

  bool operator==(const Limits&) const = default;
};

struct LogPolicy {
  std::string dir;  ///< empty = the default of paths.hpp
  std::int64_t max_size_bytes = std::int64_t{8} << 20;
  int keep = 4;  ///< rotated files besides the current one
  int lines_per_s = 200;

  bool operator==(const LogPolicy&) const = default;
};

/// Programs that are told of what happens to a stage, as argument vectors; empty = none.
struct Hooks {
  std::vector<std::string> failing;                ///< its third failed run in a row
  std::vector<std::string> lost;                   ///< its source has been lost for lost_after
  std::vector<std::string> recovered;              ///< frames flow again after one of these
  Duration lost_after = std::chrono::seconds(10);  ///< also until a stage counts as lost in the status; 0 = never

  bool operator==(const Hooks&) const = default;
};

/// How the two ends of a link live.
enum class Link {
  automatic,  ///< paired when one end's command says rawvideo or y4m, else pipe
  pipe,       ///< the pipe outlives both: whoever restarts finds the next frame by itself
  paired,     ///< both are restarted together with a new pipe: for bytes without marks (raw pictures)
  ring,       ///< a ring in shared memory instead of a pipe, one for all that read the stage
};

struct StageConfig {
  std::string name;
  std::vector<std::string> cmd;
  std::vector<std::string> from;
  Link link = Link::automatic;
  std::map<std::string, std::string> env;
  std::string env_file;
  bool required = true;  ///< false: while it is down, what is sent to it is thrown away
  RestartPolicy restart;
  WatchdogPolicy watchdog;
  StopPolicy stop;
  Limits limits;

  Position at;                    ///< of its name
  std::vector<Position> cmd_at;   ///< of each word of cmd
  std::vector<Position> from_at;  ///< of each name in from
};

struct ChainConfig {
  std::string name;
  std::vector<StageConfig> stages;
  Position at;
};

struct Config {
  std::string file;  ///< what messages call it; empty for a pipeline from the command line
  LogPolicy log;
  std::string control_socket;  ///< empty = the default of paths.hpp
  Hooks hooks;
  std::array<Position, 3> hooks_at;  ///< of failing, lost and recovered
  std::vector<ChainConfig> chains;
};

/// Reads and checks a configuration, wiring included (wiring.hpp). Throws ConfigError; Error(no_input) and its like
/// when the file cannot be read.
Config load_config(const std::string& path);

/// As load_config from text; `file` is what messages call it. At most 1 MiB, 256 chains, 64 stages a chain.
Config parse_config(const std::string& text, const std::string& file);

/// [A-Za-z0-9_-]{1,64}: chains, stages and variables.
bool is_name(std::string_view text) noexcept;

/// NAME=VALUE lines, '#' comments and empty lines, values as they are (one pair of quotes around them is taken off).
/// Throws ConfigError with the line that is wrong; Error when the file cannot be read. At most 64 KiB.
std::map<std::string, std::string> read_env_file(const std::string& path);

}  // namespace campipe::watch::config
