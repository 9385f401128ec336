#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/source_status.hpp"
#include "ring/include/campipe/ring.h"
#include "ring/kernel/fork_guard.hpp"
#include "ring/layout/pixel_layout.hpp"
#include "ring/read/reader.hpp"
#include "ring/write/writer.hpp"

// campipe/ring.h over Reader and Writer. Nothing may be thrown through it.

namespace {

using namespace campipe;
using namespace campipe::ring;

/// The library never prints: what it would warn of is in the counts.
void keep_quiet() {
  static std::once_flag once;
  std::call_once(once, [] { log::init({.tool = "libcampipe-ring", .level = log::Level::error}); });
}

// ---- errors

thread_local char last_error[512];  // plain bytes: they can be filled when there is no memory left

int fail(int code, std::string_view text) noexcept {
  const std::size_t bytes = std::min(text.size(), sizeof last_error - 1);
  std::memcpy(last_error, text.data(), bytes);
  last_error[bytes] = '\0';
  return code;
}

int argument(std::string_view text) noexcept {
  return fail(CAMPIPE_RING_ERROR_ARGUMENT, text);
}

int code_of(ExitCode code) noexcept {
  switch (code) {
    case ExitCode::usage:
      return CAMPIPE_RING_ERROR_ARGUMENT;
    case ExitCode::bad_data:
      return CAMPIPE_RING_ERROR_BAD_DATA;
    case ExitCode::no_input:
      return CAMPIPE_RING_ERROR_NOT_FOUND;
    case ExitCode::os_error:
    case ExitCode::io_error:
      return CAMPIPE_RING_ERROR_SYSTEM;
    case ExitCode::cannot_create:
      return CAMPIPE_RING_ERROR_NO_SPACE;
    case ExitCode::try_again:
      return CAMPIPE_RING_ERROR_BUSY;
    case ExitCode::permission:
      return CAMPIPE_RING_ERROR_PERMISSION;
    default:
      return CAMPIPE_RING_ERROR_INTERNAL;
  }
}

/// Runs `body`; what it throws becomes an error code and the thread's text.
template <class Body>
int guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (const Error& error) {
    return fail(code_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return fail(CAMPIPE_RING_ERROR_SYSTEM, "out of memory");
  } catch (const std::exception& error) {
    return fail(CAMPIPE_RING_ERROR_INTERNAL, error.what());
  } catch (...) {
    return fail(CAMPIPE_RING_ERROR_INTERNAL, "something unknown was thrown");
  }
}

// ---- processes

/// Of the process that made it. What a child of fork(2) has of its parent's is left alone: its memory is not mapped,
/// and to let go of it would touch descriptors that are the child's by now.
class Birth {
public:
  bool is_ours() const noexcept { return kernel::fork_count() == forks_; }

private:
  std::uint32_t forks_ = kernel::fork_count();
};

template <class Handle>
int check(const Handle* handle) noexcept {
  if (handle == nullptr) return argument("no handle");
  if (!handle->birth.is_ours())
    return fail(CAMPIPE_RING_ERROR_FORKED, "opened by a parent process: open another one in the child");
  return 0;
}

template <class Handle>
void dispose(Handle* handle) noexcept {
  if (handle != nullptr && handle->birth.is_ours()) delete handle;
}

// ---- structs that may grow

/// Their sizes in the first version of the interface: what every caller has at least. Never to be changed.
template <class T>
constexpr std::uint32_t kFirstSize = 0;
template <>
constexpr std::uint32_t kFirstSize<campipe_ring_format> = 112;
template <>
constexpr std::uint32_t kFirstSize<campipe_ring_frame_info> = 152;
template <>
constexpr std::uint32_t kFirstSize<campipe_ring_reader_options> = 24;
template <>
constexpr std::uint32_t kFirstSize<campipe_ring_reader_stats> = 48;
template <>
constexpr std::uint32_t kFirstSize<campipe_ring_writer_options> = 40;
template <>
constexpr std::uint32_t kFirstSize<campipe_ring_writer_stats> = 40;
template <>
constexpr std::uint32_t kFirstSize<campipe_ring_unit> = 112;

static_assert(sizeof(void*) != 8 || sizeof(campipe_ring_format) == kFirstSize<campipe_ring_format>);
static_assert(sizeof(void*) != 8 || sizeof(campipe_ring_frame_info) == kFirstSize<campipe_ring_frame_info>);
static_assert(sizeof(void*) != 8 || sizeof(campipe_ring_reader_options) == kFirstSize<campipe_ring_reader_options>);
static_assert(sizeof(void*) != 8 || sizeof(campipe_ring_reader_stats) == 160);
static_assert(sizeof(campipe_ring_reader_stats{}.source_reason) == kMaxSourceReason + 1);
static_assert(sizeof(void*) != 8 || sizeof(campipe_ring_writer_options) == kFirstSize<campipe_ring_writer_options>);
static_assert(sizeof(void*) != 8 || sizeof(campipe_ring_writer_stats) == kFirstSize<campipe_ring_writer_stats>);
static_assert(sizeof(void*) != 8 || sizeof(campipe_ring_unit) == kFirstSize<campipe_ring_unit>);

template <class T>
constexpr std::uint32_t least_size() noexcept {
  return std::min<std::uint32_t>(kFirstSize<T>, sizeof(T));  // pointers of 32 bits make them smaller
}

/// A caller's struct, as far as it reaches. What is longer than ours must be zero beyond: a newer program may not ask
/// for what this library cannot do.
template <class T>
int take(const T* from, T& to) noexcept {
  if (from == nullptr || from->size < least_size<T>()) return argument("a struct's size is not set");
  if (from->size > sizeof(T)) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(from);
    if (!std::all_of(bytes + sizeof(T), bytes + from->size, [](unsigned char byte) { return byte == 0; })) {
      return argument("the program wants something that only a newer libcampipe-ring has");
    }
  }
  to = T{};
  std::memcpy(&to, from, std::min<std::size_t>(from->size, sizeof(T)));
  return 0;
}

