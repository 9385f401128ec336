#include "serve/rtsp/sessions.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/faults.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "serve/rtp/interleaved_output.hpp"

namespace campipe::serve::rtsp {

namespace {

constexpr std::int64_t kTellAgainMs = 60'000;
constexpr std::string_view kKind = "rtsp session";

}  // namespace

Sessions::Sessions(net::Loop& loop, hub::Hub& hub, Options options)
    : loop_(loop),
      hub_(hub),
      options_(options),
      cname_("campipe-" + random_hex(8)),
      lines_(options.requests != nullptr ? "the access log has each" : "--access-log FILE has each"),
      interleaved_block_(rtp::InterleavedOutput::kFramingBytes) {
  options_.session.lines = &lines_;
}

bool Sessions::make_room() {
  if (entries_.size() < options_.max_sessions) return true;
  const Entry* silent = nullptr;
  for (const auto& [id, entry] : entries_) {
    const bool rests = entry.owner == nullptr && entry.session->state() == rtp::Session::State::ready;
    if (rests && (silent == nullptr || entry.last_seen_ms < silent->last_seen_ms)) silent = &entry;
  }
  if (silent == nullptr) return false;
  remove(std::string(silent->session->id()), "crowded_out");
  return true;
}

Sessions::Entry& Sessions::create(hub::Stream& stream, rtp::LowerTransport lower, std::string peer,
                                  const void* connection, OnOver on_over) {
  const std::string id = random_hex(8);
  Entry& entry = entries_[id];
  entry.control = connection;
  if (lower == rtp::LowerTransport::tcp) by_owner_[entry.owner = connection] = &entry;
  entry.on_over = std::move(on_over);
  entry.last_seen_ms = loop_.now_ms();
  // The session may not be destroyed by its own call: the loop does it.
  auto on_ended = [this, id](std::string_view reason) {
    loop_.defer([this, id, why = std::string(reason), alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) faults::contain(kKind, [&] { ended(id, why); });
    });
  };
  entry.session =
      std::make_unique<rtp::Session>(loop_, hub_, stream, id, lower, rtp::Session::Peer{std::move(peer), cname_},
                                     options_.session, std::move(on_ended));
  return entry;
}

Sessions::Entry* Sessions::find(std::string_view id, const void* connection) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return nullptr;
  Entry& entry = found->second;
  if (entry.owner != nullptr && entry.owner != connection) return nullptr;
  if (entry.session->state() == rtp::Session::State::ended) return nullptr;
  entry.last_seen_ms = loop_.now_ms();
  return &entry;
}

Sessions::Entry* Sessions::owned_by(const void* connection) {
  const auto found = by_owner_.find(connection);
  return found == by_owner_.end() ? nullptr : found->second;
}

bool Sessions::claim(Entry& entry, std::size_t track, const net::Address& rtp, const net::Address& rtcp) {
  const Entry::Ports keys{rtp.peer_key(), rtcp.peer_key()};
  for (const std::string& key : keys) {
    const auto found = by_client_port_.find(key);
    if (found == by_client_port_.end() || found->second == &entry) continue;
    if (found->second->control != nullptr) return false;
    remove(std::string(found->second->session->id()), "replaced");
  }
  if (entry.client_ports.size() <= track) entry.client_ports.resize(track + 1);
  release(entry, std::exchange(entry.client_ports[track], keys));
  for (const Entry::Ports& ports : entry.client_ports) {  // two tracks may have had one in common
    for (const std::string& key : ports) {
      if (!key.empty()) by_client_port_[key] = &entry;
    }
  }
  return true;
}

void Sessions::release(const Entry& entry, const Entry::Ports& ports) {
  for (const std::string& key : ports) {
    const auto found = by_client_port_.find(key);
    if (found != by_client_port_.end() && found->second == &entry) by_client_port_.erase(found);
  }
}

rtp::UdpPorts* Sessions::ports_on(const net::Address& local) {
  auto& ports = ports_[local.host_key()];
  if (ports) return ports.get();
  try {
    ports = std::make_unique<rtp::UdpPorts>(
        loop_, local, [this](const net::Address& from, std::span<const std::byte> packet) { on_rtcp(from, packet); });
    log::debug("rtsp: UDP ports {}-{} on {}", ports->rtp_port(), ports->rtcp_port(), local.host());
  } catch (const Error& error) {
    const std::int64_t now_ms = loop_.now_ms();
    if (!told_no_ports_ms_ || now_ms - *told_no_ports_ms_ >= kTellAgainMs) {
      log::warning("{}", error.what());
      told_no_ports_ms_ = now_ms;
    }
  }
  return ports.get();
}

