#include "serve/http/routes.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/faults.hpp"
#include "base/random.hpp"
#include "base/units.hpp"
#include "serve/http/api.hpp"
#include "serve/http/mjpeg_client.hpp"
#include "serve/http/viewer_page.hpp"

namespace campipe::serve::http {

namespace {

using net::HttpReply;
using net::HttpRequest;
using net::HttpResponse;
using net::text_response;

constexpr std::int64_t kTickMs = 250;

HttpResponse unavailable(std::string_view line) {
  HttpResponse out = text_response(503, line);
  out.headers.push_back({"Retry-After", "2"});
  return out;
}

/// One JPEG with its capture time, and ustreamer's names for it.
HttpResponse picture(const hub::Stream& stream, const hub::Unit& unit, std::shared_ptr<const void> owner,
                     std::span<const std::byte> jpeg) {
  const auto seconds = [](std::int64_t us) { return fmt::format("{}.{:06}", us / 1'000'000, us % 1'000'000); };
  const std::int64_t now_ns = stream.now_ns();
  HttpResponse out;
  out.content_type = "image/jpeg";
  const auto add = [&out](const char* name, std::string value) { out.headers.push_back({name, std::move(value)}); };
  add("Cache-Control", "no-store");
  add("X-Timestamp", seconds(std::max<std::int64_t>(unit.packet.pts_us, 0)));
  if (unit.packet.sequence) add("X-Sequence", fmt::to_string(*unit.packet.sequence));
  add("X-Age", seconds(unit.age_us(now_ns)));
  add("X-UStreamer-Online", stream.state() == hub::StreamState::flowing ? "true" : "false");
  if (const auto& format = stream.format()) {
    add("X-UStreamer-Width", fmt::to_string(format->video.size.width_px));
    add("X-UStreamer-Height", fmt::to_string(format->video.size.height_px));
  }
  add("X-UStreamer-Grab-Timestamp", seconds(unit.taken_ns() / 1000));
  add("X-UStreamer-Send-Timestamp", seconds(now_ns / 1000));
  out.owner = std::move(owner);
  out.shared_body = jpeg;
  return out;
}

/// The page may load pictures and data from here and nothing from anywhere else.
HttpResponse viewer_page() {
  const std::string nonce = random_hex(16);
  HttpResponse out = uncached(200, "text/html; charset=utf-8", viewer_html(nonce));
  out.headers.push_back(
      {"Content-Security-Policy",
       fmt::format("default-src 'none'; img-src data:; connect-src 'self'; "
                   "style-src 'nonce-{0}'; script-src 'nonce-{0}'; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'self'",
                   nonce)});
  out.headers.push_back({"Referrer-Policy", "no-referrer"});
  return out;
}

hub::Stream* first_with(const std::vector<hub::Stream*>& streams, media::VideoCodec codec) {
  const auto found = std::ranges::find_if(streams, [codec](const hub::Stream* s) { return s->has_codec(codec); });
  return found == streams.end() ? nullptr : *found;
}

hub::Stream* first_with_nal_units(const std::vector<hub::Stream*>& streams) {
  hub::Stream* h264 = first_with(streams, media::VideoCodec::h264);
  return h264 != nullptr ? h264 : first_with(streams, media::VideoCodec::h265);
}

/// For what answers `reply` later, outside its connection's callback: an exception ends this request only.
template <class Body>
void answering(const std::shared_ptr<HttpReply>& reply, Body&& body) {
  faults::contain("http request", body, [&] {
    reply->send(text_response(500, "an error in the server ended this request; its log has the reason"));
  });
}

/// Those that may still turn out to be in any codec.
std::vector<hub::Stream*> undecided(std::vector<hub::Stream*> streams) {
  std::erase_if(streams, [](const hub::Stream* s) { return s->format() || s->state() == hub::StreamState::ended; });
  return streams;
}

/// Which to wait for when a still is wanted: what rests is woken for it, so no more of them than needed.
std::vector<hub::Stream*> sources_of_stills(const std::vector<hub::Stream*>& streams) {
  hub::Stream* mjpeg = first_with(streams, media::VideoCodec::mjpeg);
  if (mjpeg != nullptr && (mjpeg->state() == hub::StreamState::idle || mjpeg->state() == hub::StreamState::flowing))
    return {mjpeg};
  return streams;
}

/// Streams may go while a request waits.
std::vector<std::shared_ptr<hub::Stream>> kept_alive(const std::vector<hub::Stream*>& streams) {
  std::vector<std::shared_ptr<hub::Stream>> kept;
  for (hub::Stream* stream : streams) kept.push_back(stream->shared_from_this());
  return kept;
}

/// From which unit on each of them shows what is now.
std::map<const hub::Stream*, std::uint64_t> fresh_from(const std::vector<hub::Stream*>& streams) {
  std::map<const hub::Stream*, std::uint64_t> begins;
  for (const hub::Stream* stream : streams) begins[stream] = stream->rested() ? stream->history().end() : 0;
  return begins;
}

/// @param fresh  a picture newer than the request was asked for.
std::string reasons(const std::vector<hub::Stream*>& streams, bool fresh = false) {
  std::string text;
  for (const hub::Stream* stream : streams) {
    const std::string why = status::why_not_flowing(*stream);
    if (!why.empty()) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", stream->path(), why);
  }
  if (text.empty()) {
    const bool jpeg = first_with(streams, media::VideoCodec::mjpeg) != nullptr;
    text = fmt::format("{}: no {} {}", streams.front()->path(), jpeg ? "picture" : "keyframe",
                       fresh ? "newer than the request came in time" : "yet");
  }
  return text;
}

/// @param rtsp_port  0: there is no RTSP.
HttpResponse not_acceptable(const hub::Stream& stream, int rtsp_port) {
  const std::string elsewhere =
      rtsp_port > 0 ? fmt::format("; this one is at rtsp://HOST:{}/{}", rtsp_port, stream.path()) : "";
  return text_response(
      406, fmt::format("{0} is {1} and /stream is MJPEG: put 'camenc -c mjpeg' before camserve (SOURCE | camenc -c "
                       "mjpeg | camserve {0}=-), or serve both codecs (camserve {0}=fd:3 {0}=fd:4){2}",
                       stream.path(), media::name(stream.format()->video.codec), elsewhere));
}

bool is_action(std::string_view action) {
  return action == "stream" || action == "snapshot";
}

HttpResponse no_such_number(const hub::Hub& hub) {
  return text_response(404, fmt::format("no stream of that number: there is {}, and the first is 0", hub.offer()));
}

bool is_on(const HttpRequest& request, std::string_view option) {
  const std::string_view value = request.target.get(option);
  return value == "1" || value == "true";
}

std::string_view without_suffix(std::string_view path, std::initializer_list<std::string_view> suffixes) {
  for (const std::string_view suffix : suffixes) {
    if (path.ends_with(suffix)) return path.substr(0, path.size() - suffix.size());
  }
  return path;
}

}  // namespace

Routes::Routes(net::Loop& loop, hub::Hub& hub, status::ServerFacts facts, Options options)
    : loop_(loop),
      hub_(hub),
      facts_(std::move(facts)),
      options_(std::move(options)),
      hosts_(loop, hub, options_.hosts),
      pictures_(loop, options_.camenc),
      ticker_(loop, [this] { tick(); }) {}

void Routes::handle(const HttpRequest& request, HttpReply reply) {
  if (auto refused = hosts_.refuse(request)) return reply.send(std::move(*refused));
  if (!options_.rtsp_at.empty()) facts_.rtsp_port = rtsp_port_at(request.local);
  if (auto answer = answer_api(hub_, facts_, request)) return reply.send(std::move(*answer));
  if (auto refused = refuse_method(request.head.method, "GET, HEAD, OPTIONS")) return reply.send(std::move(*refused));
  const std::string_view path = request.target.path;
  const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, path) != names.end();
  };
  if (path == "/" && !request.target.get("action").empty()) return handle_action(request, std::move(reply));
  if (path == "/") return reply.send(viewer_page());
  if (is_one_of({"/stream", "/stream.mjpg", "/stream.mjpeg"}))
    return serve_stream(request, first_name(), std::move(reply));
  if (is_one_of({"/snapshot", "/snapshot.jpg", "/snapshot.jpeg"}))
    return serve_snapshot(request, first_name(), std::move(reply));
  if (path.starts_with("/stream/")) return serve_stream(request, path.substr(8), std::move(reply));
  if (path.starts_with("/snapshot/")) return serve_snapshot(request, path.substr(10), std::move(reply));
  reply.send(text_response(
      404, fmt::format("nothing here: try /, /stream/NAME or /snapshot/NAME with NAME one of {}, /health, "
                       "/metrics, /api/streams, /api/clients",
                       hub_.offer())));
}

