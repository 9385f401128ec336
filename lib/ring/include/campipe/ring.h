/* campipe/ring.h: read and write campipe's rings, the named links in shared memory between its tools (shm:NAME).
 *
 * For C11 and C++. Link with -lcampipe-ring: `pkg-config --cflags --libs campipe-ring`, or in CMake
 * find_package(campipe-ring) and the target campipe::ring. campipe-ring(5) describes what lies in the shared memory,
 * campipe(7) how times and formats are meant.
 *
 * A ring has one writer and any number of readers. No reader ever holds the writer up, and all of them may come and go
 * in any order. Pictures lie in the ring itself: a reader leases the one it looks at, and a writer draws in place.
 *
 * Structs. Each one that goes through this interface begins with its own size. Set it (and all that you do not mean to
 * zero) before each call:
 *
 *     struct campipe_ring_reader_options options = {.size = sizeof options, .name = "front.raw"};
 *
 * They may grow at their end in later versions; programs compiled against an older one go on working.
 *
 * Errors. Functions that can fail answer a negative number, one of enum campipe_ring_error, and leave a line for people
 * in campipe_ring_last_error(). Nothing here throws, prints or ends the process.
 *
 * Threads. A reader, and a writer, is used by one thread at a time, except where a function says "any thread". Frames
 * are independent: any thread may look at one and release it, also after its reader was closed.
 *
 * Processes. What fork(2) hands to a child is not the child's: readers, writers and frames of the parent must not be
 * used there, and their memory is not mapped. They cost the parent nothing. Open new ones in the child.
 *
 * Signals. While a ring is open there is a handler for SIGBUS, which turns a ring that somebody truncated into zeros
 * and an end of it; every other SIGBUS goes where it went before.
 *
 * Times. pts_us is Unix time in microseconds on the stream's own clock, which never steps; captured_ns is
 * CLOCK_MONOTONIC in nanoseconds.
 */
#ifndef CAMPIPE_RING_H
#define CAMPIPE_RING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CAMPIPE_RING_API __attribute__((visibility("default")))
#else
#define CAMPIPE_RING_API
#endif

/* The version of this interface: grows when something is added. */
#define CAMPIPE_RING_API_VERSION 2

/* The version of the library that is loaded, such as "0.1.0". Static. */
CAMPIPE_RING_API const char* campipe_ring_version(void);

/* ---- errors */

enum campipe_ring_error {
  CAMPIPE_RING_ERROR_ARGUMENT = -64,   /* a name, number or pointer that cannot be */
  CAMPIPE_RING_ERROR_BAD_DATA = -65,   /* there is something of that name, but no ring of this version */
  CAMPIPE_RING_ERROR_NOT_FOUND = -66,  /* no such ring, or nothing to answer yet */
  CAMPIPE_RING_ERROR_INTERNAL = -70,   /* a bug of the library */
  CAMPIPE_RING_ERROR_SYSTEM = -71,     /* the system refused memory or descriptors */
  CAMPIPE_RING_ERROR_NO_SPACE = -73,   /* /dev/shm is full, or the ring cannot be made: the text tells what is needed */
  CAMPIPE_RING_ERROR_BUSY = -75,       /* another writer has the ring */
  CAMPIPE_RING_ERROR_PERMISSION = -77, /* the ring is another user's, or may not be read */
  CAMPIPE_RING_ERROR_FORKED = -79      /* of a parent process, see above */
};

/* What went wrong in the last call that failed in this thread: one line without a line feed, "" when none did. Valid
 * until the next call that fails in this thread. */
CAMPIPE_RING_API const char* campipe_ring_last_error(void);

/* ---- formats */

enum campipe_ring_codec {
  CAMPIPE_RING_CODEC_RAW = 1,   /* pictures, see pixel_format */
  CAMPIPE_RING_CODEC_MJPEG = 2, /* whole JPEG images */
  CAMPIPE_RING_CODEC_H264 = 3,  /* access units as Annex B, 4-byte start codes */
  CAMPIPE_RING_CODEC_H265 = 4   /* the same */
};

enum campipe_ring_audio_codec {
  CAMPIPE_RING_AUDIO_NONE = 0,
  CAMPIPE_RING_AUDIO_AAC = 1, /* raw access units; audio_extradata is the AudioSpecificConfig */
  CAMPIPE_RING_AUDIO_PCM_ALAW = 2,
  CAMPIPE_RING_AUDIO_PCM_MULAW = 3,
  CAMPIPE_RING_AUDIO_OPUS = 4, /* audio_extradata is the OpusHead */
  CAMPIPE_RING_AUDIO_MP3 = 5,
  CAMPIPE_RING_AUDIO_PCM_S16LE = 6
};

