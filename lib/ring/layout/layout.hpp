#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "ring/kernel/page.hpp"

/// What lies in shared memory, byte by byte; campipe-ring(5) describes it. All numbers are little-endian and of fixed
/// width; every offset is checked below. What other processes may write while we read is reached through atomics only.
namespace campipe::ring::layout {

static_assert(std::endian::native == std::endian::little, "the layout is little-endian, and nothing here swaps bytes");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && sizeof(std::atomic<std::uint32_t>) == 4);

constexpr std::uint64_t kMagic = 0x31474e4952504d43;       // "CMPRING1"
constexpr std::uint64_t kControlMagic = 0x314c5443504d43;  // "CMPCTL1"
constexpr std::uint32_t kVersion = 1;

constexpr std::uint32_t kMinSlots = 5;
/// Slots that readers never lease together: the newest, the one being written, and two that the writer's process may
/// still hold after it drew them in place. So the writer always finds a free one.
constexpr std::uint32_t kUnleasedSlots = 4;
constexpr std::uint32_t kMaxSlots = 64;
constexpr std::uint32_t kRecords = 4096;  ///< of a coded ring; a power of two
constexpr std::uint32_t kFormats = 8;
constexpr std::uint32_t kSeats = 64;
constexpr std::uint32_t kIndex = 256;
constexpr std::uint32_t kMaxPlanes = 4;
constexpr std::uint64_t kMaxUnitBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kMaxArenaBytes = std::uint64_t{1} << 30;

enum class Kind : std::uint32_t { raw = 1, coded = 2 };

/// Header::state
constexpr std::uint32_t kLive = 1;
constexpr std::uint32_t kRetired =
    2;                                ///< another object has the name now, or soon: what is here may be read to the end
constexpr std::uint32_t kClosed = 3;  ///< its writer ended in order; another may take it over

/// What the writer's source does: base/source_status.hpp in words. Any writer stores it, in one piece as a sequence
/// lock; it counts only while `epoch` is Header::epoch, so that one of 0.1.0, which does not know these bytes and
/// counts the epoch up, reads as 0 (unknown).
struct SourceField {
  std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> epoch;                   ///< of the writer that stored it
  std::atomic<std::int64_t> since_us;                 ///< Unix time
  std::atomic<std::uint32_t> version;                 ///< counts changes, twice each: odd while it is being written
  std::atomic<std::uint32_t> rests;                   ///< how often the writer began to rest
  std::array<std::atomic<std::uint64_t>, 12> reason;  ///< at most 95 bytes of UTF-8, NUL-terminated
};
static_assert(sizeof(SourceField) == 120);

/// The first page of campipe.NAME. Only the writer's user can write to it. `magic` is stored last.
struct Header {
  std::atomic<std::uint64_t> magic;
  std::uint32_t version;
  std::uint32_t kind;
  std::uint64_t total_bytes;
  std::uint64_t lineage;     ///< random; the sequence numbers of two objects of one lineage follow each other
  std::uint32_t slots;       ///< raw: slots; coded: records
  std::uint32_t tickets;     ///< raw: leases that readers may hold together: slots - kUnleasedSlots
  std::uint64_t slot_bytes;  ///< raw: room of one slot; coded: room of the arena
  std::uint64_t records_offset;
  std::uint64_t data_offset;
  std::uint64_t first_seq;       ///< of this object
  std::int64_t created_us;       ///< Unix time
  std::array<char, 40> boot_id;  ///< NUL-terminated

  alignas(128) std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> epoch;       ///< counts writers
  std::atomic<std::uint32_t> writer_pid;  ///< for people only
  std::atomic<std::uint32_t> generation;  ///< of the newest format; 0 = none
  std::atomic<std::int64_t> writer_since_us;
  std::array<std::atomic<std::uint64_t>, 2> writer_comm;  ///< for people only

  alignas(64) std::atomic<std::uint64_t> head;  ///< sequence number of the newest unit; first_seq - 1 = none yet
  std::atomic<std::uint64_t> oldest_seq;        ///< coded: the oldest that is whole
  std::atomic<std::uint64_t> last_key_seq;      ///< coded: the newest video keyframe; 0 = none
  std::atomic<std::uint64_t> arena_end;         ///< coded: where the newest unit ends