int Routes::rtsp_port_at(const net::Address& local) const {
  const auto serves = [&](const net::Address& at) {
    return local.is_unix() ? !at.is_loopback() : at.takes_in(local);  // a proxy's clients are elsewhere
  };
  const auto found = std::ranges::find_if(options_.rtsp_at, serves);
  return found == options_.rtsp_at.end() ? 0 : found->port();
}

std::string Routes::first_name() const {
  const auto names = hub_.names();
  return names.empty() ? std::string() : names.front();
}

/// mjpg-streamer's and ustreamer's way to ask: "stream", "snapshot", "stream_N" of the stream with that number.
void Routes::handle_action(const HttpRequest& request, HttpReply reply) {
  std::string_view action = request.target.get("action");
  std::string name(request.target.get("stream"));
  if (name.empty()) name = first_name();
  if (const std::size_t mark = action.find('_'); mark != std::string_view::npos) {
    const std::string_view number = action.substr(mark + 1);
    const bool is_number = !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
    action = is_number ? action.substr(0, mark) : "";
    if (is_action(action)) {
      const auto names = hub_.names();
      const auto index = parse_integer(number, 0, static_cast<std::int64_t>(names.size()) - 1);
      if (!index) return reply.send(no_such_number(hub_));
      name = names[static_cast<std::size_t>(*index)];
    }
  }
  if (action == "stream") return serve_stream(request, name, std::move(reply));
  if (action == "snapshot") return serve_snapshot(request, name, std::move(reply));
  reply.send(text_response(400, "action is stream, snapshot, stream_N or snapshot_N, where 0 is the first stream"));
}