enum campipe_ring_range {
  CAMPIPE_RING_RANGE_UNKNOWN = 0,
  CAMPIPE_RING_RANGE_LIMITED = 1, /* luma 16 to 235 */
  CAMPIPE_RING_RANGE_FULL = 2     /* 0 to 255, JPEG's */
};

enum campipe_ring_matrix {
  CAMPIPE_RING_MATRIX_UNKNOWN = 0,
  CAMPIPE_RING_MATRIX_BT601 = 1,
  CAMPIPE_RING_MATRIX_BT709 = 2,
  CAMPIPE_RING_MATRIX_BT2020 = 3
};

#define CAMPIPE_RING_MAX_PLANES 4

/* What a stream carries. */
struct campipe_ring_format {
  uint32_t size;                /* sizeof of this struct, set by the caller */
  uint32_t codec;               /* enum campipe_ring_codec */
  uint32_t width_px, height_px; /* of a picture, 1 to 16384; of coded video 0 = not known yet */
  uint32_t rate_num, rate_den;  /* frames a second as a fraction, 30000/1001; 0/0 or 0/1 = unknown or variable */
  uint32_t range;               /* enum campipe_ring_range */
  uint32_t matrix;              /* enum campipe_ring_matrix */
  char pixel_format[24];        /* raw: FFmpeg's name, "yuv420p", "nv12", "yuyv422", "bgr24", "gray"; else "" */
  const void* parameter_sets;   /* H.264, H.265: Annex B; borrowed, see the function that fills it; may be NULL */
  uint32_t parameter_set_bytes; /* 0 = they stand before each keyframe only */
  uint32_t audio_codec;         /* enum campipe_ring_audio_codec; beside coded video only */
  uint32_t audio_rate_hz;       /* samples a second */
  uint32_t audio_channels;
  const void* audio_extradata; /* borrowed as parameter_sets */
  uint32_t audio_extradata_bytes;
  uint32_t has_clock;        /* 1 = the two below are known */
  int64_t clock_realtime_us; /* the stream's clock: at clock_monotonic_ns of CLOCK_MONOTONIC it was this */
  int64_t clock_monotonic_ns;
};

/* Where one plane of a raw picture lies. */
struct campipe_ring_plane {
  uint32_t offset;       /* bytes from the beginning of the payload */
  uint32_t stride_bytes; /* from row to row, at least row_bytes */
  uint32_t
      row_bytes; /* of a row without its padding; 0 = not known, of a pixel format that the library does not know */
  uint32_t rows; /* 0 = not known */
};

/* How a picture of that format lies in memory without padding, one plane after the other.
 * @param plane  Takes CAMPIPE_RING_MAX_PLANES entries. May be NULL.
 * @param bytes  Takes the bytes of the whole picture. May be NULL.
 * Answers the number of planes, CAMPIPE_RING_ERROR_ARGUMENT for a pixel format that the library does not know. */
CAMPIPE_RING_API int campipe_ring_picture_layout(const char* pixel_format, uint32_t width_px, uint32_t height_px,
                                                 struct campipe_ring_plane* plane, uint64_t* bytes);

/* ---- frames */

/* Bits of campipe_ring_frame_info::flags and campipe_ring_unit::flags. */
enum campipe_ring_flag {
  CAMPIPE_RING_KEYFRAME = 1,      /* decodable alone; raw pictures and JPEG always */
  CAMPIPE_RING_CORRUPT = 2,       /* its source said so, or part of it is missing */
  CAMPIPE_RING_DISCONTINUITY = 4, /* something before it is missing, or the clock jumped */
  CAMPIPE_RING_AUDIO = 8,         /* an audio packet, not video */
  CAMPIPE_RING_HAS_DTS = 16,      /* dts_us is known */
  CAMPIPE_RING_HAS_CAPTURE = 32,  /* captured_ns is known */
  CAMPIPE_RING_HAS_SEQUENCE = 64  /* source_sequence is known */
};

/* One picture, access unit or audio packet in a reader's hands. */
typedef struct campipe_ring_frame campipe_ring_frame;