  alignas(64) std::atomic<std::uint32_t> futex;  ///< low half of head; readers wait on it

  alignas(64) std::atomic<std::uint64_t> units;  ///< video units published by all writers
  std::atomic<std::uint64_t> bytes;
  std::atomic<std::uint64_t> dropped;  ///< units that found no room
  SourceField source;

  alignas(1024) std::array<std::atomic<std::uint32_t>, kIndex> slot_of;  ///< raw: of sequence number modulo kIndex
  std::array<std::byte, 2048> reserved;
};
static_assert(sizeof(Header) == kernel::kPage);
static_assert(offsetof(Header, version) == 8 && offsetof(Header, kind) == 12 && offsetof(Header, total_bytes) == 16);
static_assert(offsetof(Header, lineage) == 24 && offsetof(Header, slots) == 32 && offsetof(Header, tickets) == 36);
static_assert(offsetof(Header, slot_bytes) == 40 && offsetof(Header, records_offset) == 48);
static_assert(offsetof(Header, data_offset) == 56 && offsetof(Header, first_seq) == 64);
static_assert(offsetof(Header, created_us) == 72 && offsetof(Header, boot_id) == 80);
static_assert(offsetof(Header, state) == 128 && offsetof(Header, epoch) == 132 && offsetof(Header, writer_pid) == 136);
static_assert(offsetof(Header, generation) == 140 && offsetof(Header, writer_since_us) == 144);
static_assert(offsetof(Header, writer_comm) == 152 && offsetof(Header, head) == 192);
static_assert(offsetof(Header, oldest_seq) == 200 && offsetof(Header, last_key_seq) == 208);
static_assert(offsetof(Header, arena_end) == 216 && offsetof(Header, futex) == 256 && offsetof(Header, units) == 320);
static_assert(offsetof(Header, bytes) == 328 && offsetof(Header, dropped) == 336 && offsetof(Header, slot_of) == 1024);
static_assert(offsetof(Header, source) == 344 && offsetof(SourceField, since_us) == 8);
static_assert(offsetof(SourceField, version) == 16 && offsetof(SourceField, rests) == 20);
static_assert(offsetof(SourceField, reason) == 24);

/// RecordFields::flags
constexpr std::uint32_t kKeyframe = 1;
constexpr std::uint32_t kCorrupt = 2;
constexpr std::uint32_t kDiscontinuity = 4;
constexpr std::uint32_t kAudio = 8;
constexpr std::uint32_t kHasDts = 16;
constexpr std::uint32_t kHasCapture = 32;
constexpr std::uint32_t kHasSequence = 64;

struct Plane {
  std::uint32_t offset;        ///< bytes from the start of the payload
  std::uint32_t stride_bytes;  ///< from row to row
};

/// What a record says of its unit.
struct RecordFields {
  std::uint64_t bytes;
  std::int64_t pts_us;
  std::int64_t dts_us;
  std::int64_t captured_ns;
  std::uint64_t source_sequence;
  std::int64_t published_ns;  ///< CLOCK_MONOTONIC
  std::uint64_t position;     ///< coded: where it begins in the arena, counted over all laps
  std::uint32_t flags;
  std::uint32_t generation;  ///< of its format
  std::uint32_t planes;      ///< raw; 0 = not told
  std::uint32_t reserved;
  std::array<Plane, kMaxPlanes> plane;
  std::array<std::uint64_t, 2> reserved2;
};
static_assert(sizeof(RecordFields) == 120 && offsetof(RecordFields, position) == 48);
static_assert(offsetof(RecordFields, flags) == 56 && offsetof(RecordFields, generation) == 60);
static_assert(offsetof(RecordFields, planes) == 64 && offsetof(RecordFields, plane) == 72);

/// One of a raw ring's slots, or of a coded ring's records. The fields are read while they may be overwritten: as
/// words, each loaded whole; whether they belong together is what `seq` tells afterwards.
struct Record {
  std::atomic<std::uint64_t> seq;  ///< 0 = being written, or never was
  std::array<std::atomic<std::uint64_t>, 15> word;

  RecordFields load() const noexcept;
  void store(const RecordFields& fields) noexcept;
};
static_assert(sizeof(Record) == 128);