std::vector<hub::Stream*> Routes::find(std::string_view path, HttpReply& reply) {
  const Wanted wanted = parse_wanted(path);
  auto streams = hub_.find(wanted.name, wanted.rendition);
  if (streams.empty()) reply.send(no_such_stream(hub_, wanted));
  return streams;
}

void Routes::wait(std::vector<hub::Stream*> streams, const net::Address& peer, const std::shared_ptr<HttpReply>& reply,
                  Waiter::Attempt attempt) {
  auto guarded = [reply, attempt = std::move(attempt)](bool last) {
    bool done = true;
    answering(reply, [&] { done = attempt(last); });
    return done;
  };
  waiters_.push_back(
      std::make_unique<Waiter>(streams, peer.to_string(), loop_.now_ms() + options_.wait_ms, std::move(guarded)));
  ticker_.start(kTickMs, kTickMs);
}

void Routes::tick() {
  for (const auto& waiter : waiters_) waiter->tick(loop_.now_ms());
  std::erase_if(waiters_, [](const auto& waiter) { return waiter->done(); });
  std::erase_if(kept_, [this](const auto& one) { return loop_.now_ms() >= one.second.until_ms; });
  if (waiters_.empty() && kept_.empty()) ticker_.stop();
}

void Routes::keep_wanted(hub::Stream& stream) {
  if (!stream.has_source()) return;
  Kept& kept = kept_[&stream];
  if (kept.until_ms == 0) kept.wish = hub::Wish(stream);
  kept.until_ms = loop_.now_ms() + options_.keep_ms;
  ticker_.start(kTickMs, kTickMs);
}

void Routes::serve_stream(const HttpRequest& request, std::string_view path, HttpReply reply) {
  const auto streams = find(without_suffix(path, {".mjpg", ".mjpeg"}), reply);
  if (streams.empty()) return;
  MjpegClient::Options options{.requested_ns = hub_.now_ns()};
  options.extra_headers = is_on(request, "extra_headers");
  options.zero_data = is_on(request, "zero_data");
  options.dual_final = is_on(request, "dual_final_frames");
  if (const auto text = request.target.get("fps"); !text.empty()) {
    const auto rate = parse_frame_rate(text);
    if (!rate) return reply.send(text_response(400, "fps is a rate like 5, 29.97 or 30000/1001"));
    options.interval_us = static_cast<std::int64_t>(1e6 / rate->value());
  }
  net::HttpResponse head = MjpegClient::head();
  // Safari gives no multipart answer to scripts.
  if (request.target.get("as") == "bytes") head.content_type = "application/octet-stream";
  auto shared = std::make_shared<HttpReply>(std::move(reply));
  const auto attempt = [this, streams, kept = kept_alive(streams), options, head, shared, peer = request.peer,
                        rtsp_port = facts_.rtsp_port](bool last) {
    if (shared->gone()) return true;
    hub::Stream* mjpeg = first_with(streams, media::VideoCodec::mjpeg);
    if (mjpeg != nullptr && mjpeg->state() != hub::StreamState::ended) {
      shared->stream(head, std::make_unique<MjpegClient>(loop_, hub_, *mjpeg, peer, options));
      return true;
    }
    if (!last && !undecided(streams).empty()) return false;
    const hub::Stream* other = first_with_nal_units(streams);
    shared->send(other != nullptr && mjpeg == nullptr ? not_acceptable(*other, rtsp_port)
                                                      : unavailable(reasons(streams)));
    return true;
  };
  if (!attempt(false)) wait(undecided(streams), request.peer, shared, attempt);
}