struct campipe_ring_frame_info {
  uint32_t size;        /* sizeof of this struct, set by the caller */
  uint32_t flags;       /* enum campipe_ring_flag */
  const void* data;     /* the payload, read-only; stays as it is until the frame is released */
  uint64_t bytes;       /* of the payload */
  int64_t pts_us;       /* when to show it */
  int64_t dts_us;       /* when to decode it, with CAMPIPE_RING_HAS_DTS; else equal to pts_us */
  int64_t captured_ns;  /* with CAMPIPE_RING_HAS_CAPTURE; else 0 */
  int64_t published_ns; /* when the writer put it into the ring, CLOCK_MONOTONIC */
  uint64_t
      source_sequence; /* the driver's count, with CAMPIPE_RING_HAS_SEQUENCE: a gap is a frame lost before the ring */
  uint64_t seq;        /* the ring's own count, goes on when a writer is replaced */
  uint64_t lost;       /* frames between the one before and this that this reader did not get */
  uint32_t leased;     /* 1 = data lies in the ring itself; 0 = it is a copy of the library's */
  uint32_t planes;     /* raw: entries of plane; 0 = of a pixel format that neither writer nor library tell */
  struct campipe_ring_plane plane[CAMPIPE_RING_MAX_PLANES];
};

/* Fills `info`; its pointers are valid until the frame is released. Any thread. Answers 0 or an error. */
CAMPIPE_RING_API int campipe_ring_frame_get_info(const campipe_ring_frame* frame, struct campipe_ring_frame_info* info);

/* Fills `format` with that of this frame; its pointers are valid until the frame is released. Any thread. Answers 0 or
 * an error. */
CAMPIPE_RING_API int campipe_ring_frame_get_format(const campipe_ring_frame* frame, struct campipe_ring_format* format);

/* Gives the frame back: its slot may be used again. Any thread; also after the reader was closed; NULL is allowed. */
CAMPIPE_RING_API void campipe_ring_frame_release(campipe_ring_frame* frame);

/* ---- readers */

typedef struct campipe_ring_reader campipe_ring_reader;

enum campipe_ring_delivery {
  CAMPIPE_RING_NEWEST = 0, /* the newest there is; of H.264 and H.265: in order, from the newest keyframe when behind */
  CAMPIPE_RING_IN_ORDER = 1 /* every one, as long as the ring still has it; info.lost tells how many it had not */
};

/* Bits of campipe_ring_reader_options::flags. */
enum campipe_ring_reader_flag {
  CAMPIPE_RING_READER_COPY = 1,    /* never lease: each frame is a copy of the library's */
  CAMPIPE_RING_READER_NO_WANT = 2, /* campipe_ring_reader_set_want(reader, 0) from the start */
  CAMPIPE_RING_READER_STALE = 4    /* begin with what is there, though its writer is gone or rests (2 s without any) */
};

struct campipe_ring_reader_options {
  uint32_t size;     /* sizeof of this struct */
  uint32_t delivery; /* enum campipe_ring_delivery */
  const char* name;  /* "front.raw" or "shm:front.raw" */
  uint32_t
      leases;     /* raw: frames that may be held at a time without a copy, 0 = 1; what is held beyond them is copied */
  uint32_t flags; /* enum campipe_ring_reader_flag */
};

/* What campipe_ring_reader_next() answers when nothing failed. */
enum campipe_ring_event {
  CAMPIPE_RING_TIMEOUT = 0,    /* nothing came */
  CAMPIPE_RING_FRAME = 1,      /* *frame is there, to be released by the caller */
  CAMPIPE_RING_FORMAT = 2,     /* the format is new: before the first frame, maybe long before, and at each change */
  CAMPIPE_RING_INTERRUPTED = 3 /* campipe_ring_reader_interrupt() was called */
};

/* Opens a ring for reading. It need not be there yet: then frames come when somebody makes it. Answers 0 and *reader,
 * or ARGUMENT, BAD_DATA, PERMISSION, SYSTEM and *reader = NULL. */
CAMPIPE_RING_API int campipe_ring_reader_open(const struct campipe_ring_reader_options* options,
                                              campipe_ring_reader** reader);

/* Closes it. Frames stay valid until they are released. NULL is allowed. */
CAMPIPE_RING_API void campipe_ring_reader_close(campipe_ring_reader* reader);

/* Waits for what comes next. The writer may die and come back and the ring may be replaced meanwhile: the reader
 * follows by itself.
 * @param timeout_ms  At most so long; 0 = do not wait, -1 = without a limit.
 * @param frame       Set with CAMPIPE_RING_FRAME, else to NULL.
 * Answers an event, or BAD_DATA, PERMISSION, SYSTEM when a ring came that cannot be read; it may be called again. */
CAMPIPE_RING_API int campipe_ring_reader_next(campipe_ring_reader* reader, int32_t timeout_ms,
                                              campipe_ring_frame** frame);

