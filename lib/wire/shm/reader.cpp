#include "wire/shm/reader.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/inter_coded.hpp"
#include "media/picture.hpp"
#include "ring/kernel/names.hpp"
#include "wire/shm/format.hpp"
#include "wire/stream/on_change.hpp"

namespace campipe::wire::shm {

namespace {

using media::Track;
using media::VideoCodec;

constexpr int kIdleMs = 1000;
/// Frames that a sequence number may jump before it is taken for a new count.
constexpr std::uint64_t kMostMissing = 1'000'000;
/// Times beyond it are damage: sums of what is within stay far from overflow.
constexpr std::int64_t kMostUs = std::int64_t{1} << 51;

bool is_sane(const ring::layout::UnitInfo& info) noexcept {
  const auto within = [](std::int64_t value, std::int64_t most) { return value >= -most && value <= most; };
  return within(info.pts_us, kMostUs) && within(info.dts_us, kMostUs) && within(info.captured_ns, kMostUs * 1000);
}

media::Packet packet_of(const ring::layout::UnitInfo& info) {
  media::Packet packet;
  packet.track = (info.flags & ring::layout::kAudio) != 0 ? Track::audio : Track::video;
  packet.pts_us = info.pts_us;
  if ((info.flags & ring::layout::kHasDts) != 0) packet.dts_us = info.dts_us;
  if ((info.flags & ring::layout::kHasCapture) != 0) packet.captured_ns = info.captured_ns;
  if ((info.flags & ring::layout::kHasSequence) != 0) packet.sequence = info.source_sequence;
  packet.keyframe = (info.flags & ring::layout::kKeyframe) != 0 || packet.track == Track::audio;
  packet.corrupt = (info.flags & ring::layout::kCorrupt) != 0;
  packet.discontinuity = (info.flags & ring::layout::kDiscontinuity) != 0;
  return packet;
}

/// The picture as its planes lie in the unit; nothing when they do not fit in it.
std::optional<media::Picture> picture_in(const ring::layout::Unit& unit, const media::VideoFormat& video) {
  const auto planes = static_cast<std::uint32_t>(media::info(video.pixel_format).planes);
  media::Picture picture{video.pixel_format, video.size, video.range, video.matrix, {}, {}, unit.owner};
  std::size_t tight = 0;  // where the next plane is when nobody said
  for (std::uint32_t p = 0; p < planes; ++p) {
    const std::size_t row = media::row_bytes(video.pixel_format, static_cast<int>(p), video.size.width_px);
    const auto rows =
        static_cast<std::size_t>(media::plane_rows(video.pixel_format, static_cast<int>(p), video.size.height_px));
    const bool told = unit.info.planes != 0;
    if (told && unit.info.planes != planes) return std::nullopt;
    const std::size_t offset = told ? unit.info.plane[p].offset : tight;
    const std::size_t stride = told ? unit.info.plane[p].stride_bytes : row;
    constexpr std::size_t kMostStride = std::size_t{1} << 24;
    if (stride < row || stride > kMostStride || offset > unit.bytes.size() ||
        stride * (rows - 1) + row > unit.bytes.size() - offset) {
      return std::nullopt;
    }
    picture.plane[p] = unit.bytes.data() + offset;
    picture.stride_bytes[p] = static_cast<int>(stride);
    tight += row * rows;
  }
  return picture;
}

/// ": did you mean shm:front.raw?" for a ring that is waited for; empty when none of such a name is there.
std::string rings_close_to(const std::string& name) {
  try {
    return did_you_mean(name, ring::kernel::all_names(), "shm:");
  } catch (const Error&) {
    return {};  // they cannot be looked for: then none is known
  }
}

}  // namespace

Reader::Reader(std::string name, stream::ReadOptions options)
    : ring_(std::move(name)), name_("shm:" + ring_), options_(std::move(options)), wanted_(options_.want) {
  open(ring::read::Delivery::in_order);
  if (options_.stop_fd < 0) return;
  quit_ = Fd(::eventfd(0, EFD_CLOEXEC));
  if (!quit_) throw_errno(errno, "cannot make an event descriptor");
  watcher_ = std::thread([this] { watch_stop(); });
}

Reader::~Reader() {
  if (!watcher_.joinable()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(quit_.get(), &one, sizeof one);  // cannot fail before 2^64 - 1 calls
  watcher_.join();
}

void Reader::open(ring::read::Delivery delivery) {
  auto fresh = std::make_unique<ring::read::Reader>(
      ring::read::Reader::Options{.name = ring_, .delivery = delivery, .leases = 1, .want = wanted_.load()});
  const std::lock_guard lock(mutex_);
  reader_.swap(fresh);
  reader_->set_want(wanted_.load());  // which may have changed while the new one was made
  delivery_ = delivery;
}

/// A ring wakes its readers by a futex, which poll(2) cannot wait for: a thread brings the stop over.
void Reader::watch_stop() {
  std::array<pollfd, 2> fds{pollfd{options_.stop_fd, POLLIN, 0}, pollfd{quit_.get(), POLLIN, 0}};
  while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
  }
  stop_.store(true);
  const std::lock_guard lock(mutex_);
  reader_->interrupt();
}

void Reader::set_wanted(bool wanted) noexcept {
  wanted_.store(wanted);
  const std::lock_guard lock(mutex_);
  reader_->set_want(wanted);
}

std::int64_t Reader::age_ns() const {
  return std::max<std::int64_t>(0, monotonic_ns() - std::max<std::int64_t>(0, published_ns_));
}

void Reader::request_keyframe() noexcept {
  const std::lock_guard lock(mutex_);
  reader_->request_keyframe();
}

stream::Pull Reader::next() {
  if (!packet_due_) packet_ = {};  // its lease goes before the next one comes
  for (;;) {
    if (std::exchange(format_due_, false)) return stream::Pull::format;
    if (std::exchange(packet_due_, false)) return stream::Pull::packet;
    if (stop_.load()) return stream::Pull::stopped;
    switch (reader_->next(link_ ? kIdleMs : 0)) {
      case ring::read::Event::format:
        look_at_link();
        take_format();
        break;
      case ring::read::Event::unit:
        if (link_ != ring::read::Link::live) look_at_link();
        tell_waiting(false);
        packet_due_ = take_unit(reader_->unit());
        reader_->unit() = {};
        break;
      case ring::read::Event::source:
        tell_source();
        break;
      case ring::read::Event::timeout:
        look_at_link();
        tell_waiting(true);
        if (options_.on_idle) options_.on_idle();
        break;
      case ring::read::Event::interrupted:
        break;
    }
  }
}

void Reader::look_at_link() {
  const ring::read::Link link = reader_->link();
  if (link_ != link) say_link(link);
}

void Reader::say_link(ring::read::Link link) {
  const auto before = std::exchange(link_, link);
  if (link == ring::read::Link::live) {
    if (before) log::info("{}: {}", name_, before == ring::read::Link::no_ring ? "it is there" : "its writer is back");
  } else if (!before) {
    const bool none = link == ring::read::Link::no_ring;
    log::info("waiting for {}: {}{}", name_, none ? "nobody has made it yet" : "nobody writes to it at the moment",
              none ? rings_close_to(ring_) : "");
  } else {
    log::info("{}: {}: waiting for the next", name_,
              link == ring::read::Link::no_ring ? "it was taken away" : "its writer is gone");
  }
  if (options_.on_writer) options_.on_writer(link == ring::read::Link::live);
}

/// Nothing coming is no fault of ours, whether nobody writes or the writer is silent.
void Reader::tell_waiting(bool now) {
  if (std::exchange(waiting_, now) != now && options_.on_waiting) options_.on_waiting(now);
}

void Reader::tell_source() {
  if (std::exchange(rests_, reader_->rests()) != reader_->rests()) rested_ = true;
  if (options_.on_source) options_.on_source(reader_->source());
}

void Reader::take_format() {
  media::StreamFormat format = from_ring(reader_->format(), name_);
  const bool live = options_.delivery == stream::Delivery::live_pictures && format.video.codec == VideoCodec::raw;
  const auto delivery = live ? ring::read::Delivery::live : ring::read::Delivery::in_order;
  if (delivery != delivery_) return open(delivery);  // which tells the format again
  // What stood before a keyframe is known better than what had no room in the ring's format.
  if (told_format_ && format.video.codec == format_.video.codec && format.video.parameter_sets.empty()) {
    format.video.parameter_sets = format_.video.parameter_sets;
  }
  adopt(std::move(format));
}

/// Makes `format` the one that holds, and tells when it differs.
void Reader::adopt(media::StreamFormat format) {
  if (told_format_ && format == format_) return;
  const bool other = told_format_ && !format.video.same_stream(format_.video);
  if (told_format_) stream::obey_on_change(options_.on_change, format_, format, name_);
  if (other) wait_key_ = true;
  format_ = std::move(format);
  format_due_ = told_format_ = true;
}

/// Makes the packet of a unit; answers whether it is one.
bool Reader::take_unit(ring::layout::Unit& unit) {
  if (!told_format_) return false;
  media::Packet packet = packet_of(unit.info);
  published_ns_ = unit.published_ns;
  stats_.bytes += unit.bytes.size();
  if (packet.track == Track::video) return take_video(unit, std::move(packet));
  if (!format_.audio || unit.bytes.empty() || !is_sane(unit.info)) return false;
  packet.payload = media::Payload(unit.owner, unit.bytes);
  keep_order(packet);
  ++stats_.audio_packets;
  packet_ = std::move(packet);
  return true;
}

bool Reader::take_video(const ring::layout::Unit& unit, media::Packet packet) {
  count_lost(unit, packet);
  if (!is_sane(unit.info) || !is_picture(unit, packet)) {
    ++stats_.dropped;
    lost();
    return false;
  }
  if (packet.keyframe && media::is_inter_coded(format_.video.codec)) find_parameter_sets(packet);
  if (!media::is_inter_coded(format_.video.codec)) packet.keyframe = true;
  if (wait_key_ && !packet.keyframe) {
    ++stats_.dropped;
    if (!std::exchange(asked_key_, true)) reader_->request_keyframe();
    return false;
  }
  wait_key_ = asked_key_ = false;
  if (std::exchange(mark_next_, false)) packet.discontinuity = true;
  keep_order(packet);
  ++stats_.packets;
  packet_ = std::move(packet);
  return true;
}

/// Gives the packet its payload; answers false when the unit cannot be a picture of this stream.
bool Reader::is_picture(const ring::layout::Unit& unit, media::Packet& packet) {
  packet.payload =
      format_.video.codec == VideoCodec::raw ? tight_picture(unit) : media::Payload(unit.owner, unit.bytes);
  if (!packet.payload.empty()) return true;
  if (!std::exchange(complained_, true)) {
    log::warning("{}: a unit of {} bytes is no {}: left out, as all like it", name_, unit.bytes.size(),
                 media::describe(format_.video));
  }
  return false;
}

/// As it lies in the ring when its planes are tight, else copied together; empty when it is none.
media::Payload Reader::tight_picture(const ring::layout::Unit& unit) {
  const auto picture = picture_in(unit, format_.video);
  return picture ? media::tight_payload(*picture, pool_) : media::Payload();
}

void Reader::find_parameter_sets(const media::Packet& packet) {
  auto sets = format_.video.codec == VideoCodec::h264 ? media::h264::parameter_sets_of(packet.payload.bytes())
                                                      : media::h265::parameter_sets_of(packet.payload.bytes());
  if (sets.empty() || sets == format_.video.parameter_sets) return;
  media::StreamFormat changed = format_;
  changed.video.parameter_sets = std::move(sets);
  adopt(std::move(changed));
}

/// Frames that the ring did not have any more are lost here; more that the source's count misses were lost before it.
void Reader::count_lost(const ring::layout::Unit& unit, const media::Packet& packet) {
  std::uint64_t missing = 0;
  if (packet.sequence && last_sequence_ && *packet.sequence > *last_sequence_) {
    missing = *packet.sequence - *last_sequence_ - 1;
    if (missing >= kMostMissing) missing = 0;
  }
  if (rested_ && packet.discontinuity) {
    rested_ = false;
    missing = std::min(missing, unit.lost);
  }
  // The ring counts audio too; the source's count tells how many of them were pictures.
  const bool counts = packet.sequence && last_sequence_;
  const std::uint64_t here = counts ? std::min(unit.lost, missing) : unit.lost;
  stats_.dropped += here;
  stats_.gaps += missing - std::min(missing, here);
  if (packet.sequence) last_sequence_ = packet.sequence;
  if (unit.lost > 0) lost();
}

void Reader::lost() {
  mark_next_ = true;
  wait_key_ = media::is_inter_coded(format_.video.codec);
}

/// Decoding times increase within a track, or the packet says that something happened.
void Reader::keep_order(media::Packet& packet) {
  auto& last = last_dts_us_[packet.track == Track::video ? 0 : 1];
  const std::int64_t dts_us = media::decode_time_us(packet);
  if (last && dts_us <= *last) packet.discontinuity = true;
  last = dts_us;
}

}  // namespace campipe::wire::shm
