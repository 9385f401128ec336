#include "watch/control/server.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.hpp"
#include "watch/control/paths.hpp"

namespace campipe::watch::control {

namespace {

constexpr std::size_t kMaxClients = 16;
constexpr std::size_t kMaxRequest = 4096;
constexpr auto kRequestTime = std::chrono::seconds(10);
constexpr std::chrono::milliseconds kRetry(200);
constexpr auto kTellAgain = std::chrono::seconds(60);
constexpr std::size_t kMaxAnswer = 64 << 20;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw Error(ExitCode::config,
                fmt::format("{}: the path of the control socket is over {} bytes", path, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

Server::Server(process::Loop& loop, const std::string& path, Handler handler)
    : loop_(loop), path_(path), handler_(std::move(handler)) {
  const sockaddr_un address = address_of(path);
  make_folder(path.substr(0, path.rfind('/')), true);
  lock(path + ".lock");
  ::unlink(path.c_str());  // of one that was killed: we have its lock
  socket_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const mode_t old = ::umask(0177);
  const bool bound = socket_ && ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  ::umask(old);
  if (!bound || ::listen(socket_.get(), 16) != 0) {
    throw Error(ExitCode::cannot_create,
                fmt::format("cannot make the control socket {}: {}", path, errno_text(bound ? errno : error)));
  }
  loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

Server::~Server() {
  loop_.cancel(retry_);
  loop_.unwatch(socket_.get());
  ::unlink(path_.c_str());
  lock_.reset();  // whoever reads the answer to a stop may start the next camwatch
  while (!clients_.empty()) {
    const auto& [fd, client] = *clients_.begin();
    if (!client->out.empty()) [[maybe_unused]]
      const auto last = ::send(fd, client->out.data(), client->out.size(), MSG_NOSIGNAL);
    drop(fd);
  }
}

void Server::lock(const std::string& path) {
  lock_ = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock_) throw Error(ExitCode::cannot_create, fmt::format("cannot make {}: {}", path, errno_text(errno)));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  throw Error(ExitCode::try_again,
              fmt::format("a camwatch already runs with the control socket {}: end it with camwatch stop, "
                          "or give this one another with --control",
                          path_));
}

/// It stays readable while nothing can be accepted: looked at again after a while only.
void Server::cannot_accept(int error) {
  if (!told_ || loop_.now() - *told_ >= kTellAgain) {
    told_ = loop_.now();
    campipe::log::warning("cannot answer a command: {}: tried again every {} ms", errno_text(error), kRetry.count());
  }
  loop_.change(socket_.get(), 0);
  retry_ = loop_.after(kRetry, [this] {
    retry_ = 0;
    loop_.change(socket_.get(), EPOLLIN);
  });
}

/// The answer fits into the socket's buffer, or is left out.
void Server::turn_away(Fd fd, ExitCode code, const std::string& why) {
  const std::string line = failure(code, why) + "\n";
  [[maybe_unused]] const auto sent = ::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd.get(), SHUT_WR);
  std::array<char, kMaxRequest> request;  // unread bytes would turn the end into a reset, which eats the answer
  [[maybe_unused]] const auto got = ::recv(fd.get(), request.data(), request.size(), MSG_DONTWAIT);
}

void Server::accept() {
  Fd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) cannot_accept(errno);
    return;
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || (peer.uid != ::geteuid() && peer.uid != 0))
    return turn_away(std::move(fd), ExitCode::permission, fmt::format("this camwatch is user {}'s", ::geteuid()));
  if (clients_.size() >= kMaxClients)
    return turn_away(std::move(fd), ExitCode::try_again, fmt::format("camwatch is answering {} others", kMaxClients));
  const int number = fd.get();
  auto client = std::make_shared<Client>();
  client->fd = std::move(fd);
  client->timer = loop_.after(kRequestTime, [this, number] { drop(number); });
  clients_[number] = client;
  loop_.watch(number, EPOLLIN, [this, number](std::uint32_t events) { ready(number, events); });
}

void Server::drop(int fd) {
  const auto found = clients_.find(fd);
  if (found == clients_.end()) return;
  loop_.cancel(found->second->timer);
  loop_.unwatch(fd);
  clients_.erase(found);
}

void Server::ready(int fd, std::uint32_t events) {
  const auto client = clients_.at(fd);
  if ((events & EPOLLOUT) != 0) return write(fd, *client);
  read(fd, *client);
}

void Server::read(int fd, Client& client) {
  std::array<char, kMaxRequest> bytes;
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(fd);
  if (client.asked) return;  // one request is all there is
  client.in.append(bytes.data(), static_cast<std::size_t>(got));
  const std::size_t end = client.in.find('\n');
  if (end == std::string::npos) {
    if (client.in.size() >= kMaxRequest) drop(fd);
    return;
  }
  client.asked = true;
  loop_.cancel(client.timer);  // a stop may take its time
  const std::weak_ptr<Client> waiting = clients_.at(fd);
  handler_(client.in.substr(0, end), [this, waiting, fd](std::string line) {
    const auto still = waiting.lock();
    if (!still) return;
    still->out = std::move(line) + "\n";
    still->timer = loop_.after(kRequestTime, [this, fd] { drop(fd); });
    loop_.change(fd, EPOLLOUT);
  });
}

void Server::write(int fd, Client& client) {
  const ssize_t wrote = ::send(fd, client.out.data(), client.out.size(), MSG_NOSIGNAL);
  if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (wrote < 0) return drop(fd);
  client.out.erase(0, static_cast<std::size_t>(wrote));
  if (client.out.empty()) drop(fd);
}

std::string failure(ExitCode code, const std::string& message) {
  using nlohmann::json;
  return json{{"ok", false}, {"code", static_cast<int>(code)}, {"message", message}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

std::string ask_control(const std::string& path, const std::string& request, config::Duration timeout) {
  const sockaddr_un address = address_of(path);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno(errno, "cannot make a socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EACCES || errno == EPERM) throw_errno(errno, "cannot ask the camwatch at " + path);
    throw Error(ExitCode::unavailable,
                fmt::format("no camwatch is running (nobody answers at {}): start it with camwatch run", path));
  }
  const std::string line = request + "\n";
  if (const int error = write_all(fd.get(), std::as_bytes(std::span(line))); error != 0)
    throw_errno(error, "cannot ask camwatch");
  std::string answer;
  std::array<char, 65536> bytes;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    if (wait_readable(fd.get(), -1, static_cast<int>(left)) == Readable::timeout) {
      throw Error(ExitCode::io_error, fmt::format("camwatch at {} did not answer within {} s", path, left / 1000));
    }
    const ssize_t got = ::read(fd.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) answer.append(bytes.data(), static_cast<std::size_t>(got));
    if (got <= 0 || answer.size() > kMaxAnswer) break;
  }
  if (!answer.ends_with('\n')) throw Error(ExitCode::io_error, "camwatch ended before it answered");
  answer.pop_back();
  return answer;
}

}  // namespace campipe::watch::control