/// Fills a caller's struct as far as it reaches; what it has beyond ours becomes zero. Its size stays.
template <class T>
int give(T&& from, std::remove_cvref_t<T>* to) noexcept {
  using Struct = std::remove_cvref_t<T>;
  if (to == nullptr || to->size < least_size<Struct>()) return argument("a struct's size is not set");
  const std::uint32_t size = to->size;
  std::memset(static_cast<void*>(to), 0, size);
  std::memcpy(static_cast<void*>(to), &from, std::min<std::size_t>(size, sizeof(Struct)));
  to->size = size;
  return 0;
}

std::string plain_name(const char* name) {
  constexpr std::string_view kPrefix = "shm:";
  std::string_view text = name == nullptr ? "" : name;
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  return std::string(text);
}

// ---- formats

campipe_ring_format c_format(const layout::Format& format) noexcept {
  campipe_ring_format out{};
  out.codec = static_cast<std::uint32_t>(format.codec);
  out.width_px = format.width_px;
  out.height_px = format.height_px;
  out.rate_num = format.rate_num;
  out.rate_den = format.rate_den;
  out.range = static_cast<std::uint32_t>(format.range);
  out.matrix = static_cast<std::uint32_t>(format.matrix);
  format.pixel_format.copy(out.pixel_format, sizeof out.pixel_format - 1);
  if (!format.parameter_sets.empty()) {
    out.parameter_sets = format.parameter_sets.data();
    out.parameter_set_bytes = static_cast<std::uint32_t>(format.parameter_sets.size());
  }
  out.audio_codec = static_cast<std::uint32_t>(format.audio_codec);
  out.audio_rate_hz = format.audio_rate_hz;
  out.audio_channels = format.audio_channels;
  if (!format.audio_extradata.empty()) {
    out.audio_extradata = format.audio_extradata.data();
    out.audio_extradata_bytes = static_cast<std::uint32_t>(format.audio_extradata.size());
  }
  if (!format.boot_id.empty() && format.boot_id == boot_id()) {
    out.has_clock = 1;
    out.clock_realtime_us = format.anchor_realtime_us;
    out.clock_monotonic_ns = format.anchor_monotonic_ns;
  }
  return out;
}

std::vector<std::byte> bytes_of(const void* data, std::uint32_t bytes) {
  const auto* const begin = static_cast<const std::byte*>(data);
  return data == nullptr ? std::vector<std::byte>{} : std::vector<std::byte>(begin, begin + bytes);
}

constexpr std::uint32_t kMaxSide = 16384;

