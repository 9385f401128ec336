#include "serve/rtsp/requests.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/faults.hpp"
#include "rtp/sdp.hpp"
#include "serve/rtp/interleaved_output.hpp"
#include "serve/rtp/udp_output.hpp"
#include "serve/rtsp/choice.hpp"

namespace campipe::serve::rtsp {

namespace {

constexpr std::string_view kPublic = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN";
constexpr std::size_t kMaxAgent = 512;   // bytes, of User-Agent in the log
constexpr std::size_t kMaxSessions = 8;  // of one connection: FFmpeg needs two

using Answer = Requests::Answer;

Answer refuse(int status, std::string reason = {}) {
  return {.response = {.status = status, .reason = std::move(reason)}};
}

Answer refuse(TargetError error, std::string unknown = {}) {
  if (error == TargetError::unknown) return refuse(404, std::move(unknown));
  return refuse(400, "the URL cannot be read");
}

bool same_stream(const hub::Stream& stream, const Target& target) {
  return stream.name() == target.name && (target.rendition.empty() || target.rendition == stream.rendition()) &&
         (!target.codec || stream.has_codec(*target.codec));
}

/// "ID;timeout=60" or "ID".
std::string_view session_id(std::string_view header) {
  const std::string_view id = header.substr(0, header.find(';'));
  return id.substr(0, id.find(' '));
}

/// All tests of an empty body that players send: none at all, one NUL, an empty line.
bool is_empty(std::string_view body) {
  return std::ranges::all_of(body, [](char c) { return c == '\0' || c == '\r' || c == '\n' || c == ' '; });
}

}  // namespace

Requests::Requests(Sessions& sessions, net::Connection& connection, Sessions::OnOver on_over)
    : sessions_(sessions),
      connection_(connection),
      on_over_(std::move(on_over)),
      local_(net::local_address(connection.fd())) {}

Answer Requests::answer(const net::Request& request, bool may_wait) {
  if (const auto required = request.list("Require")) {
    Answer answer = refuse(551);
    answer.response.with("Unsupported", *required);
    return answer;
  }
  Entry* entry = nullptr;
  std::string session;
  if (const std::string* header = request.header("Session")) {
    entry = sessions_.find(session_id(*header), &connection_);
    if (entry == nullptr) return refuse(454);
    session = session_header(*entry);  // the request may end it
  }
  Answer answer = dispatch(request, entry, may_wait);
  const auto has_session = [](const net::Header& header) { return header.name == "Session"; };
  if (!session.empty() && std::ranges::none_of(answer.response.headers, has_session))
    answer.response.with("Session", session);
  return answer;
}

Answer Requests::dispatch(const net::Request& request, Entry* entry, bool may_wait) {
  const std::string& method = request.method;
  if (method == "OPTIONS") return options();
  if (method == "DESCRIBE") return describe(request, may_wait);
  if (method == "SETUP") return setup(request, entry);
  if (method == "GET_PARAMETER" || method == "SET_PARAMETER") return parameter(request);
  if (method != "PLAY" && method != "PAUSE" && method != "TEARDOWN") {
    Answer answer = refuse(501);
    answer.response.with("Public", std::string(kPublic));
    return answer;
  }
  if (entry == nullptr) return refuse(454);
  const auto target = parse_target(request.target);
  if (!target) return refuse(target.error());
  if (!same_stream(entry->session->stream(), *target)) return refuse(404);
  if (method == "PLAY") return play(request, *entry);
  if (method == "PAUSE") return pause(*entry);
  return teardown(*entry);
}

Answer Requests::options() const {
  Answer answer;
  answer.response.with("Public", std::string(kPublic));
  return answer;
}

Answer Requests::parameter(const net::Request& request) const {
  return is_empty(request.body) ? Answer{} : refuse(451);
}

Answer Requests::describe(const net::Request& request, bool may_wait) {
  const auto target = parse_target(request.target);
  if (!target) return refuse(target.error(), "no such stream: there is " + sessions_.hub().offer());
  const Choice choice = choose_stream(sessions_.hub(), *target, sessions_.options().session.max_payload);
  if (choice.kind == Choice::Kind::waiting && may_wait)
    return {.response = {}, .wait = true, .awaited = choice.awaited};
  if (choice.kind == Choice::Kind::refused) return refuse(415, choice.reason);
  if (choice.stream == nullptr) return refuse(404, choice.reason);
  campipe::rtp::SessionDescription session;
  session.id = std::hash<std::string>{}(choice.stream->path()) & 0x7FFF'FFFF;
  session.version = choice.stream->generation();
  session.name = choice.stream->path();
  session.origin_host = local_.host();
  described_ = {*target, rtp::tracks_of(*choice.stream)};
  described_->target.codec = choice.stream->format()->video.codec;
  for (const rtp::TrackInfo& info : described_->tracks) session.tracks.push_back(info.description);
  Answer answer;
  answer.response.with("Content-Type", "application/sdp")
      .with("Content-Base", content_base(request.target, local_.to_string()));
  answer.response.body = campipe::rtp::make_sdp(session);
  return answer;
}

void Requests::complete(Target& target) const {
  if (!described_ || described_->target.name != target.name || described_->target.rendition != target.rendition) return;
  // By RFC 3986 a control takes the place of the query; and another codec may have come since.
  if (!target.codec) target.codec = described_->target.codec;
  if (!target.track && described_->tracks.size() == 1) target.track = 0;
}

bool Requests::is_as_described(const hub::Stream& stream) const {
  if (!described_ || !same_stream(stream, described_->target)) return true;
  return rtp::have_same_wire_format(rtp::tracks_of(stream), described_->tracks);
}

Answer Requests::setup(const net::Request& request, Entry* entry) {
  auto target = parse_target(request.target);
  if (!target) return refuse(target.error());
  if (entry == nullptr) complete(*target);
  const auto header = request.list("Transport");
  if (!header) return refuse(400, "no Transport");
  const auto transport = choose_transport(*header);
  if (!transport) return refuse(transport.error() == TransportError::malformed ? 400 : 461);
  const Setup setup{request, *target, *transport};
  if (entry == nullptr && transport->lower == rtp::LowerTransport::tcp) {
    // A connection carries one interleaved session. Who forgets to name it goes on with it, or begins anew.
    entry = sessions_.owned_by(&connection_);
    const bool goes_on =
        entry != nullptr && entry->session->state() == rtp::Session::State::ready &&
        same_stream(entry->session->stream(), *target) &&
        !entry->session->is_set_up(std::min(target->track.value_or(0), entry->session->tracks().size() - 1));
    if (entry != nullptr && !goes_on) {
      sessions_.remove(std::string(entry->session->id()), "replaced");
      entry = nullptr;
    }
  }
  return entry != nullptr ? setup_track(setup, *entry) : setup_new(setup);
}

Answer Requests::setup_new(const Setup& setup) {
  const Choice choice = choose_stream(sessions_.hub(), setup.target, sessions_.options().session.max_payload);
  if (choice.kind == Choice::Kind::refused) return refuse(415, choice.reason);
  if (choice.stream == nullptr) return refuse(404, choice.reason);
  if (!is_as_described(*choice.stream)) return refuse(404, "the stream is another since it was described");
  std::erase_if(mine_, [this](const std::string& id) { return !sessions_.exists(id); });
  if (!sessions_.make_room()) return refuse(453, "too many sessions");
  if (mine_.size() >= kMaxSessions) return refuse(453, "too many sessions on this connection");
  const bool tcp = setup.transport.lower == rtp::LowerTransport::tcp;
  if (tcp) channels_.clear();
  Entry& entry = sessions_.create(*choice.stream, setup.transport.lower, connection_.peer().to_string(), &connection_,
                                  tcp ? on_over_ : nullptr);
  const std::string id = entry.session->id();
  Answer answer = setup_track(setup, entry);
  if (answer.response.status == 200) {
    mine_.push_back(id);
  } else {
    sessions_.remove(id, "setup_failed");
  }
  return answer;
}

Answer Requests::setup_track(const Setup& setup, Entry& entry) {
  rtp::Session& session = *entry.session;
  if (!same_stream(session.stream(), setup.target)) return refuse(459);
  if (session.state() != rtp::Session::State::ready) return refuse(455);
  if (!setup.target.track && session.tracks().size() > 1) return refuse(459);
  const std::size_t track = setup.target.track.value_or(0);
  // Sound may have gone since the session was made.
  if (track >= session.tracks().size() || track >= rtp::tracks_of(session.stream()).size()) {
    return refuse(404, "no such track");
  }
  if (setup.transport.lower != session.lower()) return refuse(461);
  auto transport = connect(setup.transport, entry, track);
  if (!transport) return refuse(transport.error());
  const std::uint32_t ssrc = session.set_up(track, setup.request.target);
  Answer answer;
  answer.response.with("Transport", fmt::format("{};ssrc={:08X}", *transport, ssrc))
      .with("Session", session_header(entry));
  return answer;
}

Expected<std::string, int> Requests::connect(const TransportHeader& transport, Entry& entry, std::size_t track) {
  return transport.lower == rtp::LowerTransport::tcp ? connect_tcp(transport, entry, track)
                                                     : connect_udp(transport, entry, track);
}

Expected<std::string, int> Requests::connect_tcp(const TransportHeader& transport, Entry& entry, std::size_t track) {
  rtp::Session& session = *entry.session;
  std::erase_if(channels_, [&](const Channel& channel) { return channel.track == track; });
  const auto in_use = [&](int channel) {
    return std::ranges::any_of(channels_,
                               [&](const Channel& one) { return one.rtp == channel || one.rtcp == channel; });
  };
  std::pair<std::uint16_t, std::uint16_t> pair{0, 1};
  if (transport.pair) {
    pair = *transport.pair;
    if (in_use(pair.first) || in_use(pair.second)) return Unexpected(400);
  } else {
    while (in_use(pair.first) || in_use(pair.second)) pair = {pair.first + 2, pair.second + 2};
  }
  if (!session.has_output()) {
    session.set_output(
        std::make_unique<rtp::InterleavedOutput>(sessions_.loop(), connection_, sessions_.interleaved_block()));
  }
  const auto rtp = static_cast<std::uint8_t>(pair.first);
  const auto rtcp = static_cast<std::uint8_t>(pair.second);
  static_cast<rtp::InterleavedOutput&>(session.output()).set_channels(track, rtp, rtcp);
  channels_.push_back({track, rtp, rtcp});
  return fmt::format("{};unicast;interleaved={}-{}", transport.protocol, rtp, rtcp);
}

Expected<std::string, int> Requests::connect_udp(const TransportHeader& transport, Entry& entry, std::size_t track) {
  rtp::Session& session = *entry.session;
  net::Address rtp = connection_.peer();  // never a `destination`: nobody has packets sent to another
  net::Address rtcp = rtp;
  rtp.set_port(transport.pair->first);
  rtcp.set_port(transport.pair->second);
  rtp::UdpPorts* ports = sessions_.ports_on(local_);
  if (ports == nullptr || !sessions_.claim(entry, track, rtp, rtcp)) return Unexpected(461);
  if (!session.has_output()) {
    session.set_output(std::make_unique<rtp::UdpOutput>(sessions_.loop(), *ports, [&session] {
      faults::contain("rtsp session", [&] { session.pump(); }, [&] { session.on_fault(); });
    }));
  }
  static_cast<rtp::UdpOutput&>(session.output()).set_addresses(track, rtp, rtcp);
  return fmt::format("{};unicast;client_port={}-{};server_port={}-{}", transport.protocol, transport.pair->first,
                     transport.pair->second, ports->rtp_port(), ports->rtcp_port());
}

Answer Requests::play(const net::Request& request, Entry& entry) {
  rtp::Session& session = *entry.session;
  if (!session.any_set_up()) return refuse(455);
  if (session.state() == rtp::Session::State::ready && !session.is_current()) {
    sessions_.remove(std::string(session.id()), "format_changed");
    return refuse(454);
  }
  const std::string info = session.play();
  Answer answer;
  answer.response.with("Range", "npt=now-");
  if (request.header("Scale") != nullptr) answer.response.with("Scale", "1.000000");
  if (info.empty()) return answer;  // it plays already
  answer.response.with("RTP-Info", info);
  answer.start = &session;
  const std::string* agent = request.header("User-Agent");
  entry.host = connection_.peer().host();
  entry.url = request.target;
  entry.user_agent = agent != nullptr ? agent->substr(0, kMaxAgent) : "";
  entry.playing_since_ms = sessions_.loop().now_ms();
  sessions_.lines().say(access::ClientLines::About::came,
                        fmt::format("rtsp {}: {}: playing over {}", session.peer(), session.stream().path(),
                                    session.lower() == rtp::LowerTransport::tcp ? "TCP" : "UDP"),
                        sessions_.loop().now_ms());
  return answer;
}

Answer Requests::pause(Entry& entry) {
  entry.session->pause();
  return {};
}

Answer Requests::teardown(Entry& entry) {
  sessions_.remove(std::string(entry.session->id()), "teardown");
  return {};
}

void Requests::on_frame(std::uint8_t channel, std::span<const std::byte> payload) {
  Entry* entry = sessions_.owned_by(&connection_);
  if (entry == nullptr) return;
  entry->last_seen_ms = sessions_.loop().now_ms();
  const auto is_rtcp = [&](const Channel& one) { return one.rtcp == channel; };
  if (std::ranges::any_of(channels_, is_rtcp)) entry->session->on_rtcp(payload);
}

bool Requests::has_session() const {
  return std::ranges::any_of(mine_, [this](const std::string& id) { return sessions_.exists(id); });
}

std::string Requests::session_header(const Entry& entry) const {
  return fmt::format("{};timeout={}", entry.session->id(), sessions_.options().advertised_timeout_s);
}

}  // namespace campipe::serve::rtsp