void Routes::serve_snapshot(const HttpRequest& request, std::string_view path, HttpReply reply) {
  const auto streams = find(without_suffix(path, {".jpg", ".jpeg"}), reply);
  if (streams.empty()) return;
  const bool peek = is_on(request, "peek");  // wakes nothing, keeps nothing awake, waits for nothing
  const bool newer = is_on(request, "fresh");
  const std::int64_t asked_ns = hub_.now_ns();
  auto shared = std::make_shared<HttpReply>(std::move(reply));
  const auto attempt = [this, streams, kept = kept_alive(streams), shared, begins = fresh_from(streams), peek, newer,
                        asked_ns, peer = request.peer](bool last) {
    if (shared->gone()) return true;
    // What flows gives its newest; what rests is woken first. What does not come in time, or is lost, leaves the last
    // picture there was, whose age is told.
    const auto is_fresh = [&](const hub::Stream& stream, const hub::UnitPtr& unit) {
      if (!unit || stream.ended()) return false;
      if (newer) return unit->taken_ns() > asked_ns;
      const bool asleep = stream.state() == hub::StreamState::idle || unit->index < begins.at(&stream);
      return last || !asleep;
    };
    hub::Stream* mjpeg = first_with(streams, media::VideoCodec::mjpeg);
    const hub::UnitPtr newest = mjpeg != nullptr ? mjpeg->history().newest_video() : nullptr;
    if (mjpeg != nullptr && is_fresh(*mjpeg, newest)) {
      if (!peek && mjpeg->state() == hub::StreamState::flowing) keep_wanted(*mjpeg);
      shared->send(picture(*mjpeg, *newest, newest, newest->packet.payload.bytes()));
      return true;
    }
    hub::Stream* other = first_with_nal_units(streams);
    const hub::UnitPtr keyframe = other != nullptr ? other->history().last_keyframe() : nullptr;
    if (other != nullptr && is_fresh(*other, keyframe)) {
      if (!peek && other->state() == hub::StreamState::flowing) keep_wanted(*other);
      send_keyframe(*other, newer ? keyframe->index : 0, peer, shared);
      return true;
    }
    const bool hope =
        std::ranges::any_of(streams, [](const hub::Stream* s) { return s->state() != hub::StreamState::ended; });
    if (!last && hope) return false;
    shared->send(unavailable(reasons(streams, newer)));
    return true;
  };
  if (!attempt(peek)) wait(sources_of_stills(streams), request.peer, shared, attempt);
}

/// Its child is bounded, but others may be before it: the answer does not wait for them without end.
void Routes::send_keyframe(hub::Stream& stream, std::uint64_t from, const net::Address& peer,
                           std::shared_ptr<HttpReply> reply) {
  pictures_.get(stream, from, [reply, kept = stream.shared_from_this()](const still::KeyframePictures::Result& result) {
    if (reply->gone()) return;
    answering(reply, [&] {
      if (result) return reply->send(picture(*kept, *result->keyframe, result->jpeg, *result->jpeg));
      reply->send(unavailable(fmt::format("{}: no picture of its newest keyframe: {}", kept->path(), result.error())));
    });
  });
  if (reply->gone()) return;
  wait({}, peer, reply, [reply, path = stream.path()](bool last) {
    if (last) reply->send(unavailable(path + ": no picture of its newest keyframe: camenc takes too long"));
    return last || reply->gone();
  });
}

}  // namespace campipe::serve::http