/// What cannot be in `format`, or nothing.
const char* wrong_with(const campipe_ring_format& format) noexcept {
  if (format.codec < CAMPIPE_RING_CODEC_RAW || format.codec > CAMPIPE_RING_CODEC_H265) return "format: no such codec";
  if (format.width_px > kMaxSide || format.height_px > kMaxSide) return "format: a side is over 16384 pixels";
  if (std::memchr(format.pixel_format, '\0', sizeof format.pixel_format) == nullptr)
    return "format: pixel_format has no end";
  if (format.range > CAMPIPE_RING_RANGE_FULL) return "format: no such range";
  if (format.matrix > CAMPIPE_RING_MATRIX_BT2020) return "format: no such matrix";
  if (format.audio_codec > CAMPIPE_RING_AUDIO_PCM_S16LE) return "format: no such audio codec";
  if ((format.parameter_set_bytes > 0 && format.parameter_sets == nullptr) ||
      (format.audio_extradata_bytes > 0 && format.audio_extradata == nullptr)) {
    return "format: a length without a pointer";
  }
  if (format.codec != CAMPIPE_RING_CODEC_RAW) return nullptr;
  if (format.width_px == 0 || format.height_px == 0) return "format: raw pictures need a width and a height";
  if (format.pixel_format[0] == '\0') return "format: raw pictures need a pixel format";
  if (format.audio_codec != CAMPIPE_RING_AUDIO_NONE) return "format: no audio beside raw pictures";
  return nullptr;
}

layout::Format cpp_format(const campipe_ring_format& format, const StreamClock& clock) {
  layout::Format out;
  out.codec = static_cast<layout::Codec>(format.codec);
  out.pixel_format = format.pixel_format;
  out.width_px = format.width_px;
  out.height_px = format.height_px;
  out.rate_num = format.rate_num;
  out.rate_den = std::max(1u, format.rate_den);
  out.range = static_cast<layout::Range>(format.range);
  out.matrix = static_cast<layout::Matrix>(format.matrix);
  out.parameter_sets = bytes_of(format.parameter_sets, format.parameter_set_bytes);
  out.audio_codec = static_cast<layout::AudioCodec>(format.audio_codec);
  out.audio_rate_hz = format.audio_rate_hz;
  out.audio_channels = format.audio_channels;
  out.audio_extradata = bytes_of(format.audio_extradata, format.audio_extradata_bytes);
  out.anchor_realtime_us = clock.anchor_realtime_us;
  out.anchor_monotonic_ns = clock.anchor_monotonic_ns;
  out.boot_id = clock.boot_id;
  return out;
}

/// Whether a plane that begins at `plane.offset` lies within `bytes`.
bool lies_within(const layout::Plane& plane, const layout::PictureLayout::Rows& rows, std::uint64_t bytes) noexcept {
  if (rows.rows == 0) return plane.offset <= bytes;
  return plane.stride_bytes >= rows.row_bytes &&
         plane.offset + std::uint64_t{plane.stride_bytes} * (rows.rows - 1) + rows.row_bytes <= bytes;
}

}  // namespace

struct campipe_ring_frame {
  Birth birth;
  layout::Unit unit;
  std::shared_ptr<const layout::Format> format;
};

struct campipe_ring_reader {
  Birth birth;
  read::Reader reader;
  std::shared_ptr<const layout::Format> format;  // a copy, which frames share
};

struct campipe_ring_writer {
  Birth birth;
  write::Writer writer;
  std::vector<write::Room> rooms;  // begun, neither published nor cancelled
  StreamClock clock;               // as soon as there is a format
  layout::Format format;
  layout::PictureLayout layout;
  SourceStatus source;
};