/* Fills `format` with the last that CAMPIPE_RING_FORMAT told of; its pointers are valid until
 * campipe_ring_reader_next(). Answers 0, NOT_FOUND before the first one. */
CAMPIPE_RING_API int campipe_ring_reader_get_format(const campipe_ring_reader* reader,
                                                    struct campipe_ring_format* format);

/* Ends the campipe_ring_reader_next() under way in another thread, or the next one. Any thread, while the reader is
 * open. */
CAMPIPE_RING_API void campipe_ring_reader_interrupt(campipe_ring_reader* reader);

/* Whether this reader wants frames (1, the default) or only looks on (0): with --on-demand, cameras and encoders rest
 * while nobody wants any. */
CAMPIPE_RING_API void campipe_ring_reader_set_want(campipe_ring_reader* reader, int want);

/* Asks the writer for a keyframe, as after lost ones. It comes within about half a second, if the encoder can. */
CAMPIPE_RING_API void campipe_ring_reader_request_keyframe(campipe_ring_reader* reader);

enum campipe_ring_link {
  CAMPIPE_RING_LINK_NO_RING = 0,   /* nobody has made a ring of that name yet */
  CAMPIPE_RING_LINK_NO_WRITER = 1, /* the ring is there, its writer is not */
  CAMPIPE_RING_LINK_LIVE = 2
};

/* What the writer says of its source. */
enum campipe_ring_source {
  CAMPIPE_RING_SOURCE_UNKNOWN = 0, /* it does not tell */
  CAMPIPE_RING_SOURCE_RUNNING = 1, /* frames come, or should */
  CAMPIPE_RING_SOURCE_RESTING = 2, /* stopped on demand: nobody wants frames */
  CAMPIPE_RING_SOURCE_LOST = 3     /* the camera or server is away: frames cannot come */
};

struct campipe_ring_reader_stats {
  uint32_t size;     /* sizeof of this struct, set by the caller */
  uint32_t link;     /* enum campipe_ring_link, as of the last campipe_ring_reader_next() */
  uint64_t frames;   /* delivered */
  uint64_t lost;     /* that the ring had no more, or that newest passed over */
  uint64_t copied;   /* of a raw ring, because all leases were in use */
  uint64_t damaged;  /* not delivered */
  uint64_t reopened; /* times that the ring was replaced */
  /* Since version 2. */
  uint32_t source_state;   /* enum campipe_ring_source, as of the last campipe_ring_reader_next() */
  uint32_t rests;          /* times that the writer began to rest; frames that a rest did not make are not lost */
  int64_t source_since_us; /* Unix time from which on it holds; 0 = unknown */
  char source_reason[96];  /* UTF-8, NUL-terminated; lost: "Connection refused"; else "on demand" or "" */
};
CAMPIPE_RING_API int campipe_ring_reader_get_stats(campipe_ring_reader* reader,
                                                   struct campipe_ring_reader_stats* stats);

/* ---- writers */

typedef struct campipe_ring_writer campipe_ring_writer;

struct campipe_ring_writer_options {
  uint32_t size;        /* sizeof of this struct */
  uint32_t slots;       /* raw: pictures in the ring, 5 to 64, 0 = 8; all readers together may lease slots - 4 */
  const char* name;     /* "front.raw" or "shm:front.raw" */
  uint64_t arena_bytes; /* coded: room for payloads, 0 = 16 MiB, and more when a group of pictures needs it */
  uint32_t mode;      /* file mode: who may read, and with w ask and lease; 0 = 0660. Only the owner writes pictures */
  uint32_t has_group; /* 1 = the ring belongs to `group`; 0 = to the process's */
  uint32_t group;     /* gid_t */
  uint32_t reserved;  /* 0 */
};

/* Takes the name as its one writer; a ring that a writer before left is taken over, and its readers go on. Answers 0
 * and *writer, or ARGUMENT, BUSY, PERMISSION, NO_SPACE, SYSTEM and *writer = NULL. */
CAMPIPE_RING_API int campipe_ring_writer_open(const struct campipe_ring_writer_options* options,
                                              campipe_ring_writer** writer);

/* Ends writing. The ring goes when nobody reads it, else it stays for the next writer. Room that was begun and not
 * published must not be touched any more. NULL is allowed. */
CAMPIPE_RING_API void campipe_ring_writer_close(campipe_ring_writer* writer);

