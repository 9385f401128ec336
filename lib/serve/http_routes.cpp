#include "serve/http_routes.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/random.hpp"
#include "base/units.hpp"
#include "serve/metrics.hpp"
#include "serve/mjpeg_client.hpp"
#include "serve/viewer_page.hpp"
#include "wire/endpoint.hpp"

namespace campipe::serve {

namespace {

using net::HttpReply;
using net::HttpRequest;
using net::HttpResponse;
using net::text_response;

constexpr std::int64_t kTickMs = 250;

HttpResponse response(int status, std::string content_type, std::string body) {
  HttpResponse out;
  out.status = status;
  out.content_type = std::move(content_type);
  out.headers.push_back({"Cache-Control", "no-store"});
  out.body = std::move(body);
  return out;
}

HttpResponse unavailable(std::string_view line) {
  HttpResponse out = text_response(503, line);
  out.headers.push_back({"Retry-After", "2"});
  return out;
}

/// One JPEG with its capture time.
HttpResponse picture(const media::Packet& packet, std::shared_ptr<const void> owner, std::span<const std::byte> jpeg) {
  HttpResponse out;
  out.content_type = "image/jpeg";
  out.headers.push_back({"Cache-Control", "no-store"});
  const std::int64_t stamp = std::max<std::int64_t>(packet.pts_us, 0);
  out.headers.push_back({"X-Timestamp", fmt::format("{}.{:06}", stamp / 1'000'000, stamp % 1'000'000)});
  if (packet.sequence) out.headers.push_back({"X-Sequence", fmt::to_string(*packet.sequence)});
  out.owner = std::move(owner);
  out.shared_body = jpeg;
  return out;
}

/// The page may load pictures and data from here and nothing from anywhere else.
HttpResponse viewer_page() {
  const std::string nonce = random_hex(16);
  HttpResponse out = response(200, "text/html; charset=utf-8", viewer_html(nonce));
  out.headers.push_back(
      {"Content-Security-Policy",
       fmt::format("default-src 'none'; img-src 'self' blob: data:; connect-src 'self'; "
                   "style-src 'nonce-{0}'; script-src 'nonce-{0}'; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'self'",
                   nonce)});
  out.headers.push_back({"Referrer-Policy", "no-referrer"});
  return out;
}

Stream* first_with(const std::vector<Stream*>& streams, media::VideoCodec codec) {
  const auto found = std::ranges::find_if(streams, [codec](const Stream* s) { return s->has_codec(codec); });
  return found == streams.end() ? nullptr : *found;
}

Stream* first_with_nal_units(const std::vector<Stream*>& streams) {
  Stream* h264 = first_with(streams, media::VideoCodec::h264);
  return h264 != nullptr ? h264 : first_with(streams, media::VideoCodec::h265);
}

/// Those that may still turn out to be in any codec.
std::vector<Stream*> undecided(std::vector<Stream*> streams) {
  std::erase_if(streams, [](const Stream* s) { return s->format() || s->state() == StreamState::ended; });
  return streams;
}

/// Which to wait for when a still is wanted: what rests is woken for it, so no more of them than needed.
std::vector<Stream*> sources_of_stills(const std::vector<Stream*>& streams) {
  Stream* mjpeg = first_with(streams, media::VideoCodec::mjpeg);
  if (mjpeg != nullptr && (mjpeg->state() == StreamState::idle || mjpeg->state() == StreamState::flowing))
    return {mjpeg};
  return streams;
}

/// Streams may go while a request waits.
std::vector<std::shared_ptr<Stream>> kept_alive(const std::vector<Stream*>& streams) {
  std::vector<std::shared_ptr<Stream>> kept;
  for (Stream* stream : streams) kept.push_back(stream->shared_from_this());
  return kept;
}

/// From which unit on each of them shows what is now.
std::map<const Stream*, std::uint64_t> fresh_from(const std::vector<Stream*>& streams) {
  std::map<const Stream*, std::uint64_t> begins;
  for (const Stream* stream : streams) begins[stream] = stream->rested() ? stream->history().end() : 0;
  return begins;
}

std::string reasons(const std::vector<Stream*>& streams) {
  std::string text;
  for (const Stream* stream : streams) {
    const std::string why = why_not_flowing(*stream);
    if (!why.empty()) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", stream->path(), why);
  }
  if (text.empty()) text = streams.front()->path() + ": no keyframe yet";
  return text;
}

HttpResponse not_acceptable(const Stream& stream) {
  return text_response(
      406, fmt::format("{0} is {1} and /stream is MJPEG: put 'camenc -c mjpeg' before camserve (SOURCE | camenc -c "
                       "mjpeg | camserve {0}=-), or serve both codecs (camserve {0}=fd:3 {0}=fd:4); this one is at "
                       "rtsp://HOST:PORT/{0}",
                       stream.path(), media::name(stream.format()->video.codec)));
}

std::string_view without_suffix(std::string_view path, std::initializer_list<std::string_view> suffixes) {
  for (const std::string_view suffix : suffixes) {
    if (path.ends_with(suffix)) return path.substr(0, path.size() - suffix.size());
  }
  return path;
}

}  // namespace

HttpRoutes::HttpRoutes(net::Loop& loop, Hub& hub, ServerFacts facts, Options options)
    : loop_(loop),
      hub_(hub),
      facts_(std::move(facts)),
      options_(std::move(options)),
      pictures_(loop, options_.camenc),
      ticker_(loop, [this] { tick(); }) {}

void HttpRoutes::handle(const HttpRequest& request, HttpReply reply) {
  const std::string_view path = request.target.path;
  const auto below = [&](std::string_view prefix) { return path.starts_with(prefix); };
  if (path == "/" && !request.target.get("action").empty()) return handle_action(request, std::move(reply));
  if (path == "/") return reply.send(viewer_page());
  if (below("/stream/")) return serve_stream(request, path.substr(8), std::move(reply));
  if (below("/snapshot/")) return serve_snapshot(request, path.substr(10), std::move(reply));
  if (path == "/health") {
    const Health now = health(hub_);
    return reply.send(response(now.good ? 200 : 503, "text/plain; charset=utf-8", now.text));
  }
  if (path == "/metrics")
    return reply.send(response(200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(hub_, facts_)));
  if (path == "/api/streams") return reply.send(response(200, "application/json", streams_json(hub_, facts_)));
  if (path == "/api/clients") return reply.send(response(200, "application/json", clients_json(hub_)));
  reply.send(text_response(
      404, fmt::format("nothing here: try /, /stream/NAME or /snapshot/NAME with NAME one of {}, /health, "
                       "/metrics, /api/streams, /api/clients",
                       hub_.offer())));
}

/// mjpg-streamer's and ustreamer's way to ask.
void HttpRoutes::handle_action(const HttpRequest& request, HttpReply reply) {
  const std::string_view action = request.target.get("action");
  std::string_view name = request.target.get("stream");
  const auto names = hub_.names();
  if (name.empty() && !names.empty()) name = names.front();
  if (action == "stream") return serve_stream(request, name, std::move(reply));
  if (action == "snapshot") return serve_snapshot(request, name, std::move(reply));
  reply.send(text_response(400, "action is stream or snapshot"));
}

std::vector<Stream*> HttpRoutes::find(const Wanted& wanted, HttpReply& reply) {
  auto streams = hub_.find(wanted.name, wanted.rendition);
  if (streams.empty()) {
    const bool sane =
        wire::is_stream_name(wanted.name) && (wanted.rendition.empty() || wire::is_stream_name(wanted.rendition));
    reply.send(text_response(404, fmt::format("no stream{}: there is {}",
                                              sane ? " '" + wanted.path() + "'" : " of that name", hub_.offer())));
  }
  return streams;
}

void HttpRoutes::wait(std::vector<Stream*> streams, const net::Address& peer, Waiter::Attempt attempt) {
  waiters_.push_back(
      std::make_unique<Waiter>(streams, peer.to_string(), loop_.now_ms() + options_.wait_ms, std::move(attempt)));
  ticker_.start(kTickMs, kTickMs);
}

void HttpRoutes::tick() {
  for (const auto& waiter : waiters_) waiter->tick(loop_.now_ms());
  std::erase_if(waiters_, [](const auto& waiter) { return waiter->done(); });
  std::erase_if(kept_, [this](const auto& one) { return loop_.now_ms() >= one.second.until_ms; });
  if (waiters_.empty() && kept_.empty()) ticker_.stop();
}

void HttpRoutes::keep_wanted(Stream& stream) {
  if (!stream.has_source()) return;
  Kept& kept = kept_[&stream];
  if (kept.until_ms == 0) kept.wish = Wish(stream);
  kept.until_ms = loop_.now_ms() + options_.keep_ms;
  ticker_.start(kTickMs, kTickMs);
}

void HttpRoutes::serve_stream(const HttpRequest& request, std::string_view path, HttpReply reply) {
  path = without_suffix(path, {".mjpg", ".mjpeg"});
  const std::size_t slash = std::min(path.find('/'), path.size());
  const Wanted wanted{std::string(path.substr(0, slash)), std::string(path.substr(std::min(slash + 1, path.size())))};
  const auto streams = find(wanted, reply);
  if (streams.empty()) return;
  MjpegClient::Options options{.requested_ns = hub_.now_ns()};
  options.extra_headers = request.target.get("extra_headers") == "1";
  if (const auto text = request.target.get("fps"); !text.empty()) {
    const auto rate = parse_frame_rate(text);
    if (!rate) return reply.send(text_response(400, "fps is a rate like 5, 29.97 or 30000/1001"));
    options.interval_us = static_cast<std::int64_t>(1e6 / rate->value());
  }
  net::HttpResponse head = MjpegClient::head();
  // Safari gives no multipart answer to scripts.
  if (request.target.get("as") == "bytes") head.content_type = "application/octet-stream";
  auto shared = std::make_shared<HttpReply>(std::move(reply));
  const auto attempt = [this, streams, kept = kept_alive(streams), options, head, shared,
                        peer = request.peer](bool last) {
    if (shared->gone()) return true;
    Stream* mjpeg = first_with(streams, media::VideoCodec::mjpeg);
    if (mjpeg != nullptr && mjpeg->state() != StreamState::ended) {
      shared->stream(head, std::make_unique<MjpegClient>(hub_, *mjpeg, peer, options));
      return true;
    }
    if (!last && !undecided(streams).empty()) return false;
    const Stream* other = first_with_nal_units(streams);
    shared->send(other != nullptr && mjpeg == nullptr ? not_acceptable(*other) : unavailable(reasons(streams)));
    return true;
  };
  if (!attempt(false)) wait(undecided(streams), request.peer, attempt);
}

void HttpRoutes::serve_snapshot(const HttpRequest& request, std::string_view path, HttpReply reply) {
  path = without_suffix(path, {".jpg", ".jpeg"});
  const std::size_t slash = std::min(path.find('/'), path.size());
  const Wanted wanted{std::string(path.substr(0, slash)), std::string(path.substr(std::min(slash + 1, path.size())))};
  const auto streams = find(wanted, reply);
  if (streams.empty()) return;
  const bool peek = request.target.get("peek") == "1";  // wakes nothing, keeps nothing awake, waits for nothing
  auto shared = std::make_shared<HttpReply>(std::move(reply));
  const auto attempt = [this, streams, kept = kept_alive(streams), shared, begins = fresh_from(streams),
                        peek](bool last) {
    if (shared->gone()) return true;
    const auto is_fresh = [&begins](const Stream& stream, const UnitPtr& unit) {
      return unit && stream.state() == StreamState::flowing && unit->index >= begins.at(&stream);
    };
    Stream* mjpeg = first_with(streams, media::VideoCodec::mjpeg);
    const UnitPtr newest = mjpeg != nullptr ? mjpeg->history().newest_video() : nullptr;
    if (mjpeg != nullptr && is_fresh(*mjpeg, newest)) {
      if (!peek) keep_wanted(*mjpeg);
      shared->send(picture(newest->packet, newest, newest->packet.payload.bytes()));
      return true;
    }
    Stream* other = first_with_nal_units(streams);
    if (other != nullptr && is_fresh(*other, other->history().newest_keyframe())) {
      if (!peek) keep_wanted(*other);
      send_keyframe(*other, shared);
      return true;
    }
    const bool hope = std::ranges::any_of(streams, [](const Stream* s) { return s->state() != StreamState::ended; });
    if (!last && hope) return false;
    shared->send(unavailable(reasons(streams)));
    return true;
  };
  if (!attempt(peek)) wait(sources_of_stills(streams), request.peer, attempt);
}

void HttpRoutes::send_keyframe(Stream& stream, std::shared_ptr<HttpReply> reply) {
  pictures_.get(stream, [reply, path = stream.path()](const KeyframePictures::Result& result) {
    if (!result)
      return reply->send(unavailable(fmt::format("{}: no picture of its newest keyframe: {}", path, result.error())));
    reply->send(picture(result->keyframe->packet, result->jpeg, *result->jpeg));
  });
}

}  // namespace campipe::serve
