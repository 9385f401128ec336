#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.hpp"
#include "net/message_parser.hpp"
#include "serve/rtsp/response.hpp"
#include "serve/rtsp/sessions.hpp"
#include "serve/rtsp/transport_header.hpp"
#include "serve/rtsp/url.hpp"

namespace campipe::serve::rtsp {

/// Answers the requests of one RTSP connection (RFC 2326, 10): OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER,
/// SET_PARAMETER and TEARDOWN. Writes nothing itself. For the loop's thread.
class Requests {
public:
  struct Answer {
    Response response;
    /// Ask again later: the stream's first keyframe is still to come.
    bool wait = false;
    std::vector<hub::Stream*> awaited{};  ///< whose frames are waited for
    /// What begins to send once the answer is out.
    rtp::Session* start = nullptr;
  };

  /// @param connection  where interleaved packets go; its address names this connection to the sessions. Must outlive
  ///                    this.
  /// @param on_over     what to do when an interleaved session is over.
  Requests(Sessions& sessions, net::Connection& connection, Sessions::OnOver on_over);

  /// @param may_wait  false: answer with what is there.
  Answer answer(const net::Request& request, bool may_wait);

  /// A `$` frame of the client: RTCP of its interleaved session; anything else is ignored.
  void on_frame(std::uint8_t channel, std::span<const std::byte> payload);

  /// Whether a session that this connection set up is there still.
  bool has_session() const;

private:
  using Entry = Sessions::Entry;
  struct Setup {
    const net::Request& request;
    Target target;
    TransportHeader transport;
  };

  Answer dispatch(const net::Request& request, Entry* entry, bool may_wait);
  Answer options() const;
  Answer describe(const net::Request& request, bool may_wait);
  /// What the SETUP of `target` leaves open is as it was described.
  void complete(Target& target) const;
  /// Whether the stream still is as it was described here, if it was.
  bool is_as_described(const hub::Stream& stream) const;
  Answer setup(const net::Request& request, Entry* entry);
  Answer setup_new(const Setup& setup);
  Answer setup_track(const Setup& setup, Entry& entry);
  Answer play(const net::Request& request, Entry& entry);
  Answer pause(Entry& entry);
  Answer parameter(const net::Request& request) const;
  Answer teardown(Entry& entry);

  /// Nothing when the tracks or channels asked for cannot be had; else the Transport header's value.
  Expected<std::string, int> connect(const TransportHeader& transport, Entry& entry, std::size_t track);
  Expected<std::string, int> connect_tcp(const TransportHeader& transport, Entry& entry, std::size_t track);
  Expected<std::string, int> connect_udp(const TransportHeader& transport, Entry& entry, std::size_t track);
  std::string session_header(const Entry& entry) const;

  /// The last DESCRIBE.
  struct Described {
    Target target;
    std::vector<rtp::TrackInfo> tracks;
  };
  struct Channel {
    std::size_t track;
    std::uint8_t rtp, rtcp;
  };

  Sessions& sessions_;
  net::Connection& connection_;
  Sessions::OnOver on_over_;
  net::Address local_;
  std::vector<std::string> mine_;  // ids of sessions set up here, few
  std::vector<Channel> channels_;  // of the interleaved session
  std::optional<Described> described_;
};

}  // namespace campipe::serve::rtsp
