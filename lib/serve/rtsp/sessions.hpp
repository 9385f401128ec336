#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"
#include "serve/access/client_lines.hpp"
#include "serve/access/request_log.hpp"
#include "serve/hub/hub.hpp"
#include "serve/rtp/block.hpp"
#include "serve/rtp/session.hpp"
#include "serve/rtp/udp_ports.hpp"

namespace campipe::serve::rtsp {

/// All sessions of an RTSP server and the UDP ports that they share. A session over UDP outlives the connection that
/// set it up, until nothing is heard of its client for the time-out; an interleaved one ends with its connection.
class Sessions {
public:
  struct Options {
    rtp::Session::Options session;
    /// Clients are told 60 s; some ask for life exactly then, some a little late.
    int advertised_timeout_s = 60;
    std::int64_t timeout_ms = 70'000;
    std::int64_t stuck_ms = 9'000;     ///< a client that takes nothing for so long is dropped; looked at each second
    std::int64_t request_ms = 10'000;  ///< from a request's first byte, or the connection, to its last
    /// With those over UDP, whose clients may long be gone: a connection could leave one behind after the other.
    std::size_t max_sessions = 1000;
    access::RequestLog* requests = nullptr;  ///< gets each session at its end and each request refused; outlives this
  };
  /// What becomes of the connection that an interleaved session ran on.
  enum class Over { orderly, broken };
  using OnOver = std::function<void(Over how, std::string_view reason)>;

  struct Entry {
    std::unique_ptr<rtp::Session> session;
    const void* owner = nullptr;    ///< the connection of an interleaved session
    const void* control = nullptr;  ///< the connection that set it up, while that is there
    OnOver on_over;
    std::int64_t last_seen_ms = 0;
    using Ports = std::array<std::string, 2>;
    std::string host, url, user_agent;  ///< of its client, of its PLAY
    std::int64_t playing_since_ms = 0;
    std::vector<Ports> client_ports;  ///< by track: RTP and RTCP address that are this session's; keys
  };

  Sessions(net::Loop& loop, hub::Hub& hub, Options options);

  const Options& options() const noexcept { return options_; }
  hub::Hub& hub() noexcept { return hub_; }
  net::Loop& loop() noexcept { return loop_; }
  /// What all interleaved sessions send from.
  rtp::Block& interleaved_block() noexcept { return interleaved_block_; }
  access::ClientLines& lines() noexcept { return lines_; }
  /// Has a request that was refused written to the log of requests, if there is one.
  void note_refused(const net::Address& peer, std::string_view line, int status, std::string_view user_agent = {});
  std::size_t count() const noexcept { return entries_.size(); }

  /// @param connection  that sets it up; an interleaved session's own.
  Entry& create(hub::Stream& stream, rtp::LowerTransport lower, std::string peer, const void* connection,
                OnOver on_over);
  /// The session, when it may be used by the connection that asks; counts as a sign of life. nullptr otherwise.
  Entry* find(std::string_view id, const void* connection);
  bool exists(std::string_view id) const { return entries_.contains(id); }
  /// The interleaved session of a connection, nullptr when it has none.
  Entry* owned_by(const void* connection);

  /// Whether there may be one more. Of too many, one over UDP that does not play goes: the one that was silent longest.
  bool make_room();

  /// Gives a client's RTP and RTCP address to a session's track, instead of those it had; false when another session
  /// has one of them. One whose connection is gone has to give it away: its client cannot be there any more.
  bool claim(Entry& entry, std::size_t track, const net::Address& rtp, const net::Address& rtcp);
  /// The ports on the local address that a connection came in by; nullptr when there are none to be had, which is told
  /// once in a while.
  rtp::UdpPorts* ports_on(const net::Address& local);

  void remove(std::string_view id, std::string_view reason);
  /// A connection is gone, and its interleaved session with it; its others go on alone.
  void connection_gone(const void* connection, std::string_view reason);

  /// Ends all sessions in order.
  void end_all();

  /// Once a second.
  void tick();

private:
  void on_rtcp(const net::Address& from, std::span<const std::byte> packet);
  void ended(const std::string& id, const std::string& reason);
  void release(const Entry& entry, const Entry::Ports& ports);
  void tell_end(const Entry& entry, std::string_view reason);

  net::Loop& loop_;
  hub::Hub& hub_;
  Options options_;
  std::string cname_;
  access::ClientLines lines_;
  rtp::Block interleaved_block_;  // before the sessions that use it
  std::map<std::string, std::unique_ptr<rtp::UdpPorts>>
      ports_;  // by local host_key(); before the sessions that use them
  std::map<std::string, Entry*> by_client_port_;
  std::map<const void*, Entry*> by_owner_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::optional<std::int64_t> told_no_ports_ms_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // what is deferred finds out whether we are
};

}  // namespace campipe::serve::rtsp
