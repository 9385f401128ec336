#include "watch/log/view.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <map>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace campipe::watch::log {

namespace {

constexpr std::size_t kMaxLine = 65536;

/// "TIME SOURCE: text": whether it is of `stage`, by its process or about it.
bool is_of_stage(std::string_view line, std::string_view stage) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return false;
  std::string_view rest = line.substr(space + 1);
  if (rest.starts_with("camwatch: ")) rest.remove_prefix(10);
  return rest.starts_with(stage) && rest.size() > stage.size() &&
         (rest[stage.size()] == '[' || rest[stage.size()] == ':');
}

/// A log that is read on as it grows.
class Follower {
public:
  Follower(std::string path, std::string chain, const Request& request)
      : path_(std::move(path)), chain_(std::move(chain)), request_(request) {}

  /// Calls `line` for each complete new line, also of a successor after a rotation.
  void read(const std::function<void(std::string)>& line) {
    read_file(line);
    struct stat now{}, there{};
    const bool same =
        fd_ && ::fstat(fd_.get(), &now) == 0 && ::stat(path_.c_str(), &there) == 0 && now.st_ino == there.st_ino;
    if (same) return;
    fd_ = Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    rest_.clear();
    read_file(line);
  }

  std::string shown(std::string_view line) const {
    if (!request_.chain.empty()) return std::string(line);
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::string(line);
    return fmt::format("{} {}/{}", line.substr(0, space), chain_, line.substr(space + 1));
  }

private:
  void read_file(const std::function<void(std::string)>& line) {
    std::array<char, 65536> bytes;
    while (fd_) {
      const ssize_t got = ::read(fd_.get(), bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return;
      rest_.append(bytes.data(), static_cast<std::size_t>(got));
      std::size_t from = 0;
      for (std::size_t end; (end = rest_.find('\n', from)) != std::string::npos; from = end + 1) {
        const std::string_view text(rest_.data() + from, end - from);
        if (request_.stage.empty() || is_of_stage(text, request_.stage)) line(std::string(text));
      }
      rest_.erase(0, from);
      if (rest_.size() > kMaxLine) rest_.clear();
    }
  }

  std::string path_, chain_;
  const Request& request_;
  Fd fd_;
  std::string rest_;
};

std::vector<std::string> chains_in(const Request& request) {
  if (!request.chain.empty()) return {request.chain};
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(request.dir, error)) {
    if (entry.path().extension() == ".log") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

class Viewer {
public:
  Viewer(const Request& request, const std::function<bool(std::string_view)>& print)
      : request_(request), print_(print) {}

  void run() {
    if (!request_.follow) return show_last();
    const Fd changes = watch_folder();  // before it is read: what comes in between is not missed
    show_last();
    std::array<char, 4096> events;
    do {
      for (const std::string& name : chains_in(request_)) add(name);
      for (auto& [name, log] : logs_) {
        log.read([&](std::string line) { more_ = more_ && print_(log.shown(line)); });
      }
    } while (more_ && changed(changes.get()) && ::read(changes.get(), events.data(), events.size()) > 0);
  }

private:
  /// An inotify descriptor. Throws Error.
  Fd watch_folder() const {
    Fd changes(::inotify_init1(IN_CLOEXEC));
    if (!changes) cannot_follow(errno, "fs.inotify.max_user_instances");
    if (::inotify_add_watch(changes.get(), request_.dir.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
      cannot_follow(errno, "fs.inotify.max_user_watches");
    return changes;
  }

  /// `limit`: the kernel setting that EMFILE and ENOSPC mean.
  [[noreturn]] void cannot_follow(int error, const char* limit) const {
    if (error == EMFILE || error == ENOSPC) {
      throw Error(ExitCode::os_error, fmt::format("cannot follow the logs: {}: raise {} with sysctl, or leave out -f",
                                                  errno_text(error), limit));
    }
    throw_errno(error, fmt::format("cannot follow the logs in {}", request_.dir));
  }

  /// Waits for a change; false once following is to end.
  bool changed(int changes) const {
    std::array<pollfd, 2> both{{{changes, POLLIN, 0}, {request_.stop_fd, POLLIN, 0}}};
    while (::poll(both.data(), both.size(), -1) < 0) {
      if (errno != EINTR) throw_errno(errno, "cannot wait for changes of logs");
    }
    return both[1].revents == 0;
  }

  void add(const std::string& name) {
    logs_.try_emplace(name, fmt::format("{}/{}.log", request_.dir, name), name, request_);
  }

  void show_last() {
    struct Entry {
      std::string line;
      const Follower* log;
      std::size_t place;  // equal times keep the order of the file
    };
    std::deque<Entry> last;
    for (const std::string& name : chains_in(request_)) {
      add(name);
      Follower& log = logs_.at(name);
      std::deque<std::string> own;
      const auto keep = [&](std::string line) {
        own.push_back(std::move(line));
        if (own.size() > static_cast<std::size_t>(request_.lines)) own.pop_front();
      };
      // The file before the present one too: a rotation must not make the past vanish.
      Follower(fmt::format("{}/{}.log.1", request_.dir, name), name, request_).read(keep);
      log.read(keep);
      for (std::string& line : own) last.push_back({std::move(line), &log, last.size()});
    }
    if (logs_.empty() || (!request_.chain.empty() &&
                          ::access(fmt::format("{}/{}.log", request_.dir, request_.chain).c_str(), F_OK) != 0)) {
      throw Error(ExitCode::no_input, fmt::format("there is no log {}/{}.log", request_.dir,
                                                  request_.chain.empty() ? "*" : request_.chain));
    }
    // Each line begins with its time in UTC, which sorts as text.
    std::ranges::sort(last, {}, [](const Entry& entry) {
      return std::pair(std::string_view(entry.line).substr(0, 24), entry.place);
    });
    while (last.size() > static_cast<std::size_t>(request_.lines)) last.pop_front();
    for (const Entry& entry : last) more_ = more_ && print_(entry.log->shown(entry.line));
  }

  const Request& request_;
  const std::function<bool(std::string_view)>& print_;
  std::map<std::string, Follower> logs_;
  bool more_ = true;
};

}  // namespace

void show_logs(const Request& request, const std::function<bool(std::string_view)>& print) {
  Viewer(request, print).run();
}

}  // namespace campipe::watch::log
