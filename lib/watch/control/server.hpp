#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "watch/process/loop.hpp"

namespace campipe::watch::control {

/// The socket that `camwatch status` and its like talk to: one line of request, one line of answer, both JSON. For our
/// user and root only. At most 16 clients, 4 KiB a request, 10 s for it.
class Server {
public:
  using Reply = std::function<void(std::string line)>;  ///< may be called later, or never when the server goes
  using Handler = std::function<void(const std::string& request, Reply reply)>;

  /// Throws Error: try_again when a camwatch is already there, cannot_create, config when the path is too long.
  Server(process::Loop& loop, const std::string& path, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

private:
  struct Client {
    Fd fd;
    std::string in, out;
    bool asked = false;
    process::Loop::TimerId timer = 0;
  };

  void lock(const std::string& path);
  void accept();
  void cannot_accept(int error);
  void turn_away(Fd fd, ExitCode code, const std::string& why);
  void ready(int fd, std::uint32_t events);
  void read(int fd, Client& client);
  void write(int fd, Client& client);
  void drop(int fd);

  process::Loop& loop_;
  std::string path_;
  Handler handler_;
  Fd lock_, socket_;
  std::map<int, std::shared_ptr<Client>> clients_;
  process::Loop::TimerId retry_ = 0;
  std::optional<config::Duration> told_;  // when it was last told that none can be accepted
};

/// The answer to a request that is refused: {"ok":false,"code":CODE,"message":MESSAGE}
std::string failure(ExitCode code, const std::string& message);

/// Sends `request` and returns the answer. Throws Error: unavailable when no camwatch listens at `path`, permission,
/// io_error when the answer does not come within `timeout`.
std::string ask_control(const std::string& path, const std::string& request, config::Duration timeout);

}  // namespace campipe::watch::control