void Sessions::on_rtcp(const net::Address& from, std::span<const std::byte> packet) {
  const auto found = by_client_port_.find(from.peer_key());
  if (found == by_client_port_.end()) return;
  Entry& entry = *found->second;
  entry.last_seen_ms = loop_.now_ms();
  faults::contain(kKind, [&] { entry.session->on_rtcp(packet); }, [&] { entry.session->on_fault(); });
}

void Sessions::ended(const std::string& id, const std::string& reason) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const OnOver on_over = std::move(found->second.on_over);
  remove(id, reason);
  if (on_over) on_over(Over::orderly, reason);
}

void Sessions::remove(std::string_view id, std::string_view reason) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.session->has_played()) tell_end(entry, reason);
  if (entry.owner != nullptr) by_owner_.erase(entry.owner);
  for (const Entry::Ports& ports : entry.client_ports) release(entry, ports);
  entries_.erase(found);
}

void Sessions::tell_end(const Entry& entry, std::string_view reason) {
  const rtp::Session& session = *entry.session;
  const hub::ClientCounters counters = session.counters();
  hub_.count(fmt::format(R"(clients_closed_total{{protocol="{}",reason="{}"}})", session.protocol(), reason));
  lines_.say(access::ClientLines::About::left,
             fmt::format("rtsp {}: {}: closed: {}: {} frames, {} bytes, {} skips", session.peer(),
                         session.stream().path(), reason, counters.units, counters.bytes, counters.skips),
             loop_.now_ms());
  if (options_.requests == nullptr) return;
  const std::string line = fmt::format("PLAY {} RTSP/1.0", entry.url);
  options_.requests->write({.peer_host = entry.host,
                            .line = line,
                            .status = 200,
                            .bytes = counters.bytes,
                            .referer = {},
                            .user_agent = entry.user_agent,
                            .duration_ms = loop_.now_ms() - entry.playing_since_ms});
}

void Sessions::note_refused(const net::Address& peer, std::string_view line, int status, std::string_view user_agent) {
  if (options_.requests == nullptr) return;
  const std::string host = peer.host();
  options_.requests->write(
      {.peer_host = host, .line = line, .status = status, .bytes = 0, .referer = {}, .user_agent = user_agent});
}

void Sessions::connection_gone(const void* connection, std::string_view reason) {
  if (const Entry* entry = owned_by(connection)) remove(std::string(entry->session->id()), reason);
  for (auto& [id, entry] : entries_) {
    if (entry.control == connection) entry.control = nullptr;
  }
}

void Sessions::end_all() {
  for (auto& [id, one] : entries_) {
    Entry& entry = one;
    faults::contain(kKind, [&] { entry.session->end("server"); }, [&] { entry.session->on_fault(); });
  }
}

void Sessions::tick() {
  const std::int64_t now_ms = loop_.now_ms();
  lines_.tick(now_ms);
  std::vector<std::pair<std::string, bool>> over;  // id, whether stuck
  for (auto& [id, entry] : entries_) {
    rtp::Session& session = *entry.session;
    faults::contain(kKind, [&] { session.tick(now_ms); }, [&] { session.on_fault(); });
    const bool playing = session.state() == rtp::Session::State::playing;
    const bool stuck = playing && session.output().stuck_ms() > options_.stuck_ms;
    // While an interleaved client takes its packets it lives: TCP tells. Others must be heard of.
    const bool silent = now_ms - entry.last_seen_ms > options_.timeout_ms && !(playing && entry.owner != nullptr);
    if (stuck || silent) over.emplace_back(id, stuck);
  }
  for (const auto& [id, stuck] : over) {
    const OnOver on_over = std::move(entries_.find(id)->second.on_over);
    remove(id, stuck ? "stuck" : "timeout");
    if (stuck && on_over) on_over(Over::broken, "stuck");
  }
}

}  // namespace campipe::serve::rtsp