/// A format of the stream. Immutable once `generation` is stored; overwritten kFormats formats later.
struct FormatFields {
  std::uint32_t codec;
  std::uint32_t width, height;
  std::uint32_t rate_num, rate_den;
  std::uint32_t range, matrix;
  std::uint32_t audio_codec;
  std::uint32_t audio_rate_hz, audio_channels;
  std::array<char, 24> pixel_format;  ///< FFmpeg's name, NUL-terminated
  std::int64_t anchor_realtime_us, anchor_monotonic_ns;
  std::array<char, 40> boot_id;  ///< of the anchor; empty = no clock
  std::uint32_t parameter_set_bytes, audio_extradata_bytes;
  std::array<std::byte, 3960> data;  ///< the parameter sets, then the audio's extradata
};
static_assert(sizeof(FormatFields) == kernel::kPage - 8 && offsetof(FormatFields, pixel_format) == 40);
static_assert(offsetof(FormatFields, anchor_realtime_us) == 64 && offsetof(FormatFields, boot_id) == 80);
static_assert(offsetof(FormatFields, parameter_set_bytes) == 120 && offsetof(FormatFields, data) == 128);

struct FormatRecord {
  std::atomic<std::uint64_t> generation;  ///< 0 = being written
  std::array<std::atomic<std::uint64_t>, 511> word;

  FormatFields load() const noexcept;
  void store(const FormatFields& fields) noexcept;
};
static_assert(sizeof(FormatRecord) == kernel::kPage);

constexpr std::size_t kFormatsOffset = kernel::kPage;
constexpr std::size_t kRecordsOffset = kFormatsOffset + kFormats * kernel::kPage;

/// One registered reader. It holds the write lock on byte kSeatByte + index; without that lock the seat is free.
struct Seat {
  std::atomic<std::uint32_t> pid;   ///< for people only, as all but `want` here
  std::atomic<std::uint32_t> mode;  ///< kSeatNewest | kSeatLeases
  std::atomic<std::uint32_t> want;  ///< 1 = it wants frames
  std::atomic<std::uint32_t> reserved;
  std::atomic<std::uint64_t> last_seq;
  std::atomic<std::uint64_t> lost;
  std::atomic<std::int64_t> since_us;
  std::array<std::atomic<std::uint64_t>, 2> comm;
  std::atomic<std::uint64_t> reserved2;
};
static_assert(sizeof(Seat) == 64 && offsetof(Seat, want) == 8 && offsetof(Seat, last_seq) == 16);
static_assert(offsetof(Seat, lost) == 24 && offsetof(Seat, since_us) == 32 && offsetof(Seat, comm) == 40);

constexpr std::uint32_t kSeatNewest = 1;
constexpr std::uint32_t kSeatLeases = 2;

/// campipe.NAME.ctl. Whoever may write here may be anybody: nothing in it decides over a picture or an address.
struct Control {
  std::atomic<std::uint64_t> magic;
  std::atomic<std::uint32_t> version;
  std::atomic<std::uint32_t> seat_count;
  alignas(64) std::atomic<std::uint32_t> wishes;  ///< counts changes of what readers want; the writer waits on it
  std::atomic<std::uint32_t> keyframe_wishes;     ///< counts readers' wishes for a keyframe
  alignas(4096) std::array<Seat, kSeats> seat;
};
static_assert(sizeof(Control) == 2 * kernel::kPage && offsetof(Control, version) == 8 &&
              offsetof(Control, seat_count) == 12);
static_assert(offsetof(Control, wishes) == 64 && offsetof(Control, keyframe_wishes) == 68);
static_assert(offsetof(Control, seat) == kernel::kPage);

// Open file description locks (fcntl(2)). On bytes of the control object ...
constexpr std::int64_t kWriterByte = 0;     ///< write lock: the writer
constexpr std::int64_t kSeatByte = 1;       ///< write lock on kSeatByte + i: the reader in seat i
constexpr std::int64_t kTicketByte = 128;   ///< write lock on kTicketByte + i: the right to lease one slot at a time
constexpr std::int64_t kWatcherByte = 255;  ///< read lock: a reader that may not write here, and so has no seat
constexpr std::int64_t kLockBytes = 256;
// ... and on byte i of the ring itself a read lock: somebody has leased slot i.

}  // namespace campipe::ring::layout
