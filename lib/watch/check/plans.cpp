#include "watch/check/plans.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/units.hpp"

namespace campipe::watch::check {

namespace {

/// The number of the descriptor that an endpoint means; `usual` for "-".
std::optional<int> descriptor_of(const std::string& endpoint, int usual) {
  if (endpoint == "-") return usual;
  if (endpoint == "/dev/stdin") return 0;
  if (endpoint == "/dev/stdout") return 1;
  for (const std::string_view prefix : {"fd:", "/dev/fd/", "/proc/self/fd/"}) {
    if (!endpoint.starts_with(prefix)) continue;
    if (const auto number = parse_integer(endpoint.substr(prefix.size()), 0, 1023)) return static_cast<int>(*number);
  }
  return std::nullopt;
}

bool has_descriptor(const std::vector<config::Handed>& handed, int fd) {
  return std::ranges::find(handed, fd, &config::Handed::fd) != handed.end();
}

bool is_ring(const std::string& endpoint) {
  return endpoint.starts_with("shm:");
}

bool is_folder(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// Of "a/b/" "a", of "b" ".".
std::string folder_above(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

struct HostAndPort {
  std::string_view host, port;
};

HostAndPort split(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  return colon == std::string_view::npos ? HostAndPort{"", address}
                                         : HostAndPort{address.substr(0, colon), address.substr(colon + 1)};
}

/// Whether the second cannot listen beside the first.
bool collide(std::string_view one, std::string_view other) {
  if (one.starts_with("unix:") || other.starts_with("unix:")) return one == other;
  const HostAndPort a = split(one), b = split(other);
  const auto is_any = [](std::string_view host) { return host.empty() || host == "0.0.0.0" || host == "[::]"; };
  return a.port == b.port && a.port != "0" && (a.host == b.host || is_any(a.host) || is_any(b.host));
}

class Judge {
public:
  Judge(const std::vector<StagePlan>& plans, bool all_known, std::vector<Finding>& findings)
      : plans_(plans), all_known_(all_known), findings_(findings) {}

  void judge() {
    for (const StagePlan& one : plans_) {
      for (const std::string& input : one.plan.inputs) judge_input(one, input);
      for (const std::string& output : one.plan.outputs) judge_output(one, output);
      for (const std::string& folder : one.plan.folders) judge_folder(one, folder);
    }
    for (std::size_t i = 0; i < plans_.size(); ++i) judge_beside_others(i);
  }

private:
  void found(const StagePlan& one, const std::string& subject, const std::string& what, bool is_warning = false) {
    findings_.push_back(
        {place_of(*one.stage, subject), fmt::format("{}/{}: {}", one.chain->name, one.stage->name, what), is_warning});
  }

  /// The word of the command that names `subject`, else the program: what is not written is a default.
  static config::Position place_of(const config::StageConfig& stage, const std::string& subject) {
    for (std::size_t i = 1; i < stage.cmd.size() && i < stage.cmd_at.size(); ++i) {
      if (stage.cmd[i] == subject || stage.cmd[i].ends_with("=" + subject)) return stage.cmd_at[i];
    }
    return stage.cmd_at.empty() ? stage.at : stage.cmd_at.front();
  }

  void judge_input(const StagePlan& one, const std::string& input) {
    if (is_ring(input)) return judge_ring_read(one, input);
    if (const auto fd = descriptor_of(input, 0)) {
      if (has_descriptor(one.wired.inputs, *fd)) return;
      return found(one, input,
                   *fd == 0 ? "reads its standard input, and no stage feeds that: give it a from:, or an input"
                            : fmt::format("reads {}, and no stage feeds that", input));
    }
    if (::access(input.c_str(), R_OK) == 0 || one.plan.waits) return;
    const int error = errno;
    const bool is_warning = error == EACCES || input.starts_with("/dev/");  // a camera may be plugged in later
    found(one, input, fmt::format("{}: {}", input, errno_text(error)), is_warning);
  }

  void judge_ring_read(const StagePlan& one, const std::string& ring) {
    if (!all_known_ || ring.find_first_of("*?") != std::string::npos) return;
    const auto writes = [&](const StagePlan& other) {
      return std::ranges::find(other.plan.outputs, ring) != other.plan.outputs.end();
    };
    if (std::ranges::any_of(plans_, writes)) return;
    found(one, ring, fmt::format("no stage of campipe's in this file writes {}: it waits for another program to", ring),
          true);
  }

  void judge_output(const StagePlan& one, const std::string& output) {
    if (is_ring(output)) return;
    if (const auto fd = descriptor_of(output, 1)) {
      if (has_descriptor(one.wired.outputs, *fd)) return;
      return found(one, output,
                   *fd == 1 ? "writes its stream to standard output, and no stage reads that: give it a reader or -o"
                            : fmt::format("writes {}, and no stage reads that", output));
    }
    const std::string folder = folder_above(output);
    if (!is_folder(folder)) found(one, output, fmt::format("{}: the folder {} is missing", output, folder));
  }

  void judge_folder(const StagePlan& one, const std::string& folder) {
    if (is_folder(folder)) return;
    if (::access(folder.c_str(), F_OK) == 0) return found(one, folder, folder + ": is no folder");
    if (errno == EACCES) return found(one, folder, fmt::format("{}: {}", folder, errno_text(EACCES)), true);
    if (!is_folder(folder_above(folder)))
      found(one, folder,
            fmt::format("{}: the folder {} is missing: is the disk mounted?", folder, folder_above(folder)));
  }

  void judge_beside_others(std::size_t i) {
    for (std::size_t k = 0; k < i; ++k) {
      const std::string other = fmt::format("{}/{}", plans_[k].chain->name, plans_[k].stage->name);
      for (const std::string& output : plans_[i].plan.outputs) {
        const auto& others = plans_[k].plan.outputs;
        if (is_ring(output) && std::ranges::find(others, output) != others.end())
          found(plans_[i], output, fmt::format("{} is written by {}: a ring has one writer", output, other));
      }
      for (const std::string& address : plans_[i].plan.listens) {
        const auto& others = plans_[k].plan.listens;
        const auto there = std::ranges::find_if(others, [&](const std::string& one) { return collide(one, address); });
        if (there != others.end())
          found(plans_[i], address,
                fmt::format("listens at {}, and {} at {}: give one another", address, other, *there));
      }
    }
  }

  const std::vector<StagePlan>& plans_;
  bool all_known_;
  std::vector<Finding>& findings_;
};

}  // namespace

void judge_plans(const std::vector<StagePlan>& plans, bool all_known, std::vector<Finding>& findings) {
  Judge(plans, all_known, findings).judge();
}

}  // namespace campipe::watch::check
