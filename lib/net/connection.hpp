#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

#include "base/fd.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"

namespace campipe::net {

/// Who a connection belongs to. Called in the loop's thread, never from inside a call to the connection; each call may
/// destroy the connection.
class ConnectionHandler {
public:
  virtual ~ConnectionHandler() = default;
  /// Bytes came in; borrowed until return.
  virtual void on_data(std::span<const std::byte> bytes) = 0;
  /// All that was written has been taken over by the kernel after it had not at once: the next may be written.
  virtual void on_drained() = 0;
  /// The peer sends no more; it may still read.
  virtual void on_end() = 0;
  /// The connection is lost. `error` is an errno value.
  virtual void on_failed(int error) = 0;
  /// One of the calls above threw, which has been counted and logged: ends this connection, and nothing else.
  virtual void on_fault() = 0;
  /// What faults are counted as: "http connection".
  virtual std::string_view kind() const noexcept = 0;
};

/// A TCP connection: one sendmsg(2) for one write, and no queue but the rest of that one write and short texts, so that
/// what is sent next is decided when there is room for it. Sets TCP_NODELAY, and TCP_NOTSENT_LOWAT so that the kernel
/// holds little which the network has not taken.
class Connection {
public:
  /// Reads from the start. Takes `fd` over, which is a connected stream socket.
  Connection(Loop& loop, Fd fd, Address peer, ConnectionHandler& handler);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Whether all that was written has been taken by the kernel.
  bool idle() const noexcept { return rest_.empty() && text_.empty(); }

  /// Sends `parts` as one; only while idle(). What is not taken at once is sent later and followed by on_drained();
  /// until then the bytes must stay as they are: `keep` holds shared ones alive, others (headers) the caller leaves
  /// untouched. Returns idle(). A failure comes as on_failed() later.
  bool write(std::span<const iovec> parts, std::shared_ptr<const void> keep = {});

  /// The two halves of write(), for who has bytes that may change soon: gives the kernel what it takes of `parts` at
  /// once, and says how many bytes that were; only while idle(). When not all, queue() must follow.
  std::size_t try_write(std::span<const iovec> parts);
  /// Has `parts` but for the first `taken` bytes sent, as write() does with what is not taken at once.
  void queue(std::span<const iovec> parts, std::size_t taken, std::shared_ptr<const void> keep);

  /// Sends a copy of `text` behind what is under way. Answers false, and sends nothing, once more than 256 KiB of texts
  /// wait: a peer that asks and does not read.
  bool send(std::string_view text);

  /// While false nothing is read: the peer's bytes stay with the kernel, and so does its closing.
  void set_reading(bool reading);

  /// No more writes: closes our side as soon as all is out (a peer that still sends would lose the answer to a plain
  /// close). The owner goes on to read and destroys the connection at on_end(), on_failed() or when it has waited
  /// enough.
  void shutdown_after_flush();

  /// The destructor will throw away what is not sent and reset the connection: a peer that takes nothing would keep it
  /// in the kernel for minutes.
  void abort_on_close() noexcept;

  const Address& peer() const noexcept { return peer_; }
  int fd() const noexcept { return fd_.get(); }
  std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
  std::uint64_t bytes_received() const noexcept { return bytes_received_; }
  std::uint64_t send_calls() const noexcept { return send_calls_; }  ///< system calls, those that failed included
  /// Loop time of the last byte that the kernel took, or of the write that found an idle connection: while not idle(),
  /// now minus this is how long the peer has taken nothing.
  std::int64_t last_progress_ms() const noexcept { return last_progress_ms_; }

private:
  void on_events(int events);
  void dispatch(int events);
  bool flush();
  /// Sends of rest_ or, behind it, text_; false when the kernel took less than all, or failed (failed_ is set).
  bool send_rest();
  /// One sendmsg(2), of at most IOV_MAX parts; the bytes it took. failed_ is set when it failed.
  std::size_t send_once(std::span<const iovec> parts);
  void consume(std::size_t bytes);
  void update_watch();

  Loop& loop_;
  Fd fd_;
  Address peer_;
  ConnectionHandler& handler_;
  std::vector<iovec> rest_;  // of the write under way, from rest_at_ on
  std::size_t rest_at_ = 0;
  std::shared_ptr<const void> keep_;
  std::string text_;
  std::uint64_t bytes_sent_ = 0, bytes_received_ = 0, send_calls_ = 0;
  std::int64_t last_progress_ms_ = 0;
  int failed_ = 0;
  bool reading_ = true, ended_ = false, shutdown_wanted_ = false, shut_ = false;
  bool* gone_ = nullptr;  // while a handler's call runs: told of our end
  Watch watch_;
};

}  // namespace campipe::net
