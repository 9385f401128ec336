#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "load/options.hpp"
#include "load/statistics.hpp"

struct addrinfo;

namespace fanout {

class Client;

/// What epoll's data points to: a client has several sockets when it plays by UDP.
struct Source {
  Client* client = nullptr;
  int which = 0;  ///< 0 is the connection
};

/// What all clients of the one thread share.
struct Shared {
  const Options& options;
  const addrinfo* server = nullptr;
  int poll = -1;
  std::span<std::byte> scratch;  ///< received into, for the length of one call
};

/// One client of the server: connects and asks without blocking, then takes frames as its role has it.
class Client {
public:
  Client(Shared& shared, Totals& totals, Role role, int number);
  virtual ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void connect();
  /// Something is ready: epoll's `events` of the socket `which`.
  void on_events(int which, std::uint32_t events);
  /// A slow client reads up to `bytes`.
  void read_at_most(std::size_t bytes);
  /// Once a second or so.
  virtual void tick(std::int64_t) {}

  Role role() const noexcept { return role_; }
  bool open() const noexcept { return fd_.get() >= 0 && !closed_; }
  bool playing() const noexcept { return playing_; }
  bool closed() const noexcept { return closed_; }
  const std::string& reason() const noexcept { return reason_; }  ///< why it never played
  double played_s() const noexcept { return static_cast<double>(closed_ns_ - playing_ns_) / 1e9; }
  FrameMeter& meter() noexcept { return meter_; }

protected:
  enum class Read { more, drained, ended };

  virtual void on_connected() = 0;
  /// One recv(2) of at most `limit` bytes and what follows from it.
  virtual Read read_some(std::size_t limit) = 0;
  virtual void on_datagrams(int) {}

  /// recv(2) into `buffer`; the byte count, or 0 when there is nothing or the end (`result` tells).
  std::size_t receive(std::span<std::byte> buffer, int flags, Read& result);
  void send_text(const std::string& text);
  /// The server answered and frames come now: stalled and slow clients leave epoll.
  void begin_playing();
  /// Over; `reason` when it never played.
  void close(const std::string& reason);
  void watch(int fd, Source& source, std::uint32_t events, bool add);

  /// As the role has it.
  void set_receive_buffer(int fd) const;

  int fd() const noexcept { return fd_.get(); }
  int number() const noexcept { return number_; }
  std::string path() const;

  Shared& shared_;
  FrameMeter meter_;
  std::size_t budget_used_ = 0;

private:
  Role role_;
  int number_;
  campipe::Fd fd_;
  Source source_;
  bool connected_ = false, playing_ = false, closed_ = false;
  std::int64_t playing_ns_ = 0, closed_ns_ = 0;
  std::string reason_;
};

}  // namespace fanout