namespace {

/// Planes as they lie in the payload; none when they are not known, or not inside it.
void add_planes(const campipe_ring_frame& frame, campipe_ring_frame_info& info) noexcept {
  const layout::Format& format = *frame.format;
  if (format.codec != layout::Codec::raw) return;
  const layout::PictureLayout layout = layout::picture_layout(format.pixel_format, format.width_px, format.height_px);
  const bool told = frame.unit.info.planes > 0;
  const std::uint32_t planes = told ? std::min(frame.unit.info.planes, layout::kMaxPlanes) : layout.planes;
  if (told && layout.planes > 0 && planes != layout.planes) return;
  for (std::uint32_t i = 0; i < planes; ++i) {
    const layout::PictureLayout::Rows& rows = layout.plane[i];
    const layout::Plane plane = told ? frame.unit.info.plane[i] : layout::Plane{rows.offset, rows.stride_bytes};
    if (!lies_within(plane, rows, frame.unit.bytes.size())) return;
    info.plane[i] = {plane.offset, plane.stride_bytes, rows.row_bytes, rows.rows};
  }
  info.planes = planes;
}

void take_format(campipe_ring_reader& reader) {
  reader.format = std::make_shared<const layout::Format>(reader.reader.format());
}

/// The next event that programs know; what a writer says of its source they find in the statistics.
read::Event next_event(read::Reader& reader, std::int32_t timeout_ms) {
  const std::int64_t deadline_ns = monotonic_ns() + std::int64_t{timeout_ms} * 1'000'000;
  for (;;) {
    const read::Event event = reader.next(timeout_ms < 0 ? -1 : timeout_ms);
    if (event != read::Event::source) return event;
    if (timeout_ms <= 0) continue;
    timeout_ms = static_cast<std::int32_t>(std::max<std::int64_t>(0, (deadline_ns - monotonic_ns()) / 1'000'000));
  }
}

int next(campipe_ring_reader& reader, std::int32_t timeout_ms, campipe_ring_frame*& frame) {
  switch (next_event(reader.reader, timeout_ms)) {
    case read::Event::format:
      take_format(reader);
      return CAMPIPE_RING_FORMAT;
    case read::Event::unit:
      if (!reader.format) take_format(reader);
      frame = new campipe_ring_frame{Birth{}, std::move(reader.reader.unit()), reader.format};
      return CAMPIPE_RING_FRAME;
    case read::Event::interrupted:
      return CAMPIPE_RING_INTERRUPTED;
    case read::Event::timeout:
    case read::Event::source:
      break;
  }
  return CAMPIPE_RING_TIMEOUT;
}

/// The clock of a writer that was told none: its predecessor's, so that times go on where they were.
StreamClock clock_for(const campipe_ring_writer& writer, const campipe_ring_format& format) {
  if (format.has_clock != 0) {
    return {.anchor_realtime_us = format.clock_realtime_us,
            .anchor_monotonic_ns = format.clock_monotonic_ns,
            .boot_id = boot_id()};
  }
  if (!writer.clock.boot_id.empty()) return writer.clock;
  if (const auto& before = writer.writer.inherited(); before && before->boot_id == boot_id()) {
    return {.anchor_realtime_us = before->anchor_realtime_us,
            .anchor_monotonic_ns = before->anchor_monotonic_ns,
            .boot_id = before->boot_id};
  }
  return StreamClock::from_environment_or_now();
}

int set_format(campipe_ring_writer& writer, const campipe_ring_format& format) {
  if (const char* const wrong = wrong_with(format)) return argument(wrong);
  const StreamClock clock = clock_for(writer, format);
  layout::Format wanted = cpp_format(format, clock);
  writer.writer.set_format(wanted);
  writer.clock = clock;
  writer.layout = layout::picture_layout(wanted.pixel_format, wanted.width_px, wanted.height_px);
  writer.format = std::move(wanted);
  return 0;
}

/// What cannot be in `unit`, or nothing.
const char* wrong_with(const campipe_ring_writer& writer, const campipe_ring_unit& unit, std::uint64_t bytes) noexcept {
  if (writer.clock.boot_id.empty()) return "publish: the format must be set before";
  if (bytes == 0 || bytes > layout::kMaxUnitBytes) return "publish: 1 byte to 256 MiB can be published";
  if (unit.planes > layout::kMaxPlanes) return "publish: at most 4 planes";
  if (writer.format.codec != layout::Codec::raw)
    return unit.planes > 0 ? "publish: coded frames have no planes" : nullptr;
  if ((unit.flags & CAMPIPE_RING_AUDIO) != 0) return "publish: no audio beside raw pictures";
  if (writer.layout.planes == 0) return nullptr;
  if (unit.planes == 0) {
    return bytes == writer.layout.bytes ? nullptr
                                        : "publish: the payload has not the size of a picture without padding";
  }
  if (unit.planes != writer.layout.planes) return "publish: the pixel format has another number of planes";
  for (std::uint32_t i = 0; i < unit.planes; ++i) {
    if (!lies_within({unit.plane[i].offset, unit.plane[i].stride_bytes}, writer.layout.plane[i], bytes))
      return "publish: a plane is not inside the payload";
  }
  return nullptr;
}

layout::UnitInfo info_of(const campipe_ring_writer& writer, const campipe_ring_unit& unit) noexcept {
  layout::UnitInfo info;
  info.pts_us = unit.pts_us;
  info.dts_us = unit.dts_us;
  info.captured_ns = unit.captured_ns;
  info.source_sequence = unit.source_sequence;
  info.flags = unit.flags & (layout::kKeyframe | layout::kCorrupt | layout::kDiscontinuity | layout::kAudio |
                             layout::kHasDts | layout::kHasCapture | layout::kHasSequence);
  const bool inter_coded = writer.format.codec == layout::Codec::h264 || writer.format.codec == layout::Codec::h265;
  if (!inter_coded || (info.flags & layout::kAudio) != 0) info.flags |= layout::kKeyframe;
  info.planes = unit.planes;
  for (std::uint32_t i = 0; i < unit.planes; ++i) {
    info.plane[i] = {unit.plane[i].offset, unit.plane[i].stride_bytes};
  }
  return info;
}

void forget_room(campipe_ring_writer& writer, const void* data) noexcept {
  std::erase_if(writer.rooms, [data](const write::Room& room) { return room.bytes.data() == data; });
}

int publish(campipe_ring_writer& writer, const campipe_ring_unit& unit, const void* data, std::uint64_t bytes) {
  if (data == nullptr) return argument("publish: no payload");
  if (const char* const wrong = wrong_with(writer, unit, bytes)) return argument(wrong);
  for (const write::Room& room : writer.rooms) {
    if (room.bytes.data() == data && bytes > room.bytes.size())
      return argument("publish: more bytes than the room has that was begun");
  }
  const bool out = writer.writer.publish(info_of(writer, unit), {static_cast<const std::byte*>(data), bytes});
  forget_room(writer, data);
  return out ? 1 : 0;
}

}  // namespace