/* Tells what will be published: before the first frame and at each change. Without has_clock the clock of the writer
 * before is kept, else a new one is started. Everything is copied. Answers 0, ARGUMENT, or NO_SPACE when /dev/shm has
 * not enough room. */
CAMPIPE_RING_API int campipe_ring_writer_set_format(campipe_ring_writer* writer,
                                                    const struct campipe_ring_format* format);

/* Raw: room for a picture of `bytes` bytes in the ring itself, so that publishing it copies nothing. The contents are
 * undefined. Two may be open at a time. Answers 1 and *data; 0 and NULL when no slot can be spared: draw elsewhere
 * and publish that; or an error. */
CAMPIPE_RING_API int campipe_ring_writer_begin(campipe_ring_writer* writer, uint64_t bytes, void** data);

/* Gives room from campipe_ring_writer_begin() back that shall not be published. */
CAMPIPE_RING_API void campipe_ring_writer_cancel(campipe_ring_writer* writer, void* data);

/* What is to be known of a frame. */
struct campipe_ring_unit {
  uint32_t size;            /* sizeof of this struct */
  uint32_t flags;           /* enum campipe_ring_flag */
  int64_t pts_us;           /* must increase, but for B-frames; see campipe_ring_writer_stamp() */
  int64_t dts_us;           /* with CAMPIPE_RING_HAS_DTS */
  int64_t captured_ns;      /* with CAMPIPE_RING_HAS_CAPTURE */
  uint64_t source_sequence; /* with CAMPIPE_RING_HAS_SEQUENCE */
  uint32_t planes;          /* raw: entries of plane; 0 = tight planes, as campipe_ring_picture_layout() tells */
  uint32_t reserved;        /* 0 */
  struct campipe_ring_plane plane[CAMPIPE_RING_MAX_PLANES]; /* offset and stride_bytes count; the others are not read */
};

/* Sets pts_us and captured_ns (and their flag) of a picture captured at `captured_ns`, CLOCK_MONOTONIC; 0 = now. After
 * campipe_ring_writer_set_format(). Answers 0 or ARGUMENT. */
CAMPIPE_RING_API int campipe_ring_writer_stamp(campipe_ring_writer* writer, int64_t captured_ns,
                                               struct campipe_ring_unit* unit);

/* Gives a frame to all readers. `data` from campipe_ring_writer_begin() is published in place: it belongs to the ring
 * from then on and must not be written to again. Anything else is copied. Never waits. Answers 1, 0 when it was dropped
 * because no slot was free (counted in the ring), or an error. */
CAMPIPE_RING_API int campipe_ring_writer_publish(campipe_ring_writer* writer, const struct campipe_ring_unit* unit,
                                                 const void* data, uint64_t bytes);

/* Tells readers what the source does: enum campipe_ring_source, and for a lost one why in at most 95 bytes of UTF-8 (or
 * NULL). Again each second while no frames come it also keeps the ring's names in /dev/shm. Answers 0, ARGUMENT, or
 * BUSY when the names were removed and another writer has them now. Since version 2. */
CAMPIPE_RING_API int campipe_ring_writer_set_source(campipe_ring_writer* writer, uint32_t state, const char* reason);

/* 1 = somebody wants frames, 0 = nobody does: there is no need to make any. */
CAMPIPE_RING_API int campipe_ring_writer_wanted(campipe_ring_writer* writer);

/* 1 = a reader has asked for a keyframe since the last call. */
CAMPIPE_RING_API int campipe_ring_writer_keyframe_wanted(campipe_ring_writer* writer);

/* Waits until campipe_ring_writer_wanted() may have changed, the time is over (at most 500 ms), or
 * campipe_ring_writer_interrupt() was called. */
CAMPIPE_RING_API void campipe_ring_writer_wait_for_wish(campipe_ring_writer* writer, int32_t timeout_ms);

/* Any thread. */
CAMPIPE_RING_API void campipe_ring_writer_interrupt(campipe_ring_writer* writer);

struct campipe_ring_writer_stats {
  uint32_t size; /* sizeof of this struct, set by the caller */
  uint32_t reserved;
  uint64_t frames;   /* video frames published by this writer */
  uint64_t bytes;    /* of all that was published */
  uint64_t dropped;  /* no slot was free, or nothing could hold them */
  uint64_t in_place; /* of the frames, those that were not copied: drawn in campipe_ring_writer_begin()'s room */
};
CAMPIPE_RING_API int campipe_ring_writer_get_stats(const campipe_ring_writer* writer,
                                                   struct campipe_ring_writer_stats* stats);

#ifdef __cplusplus
}
#endif

#endif