extern "C" {

const char* campipe_ring_version(void) {
  return CAMPIPE_VERSION;
}

const char* campipe_ring_last_error(void) {
  return last_error;
}

int campipe_ring_picture_layout(const char* pixel_format, uint32_t width_px, uint32_t height_px,
                                struct campipe_ring_plane* plane, uint64_t* bytes) {
  if (pixel_format == nullptr) return argument("no pixel format");
  const layout::PictureLayout layout = layout::picture_layout(pixel_format, width_px, height_px);
  if (layout.planes == 0) return argument("not a pixel format or size that is known");
  if (bytes != nullptr) *bytes = layout.bytes;
  if (plane == nullptr) return static_cast<int>(layout.planes);
  for (std::size_t i = 0; i < layout.plane.size(); ++i) {
    const layout::PictureLayout::Rows& rows = layout.plane[i];
    plane[i] = {rows.offset, rows.stride_bytes, rows.row_bytes, rows.rows};
  }
  return static_cast<int>(layout.planes);
}

// ---- frames

int campipe_ring_frame_get_info(const campipe_ring_frame* frame, struct campipe_ring_frame_info* info) {
  if (const int error = check(frame)) return error;
  const layout::Unit& unit = frame->unit;
  campipe_ring_frame_info out{};
  out.flags = unit.info.flags;
  out.data = unit.bytes.data();
  out.bytes = unit.bytes.size();
  out.pts_us = unit.info.pts_us;
  out.dts_us = (unit.info.flags & layout::kHasDts) != 0 ? unit.info.dts_us : unit.info.pts_us;
  out.captured_ns = (unit.info.flags & layout::kHasCapture) != 0 ? unit.info.captured_ns : 0;
  out.published_ns = unit.published_ns;
  out.source_sequence = (unit.info.flags & layout::kHasSequence) != 0 ? unit.info.source_sequence : 0;
  out.seq = unit.seq;
  out.lost = unit.lost;
  out.leased = unit.leased ? 1 : 0;
  add_planes(*frame, out);
  return give(out, info);
}

int campipe_ring_frame_get_format(const campipe_ring_frame* frame, struct campipe_ring_format* format) {
  if (const int error = check(frame)) return error;
  return give(c_format(*frame->format), format);
}

void campipe_ring_frame_release(campipe_ring_frame* frame) {
  dispose(frame);
}

// ---- readers

int campipe_ring_reader_open(const struct campipe_ring_reader_options* options, campipe_ring_reader** reader) {
  if (reader == nullptr) return argument("nowhere to put the reader");
  *reader = nullptr;
  return guarded([&] {
    campipe_ring_reader_options given;
    if (const int error = take(options, given)) return error;
    if (given.delivery > CAMPIPE_RING_IN_ORDER) return argument("no such delivery");
    constexpr std::uint32_t kFlags = CAMPIPE_RING_READER_COPY | CAMPIPE_RING_READER_NO_WANT | CAMPIPE_RING_READER_STALE;
    if ((given.flags & ~kFlags) != 0) return argument("no such flag of a reader");
    const bool copies = (given.flags & CAMPIPE_RING_READER_COPY) != 0;
    read::Reader::Options wanted{
        .name = plain_name(given.name),
        .delivery = given.delivery == CAMPIPE_RING_NEWEST ? read::Delivery::newest : read::Delivery::in_order,
        .leases = copies ? 0 : std::max(1u, given.leases),
        .want = (given.flags & CAMPIPE_RING_READER_NO_WANT) == 0,
        .skip_stale = (given.flags & CAMPIPE_RING_READER_STALE) == 0,
    };
    keep_quiet();
    *reader = new campipe_ring_reader{Birth{}, read::Reader(std::move(wanted)), nullptr};
    return 0;
  });
}

void campipe_ring_reader_close(campipe_ring_reader* reader) {
  dispose(reader);
}

int campipe_ring_reader_next(campipe_ring_reader* reader, int32_t timeout_ms, campipe_ring_frame** frame) {
  if (frame == nullptr) return argument("nowhere to put the frame");
  *frame = nullptr;
  if (const int error = check(reader)) return error;
  return guarded([&] { return next(*reader, timeout_ms, *frame); });
}

int campipe_ring_reader_get_format(const campipe_ring_reader* reader, struct campipe_ring_format* format) {
  if (const int error = check(reader)) return error;
  if (!reader->format) return fail(CAMPIPE_RING_ERROR_NOT_FOUND, "the ring has told no format yet");
  return give(c_format(*reader->format), format);
}

void campipe_ring_reader_interrupt(campipe_ring_reader* reader) {
  if (check(reader) == 0) reader->reader.interrupt();
}

void campipe_ring_reader_set_want(campipe_ring_reader* reader, int want) {
  if (check(reader) == 0) reader->reader.set_want(want != 0);
}

void campipe_ring_reader_request_keyframe(campipe_ring_reader* reader) {
  if (check(reader) == 0) reader->reader.request_keyframe();
}

int campipe_ring_reader_get_stats(campipe_ring_reader* reader, struct campipe_ring_reader_stats* stats) {
  if (const int error = check(reader)) return error;
  return guarded([&] {
    const read::Reader::Stats& now = reader->reader.stats();
    campipe_ring_reader_stats out{};
    const read::Link link = reader->reader.link();
    out.link = link == read::Link::live        ? CAMPIPE_RING_LINK_LIVE
               : link == read::Link::no_writer ? CAMPIPE_RING_LINK_NO_WRITER
                                               : CAMPIPE_RING_LINK_NO_RING;
    out.frames = now.units;
    out.lost = now.lost;
    out.copied = now.copied;
    out.damaged = now.damaged;
    out.reopened = now.reopened;
    const SourceStatus& source = reader->reader.source();
    out.source_state = static_cast<std::uint32_t>(source.state);
    out.rests = reader->reader.rests();
    out.source_since_us = source.since_us;
    source.reason.copy(out.source_reason, sizeof out.source_reason - 1);
    return give(out, stats);
  });
}

// ---- writers

int campipe_ring_writer_open(const struct campipe_ring_writer_options* options, campipe_ring_writer** writer) {
  if (writer == nullptr) return argument("nowhere to put the writer");
  *writer = nullptr;
  return guarded([&] {
    campipe_ring_writer_options given;
    if (const int error = take(options, given)) return error;
    if (given.reserved != 0) return argument("the program wants something that only a newer libcampipe-ring has");
    write::Writer::Options wanted;
    wanted.name = plain_name(given.name);
    if (given.slots != 0) wanted.slots = given.slots;
    wanted.arena_bytes = given.arena_bytes;
    if (given.mode != 0) wanted.mode = static_cast<mode_t>(given.mode);
    if (given.has_group != 0) wanted.group = static_cast<gid_t>(given.group);
    keep_quiet();
    *writer = new campipe_ring_writer{Birth{}, write::Writer(std::move(wanted)), {}, {}, {}, {}};
    return 0;
  });
}

void campipe_ring_writer_close(campipe_ring_writer* writer) {
  dispose(writer);
}

int campipe_ring_writer_set_format(campipe_ring_writer* writer, const struct campipe_ring_format* format) {
  if (const int error = check(writer)) return error;
  return guarded([&] {
    campipe_ring_format given;
    if (const int error = take(format, given)) return error;
    return set_format(*writer, given);
  });
}

int campipe_ring_writer_begin(campipe_ring_writer* writer, uint64_t bytes, void** data) {
  if (data == nullptr) return argument("nowhere to put the address");
  *data = nullptr;
  if (const int error = check(writer)) return error;
  return guarded([&] {
    if (writer->clock.boot_id.empty()) return argument("begin: the format must be set before");
    if (bytes == 0 || bytes > layout::kMaxUnitBytes) return argument("begin: 1 byte to 256 MiB can be published");
    writer->rooms.reserve(writer->rooms.size() + 1);
    std::optional<write::Room> room = writer->writer.room(bytes);
    if (!room) return 0;
    *data = room->bytes.data();
    writer->rooms.push_back(std::move(*room));
    return 1;
  });
}

void campipe_ring_writer_cancel(campipe_ring_writer* writer, void* data) {
  if (check(writer) == 0) forget_room(*writer, data);
}

int campipe_ring_writer_stamp(campipe_ring_writer* writer, int64_t captured_ns, struct campipe_ring_unit* unit) {
  if (const int error = check(writer)) return error;
  if (unit == nullptr || unit->size < least_size<campipe_ring_unit>()) return argument("a struct's size is not set");
  if (writer->clock.boot_id.empty()) return argument("stamp: the format must be set before");
  unit->captured_ns = captured_ns != 0 ? captured_ns : monotonic_ns();
  unit->flags |= CAMPIPE_RING_HAS_CAPTURE;
  unit->pts_us = writer->clock.pts_us(unit->captured_ns);
  return 0;
}

int campipe_ring_writer_publish(campipe_ring_writer* writer, const struct campipe_ring_unit* unit, const void* data,
                                uint64_t bytes) {
  if (const int error = check(writer)) return error;
  return guarded([&] {
    campipe_ring_unit given;
    if (const int error = take(unit, given)) return error;
    return publish(*writer, given, data, bytes);
  });
}

int campipe_ring_writer_set_source(campipe_ring_writer* writer, uint32_t state, const char* reason) {
  if (const int error = check(writer)) return error;
  if (state > CAMPIPE_RING_SOURCE_LOST) return argument("set_source: no such state");
  return guarded([&] {
    writer->source =
        source_status_after(writer->source, static_cast<SourceState>(state), reason == nullptr ? "" : reason);
    writer->writer.set_source(writer->source);
    return 0;
  });
}

int campipe_ring_writer_wanted(campipe_ring_writer* writer) {
  if (const int error = check(writer)) return error;
  return guarded([&] { return writer->writer.wanted() ? 1 : 0; });
}

int campipe_ring_writer_keyframe_wanted(campipe_ring_writer* writer) {
  if (const int error = check(writer)) return error;
  return writer->writer.keyframe_wanted() ? 1 : 0;
}

void campipe_ring_writer_wait_for_wish(campipe_ring_writer* writer, int32_t timeout_ms) {
  if (check(writer) == 0) guarded([&] { return writer->writer.wait_for_wish(timeout_ms), 0; });
}

void campipe_ring_writer_interrupt(campipe_ring_writer* writer) {
  if (check(writer) == 0) writer->writer.interrupt();
}

int campipe_ring_writer_get_stats(const campipe_ring_writer* writer, struct campipe_ring_writer_stats* stats) {
  if (const int error = check(writer)) return error;
  const write::Writer::Stats& now = writer->writer.stats();
  campipe_ring_writer_stats out{};
  out.frames = now.units;
  out.bytes = now.bytes;
  out.dropped = now.dropped;
  out.in_place = now.in_place;
  return give(out, stats);
}

}  // extern "C"
