"""Pictures of campipe's rings (shm:NAME) as numpy arrays, without a copy.

    from campipe_ring import Reader, Writer

    with Reader("front.raw") as reader:                # the newest picture each time
        for frame in reader:
            planes = frame.planes                      # read-only views of the shared memory itself
            picture = frame.bgr()                      # as OpenCV wants it

    with Writer("marked.raw", 1280, 720, "bgr24", 30) as writer:
        with writer.frame() as picture:                # drawn where its readers will see it
            picture[:] = 0

A frame's slot in the ring is leased while the frame, or any array made of it, lives; the writer then uses other slots and
never waits. Hold few at a time: what is held beyond Reader's `leases` is a copy.

Needs libcampipe-ring.so.0 and numpy; OpenCV (cv2) is used where it is there. The library is looked for at
$CAMPIPE_RING_LIBRARY, beside the prefix that this file is installed under, and where the system looks.

A reader, and a writer, belongs to one thread at a time, except Reader.interrupt(). Frames and arrays may go to any
thread. None of them goes to another process: what os.fork() (multiprocessing) hands to a child must not be touched there
and costs the parent nothing; open the ring anew in the child, and send copies through queues.

See campipe-ring(5), camring(1) and campipe/ring.h.
"""

import contextlib
import ctypes
import errno
import os
import pathlib
import time

import numpy

try:
    import cv2
except ImportError:
    cv2 = None

__all__ = ["Error", "Format", "Frame", "Reader", "Writer"]

_CODECS = {"raw": 1, "mjpeg": 2, "h264": 3, "h265": 4}
_AUDIO = ("none", "aac", "pcm_alaw", "pcm_mulaw", "opus", "mp3", "pcm_s16le")
_RANGES = ("unknown", "limited", "full")
_MATRICES = ("unknown", "bt601", "bt709", "bt2020")
_KEYFRAME, _CORRUPT, _DISCONTINUITY, _IS_AUDIO, _HAS_DTS, _HAS_CAPTURE, _HAS_SEQUENCE = (1 << bit for bit in range(7))
_SOURCES = ("unknown", "running", "resting", "lost")
_TIMEOUT, _FRAME, _FORMAT, _INTERRUPTED = range(4)
_MAX_PLANES = 4
_SLICE_MS = 200  # signals (Ctrl-C) are seen between waits of this length

# One plane's samples of a row, as (numpy type, samples a pixel); of chroma planes the second counts a pair's.
_SAMPLES = {
    "yuv420p": ((numpy.uint8, 1),) * 3,
    "yuv422p": ((numpy.uint8, 1),) * 3,
    "yuv444p": ((numpy.uint8, 1),) * 3,
    "nv12": ((numpy.uint8, 1), (numpy.uint8, 2)),
    "nv21": ((numpy.uint8, 1), (numpy.uint8, 2)),
    "nv16": ((numpy.uint8, 1), (numpy.uint8, 2)),
    "yuyv422": ((numpy.uint8, 2),),
    "uyvy422": ((numpy.uint8, 2),),
    "yvyu422": ((numpy.uint8, 2),),
    "gray": ((numpy.uint8, 1),),
    "gray16le": ((numpy.dtype("<u2"), 1),),
    "rgb24": ((numpy.uint8, 3),),
    "bgr24": ((numpy.uint8, 3),),
    "rgba": ((numpy.uint8, 4),),
    "bgra": ((numpy.uint8, 4),),
    "rgb0": ((numpy.uint8, 4),),
    "bgr0": ((numpy.uint8, 4),),
    "rgb565le": ((numpy.dtype("<u2"), 1),),
}


class Error(OSError):
    """What the library refused. `code` is one of campipe_ring_error; errno is the nearest there is."""

    def __init__(self, code, text):
        numbers = {-64: errno.EINVAL, -65: errno.EBADMSG, -66: errno.ENOENT, -73: errno.ENOSPC, -75: errno.EBUSY,
                   -77: errno.EACCES}
        super().__init__(numbers.get(code, errno.EIO), text)
        self.code = code


# ---- the C library, as campipe/ring.h has it

class _Plane(ctypes.Structure):
    _fields_ = [("offset", ctypes.c_uint32), ("stride_bytes", ctypes.c_uint32), ("row_bytes", ctypes.c_uint32),
                ("rows", ctypes.c_uint32)]


class _Sized(ctypes.Structure):
    def __init__(self, **fields):
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


class _Format(_Sized):
    _fields_ = [("size", ctypes.c_uint32), ("codec", ctypes.c_uint32), ("width_px", ctypes.c_uint32),
                ("height_px", ctypes.c_uint32), ("rate_num", ctypes.c_uint32), ("rate_den", ctypes.c_uint32),
                ("range", ctypes.c_uint32), ("matrix", ctypes.c_uint32), ("pixel_format", ctypes.c_char * 24),
                ("parameter_sets", ctypes.c_void_p), ("parameter_set_bytes", ctypes.c_uint32),
                ("audio_codec", ctypes.c_uint32), ("audio_rate_hz", ctypes.c_uint32),
                ("audio_channels", ctypes.c_uint32), ("audio_extradata", ctypes.c_void_p),
                ("audio_extradata_bytes", ctypes.c_uint32), ("has_clock", ctypes.c_uint32),
                ("clock_realtime_us", ctypes.c_int64), ("clock_monotonic_ns", ctypes.c_int64)]


class _FrameInfo(_Sized):
    _fields_ = [("size", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("data", ctypes.c_void_p),
                ("bytes", ctypes.c_uint64), ("pts_us", ctypes.c_int64), ("dts_us", ctypes.c_int64),
                ("captured_ns", ctypes.c_int64), ("published_ns", ctypes.c_int64),
                ("source_sequence", ctypes.c_uint64), ("seq", ctypes.c_uint64), ("lost", ctypes.c_uint64),
                ("leased", ctypes.c_uint32), ("planes", ctypes.c_uint32), ("plane", _Plane * _MAX_PLANES)]


class _ReaderOptions(_Sized):
    _fields_ = [("size", ctypes.c_uint32), ("delivery", ctypes.c_uint32), ("name", ctypes.c_char_p),
                ("leases", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


class _ReaderStats(_Sized):
    _fields_ = [("size", ctypes.c_uint32), ("link", ctypes.c_uint32), ("frames", ctypes.c_uint64),
                ("lost", ctypes.c_uint64), ("copied", ctypes.c_uint64), ("damaged", ctypes.c_uint64),
                ("reopened", ctypes.c_uint64), ("source_state", ctypes.c_uint32), ("rests", ctypes.c_uint32),
                ("source_since_us", ctypes.c_int64), ("source_reason", ctypes.c_char * 96)]


class _WriterOptions(_Sized):
    _fields_ = [("size", ctypes.c_uint32), ("slots", ctypes.c_uint32), ("name", ctypes.c_char_p),
                ("arena_bytes", ctypes.c_uint64), ("mode", ctypes.c_uint32), ("has_group", ctypes.c_uint32),
                ("group", ctypes.c_uint32), ("reserved", ctypes.c_uint32)]


class _Unit(_Sized):
    _fields_ = [("size", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("pts_us", ctypes.c_int64),
                ("dts_us", ctypes.c_int64), ("captured_ns", ctypes.c_int64), ("source_sequence", ctypes.c_uint64),
                ("planes", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("plane", _Plane * _MAX_PLANES)]


class _WriterStats(_Sized):
    _fields_ = [("size", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("frames", ctypes.c_uint64),
                ("bytes", ctypes.c_uint64), ("dropped", ctypes.c_uint64), ("in_place", ctypes.c_uint64)]


def _candidates():
    chosen = os.environ.get("CAMPIPE_RING_LIBRARY")
    if chosen:
        yield chosen
        return
    prefix = pathlib.Path(__file__).resolve().parents[3]  # of PREFIX/lib/python3*/dist-packages/campipe_ring.py
    for folder in (prefix / "lib", *sorted(prefix.glob("lib/*-linux-gnu*")), prefix / "lib64"):
        if (folder / "libcampipe-ring.so.0").exists():
            yield str(folder / "libcampipe-ring.so.0")
    yield "libcampipe-ring.so.0"


def _load():
    pointer, u64, i64 = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int64
    signatures = {
        "version": (ctypes.c_char_p,),
        "last_error": (ctypes.c_char_p,),
        "picture_layout": (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_uint32, pointer, pointer),
        "frame_get_info": (ctypes.c_int, pointer, pointer),
        "frame_get_format": (ctypes.c_int, pointer, pointer),
        "frame_release": (None, pointer),
        "reader_open": (ctypes.c_int, pointer, pointer),
        "reader_close": (None, pointer),
        "reader_next": (ctypes.c_int, pointer, ctypes.c_int32, pointer),
        "reader_interrupt": (None, pointer),
        "reader_set_want": (None, pointer, ctypes.c_int),
        "reader_request_keyframe": (None, pointer),
        "reader_get_stats": (ctypes.c_int, pointer, pointer),
        "writer_open": (ctypes.c_int, pointer, pointer),
        "writer_close": (None, pointer),
        "writer_set_format": (ctypes.c_int, pointer, pointer),
        "writer_begin": (ctypes.c_int, pointer, u64, pointer),
        "writer_cancel": (None, pointer, pointer),
        "writer_stamp": (ctypes.c_int, pointer, i64, pointer),
        "writer_publish": (ctypes.c_int, pointer, pointer, pointer, u64),
        "writer_set_source": (ctypes.c_int, pointer, ctypes.c_uint32, ctypes.c_char_p),
        "writer_wanted": (ctypes.c_int, pointer),
        "writer_keyframe_wanted": (ctypes.c_int, pointer),
        "writer_get_stats": (ctypes.c_int, pointer, pointer),
    }
    why = None
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
            break
        except OSError as error:
            why = error
    else:
        raise ImportError(f"libcampipe-ring.so.0 is not to be found: install campipe or set CAMPIPE_RING_LIBRARY ({why})")
    for name, (result, *arguments) in signatures.items():
        function = getattr(library, "campipe_ring_" + name)
        function.restype, function.argtypes = result, arguments
    return library


_lib = _load()


def _checked(code):
    """The answer of a call, or its error raised."""
    if code < 0:
        raise Error(code, _lib.campipe_ring_last_error().decode("utf-8", "replace"))
    return code


def _bytes_at(address, count):
    return ctypes.string_at(address, count) if address and count else b""


# ---- memory

class _Memory:
    """`count` bytes at an address, as the base object of arrays: what it is made of lives as long as they do."""

    def __init__(self, address, count, writable, owner=None):
        self.owner = owner
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (count,), "data": (address, not writable)}


class _Lease:
    """One frame of the C library, given back when nothing refers to it any more."""

    def __init__(self, handle):
        self.handle = handle
        self.process = os.getpid()

    def __del__(self):
        if self.handle and self.process == os.getpid():
            _lib.campipe_ring_frame_release(self.handle)


def _plane_views(memory, format, planes):
    """The planes of a picture over `memory`, a flat array of bytes."""
    samples = _SAMPLES.get(format.pixel_format)
    if samples is None or len(samples) != len(planes):
        raise ValueError(f"no planes are known of {format}: use frame.data")
    views = []
    for plane, (kind, each) in zip(planes, samples):
        size = numpy.dtype(kind).itemsize
        shape, strides = (plane.rows, plane.row_bytes // (size * each)), (plane.stride_bytes, size * each)
        if each > 1:
            shape, strides = (*shape, each), (*strides, size)
        views.append(numpy.ndarray(shape, kind, memory, plane.offset, strides))  # read-only where memory is
    return tuple(views)


# ---- colours

def _to_bgr_with_cv2(frame, out):
    name = frame.format.pixel_format
    codes = {"rgb24": "RGB2BGR", "rgba": "RGBA2BGR", "rgb0": "RGBA2BGR", "bgra": "BGRA2BGR", "bgr0": "BGRA2BGR",
             "gray": "GRAY2BGR", "yuyv422": "YUV2BGR_YUY2", "uyvy422": "YUV2BGR_UYVY", "yvyu422": "YUV2BGR_YVYU",
             "yuv420p": "YUV2BGR_I420", "nv12": "YUV2BGR_NV12", "nv21": "YUV2BGR_NV21"}
    if name not in codes:
        return None
    yuv = "YUV" in codes[name]
    if yuv and (frame.format.range == "full" or frame.format.matrix not in ("unknown", "bt601")):
        return None  # OpenCV knows limited BT.601 only
    if yuv and (frame.format.width % 2 or (len(frame.planes) > 1 and frame.format.height % 2)):
        return None
    if name in ("nv12", "nv21"):
        return cv2.cvtColorTwoPlane(*frame.planes, getattr(cv2, "COLOR_" + codes[name]), out)
    if name == "yuv420p":
        picture = frame.array()
        if picture is None:
            return None
    else:
        picture = frame.planes[0]
    return cv2.cvtColor(picture, getattr(cv2, "COLOR_" + codes[name]), out)


def _luma_chroma(frame):
    """Y, Cb, Cr at full size, of any of the YUV formats."""
    name, planes = frame.format.pixel_format, frame.planes
    height, width = frame.format.height, frame.format.width

    def stretched(chroma):
        down = -(-height // chroma.shape[0])
        across = -(-width // chroma.shape[1])
        return chroma.repeat(down, axis=0).repeat(across, axis=1)[:height, :width]

    if name in ("yuv420p", "yuv422p", "yuv444p"):
        return planes[0], stretched(planes[1]), stretched(planes[2])
    if name in ("nv12", "nv16", "nv21"):
        first, second = planes[1][..., 0], planes[1][..., 1]
        if name == "nv21":
            first, second = second, first
        return planes[0], stretched(first), stretched(second)
    order = {"yuyv422": (0, 1, 3), "uyvy422": (1, 0, 2), "yvyu422": (0, 3, 1)}.get(name)
    if order is None:
        return None
    pairs = planes[0].reshape(height, -1)
    luma, blue, red = order
    return pairs[:, luma::2][:, :width], stretched(pairs[:, blue::4]), stretched(pairs[:, red::4])


def _to_bgr_with_numpy(frame):
    name = frame.format.pixel_format
    if name in ("rgb24", "rgba", "rgb0"):
        return numpy.ascontiguousarray(frame.planes[0][..., 2::-1])
    if name in ("bgra", "bgr0"):
        return numpy.ascontiguousarray(frame.planes[0][..., :3])
    if name == "gray":
        return numpy.repeat(frame.planes[0][..., None], 3, axis=2)
    if name == "gray16le":
        return numpy.repeat((frame.planes[0] >> 8).astype(numpy.uint8)[..., None], 3, axis=2)
    if name == "rgb565le":
        pixels = frame.planes[0]
        out = numpy.empty((*pixels.shape, 3), numpy.uint8)
        out[..., 0] = (pixels & 31) * 255 // 31
        out[..., 1] = ((pixels >> 5) & 63) * 255 // 63
        out[..., 2] = (pixels >> 11) * 255 // 31
        return out
    parts = _luma_chroma(frame)
    if parts is None:
        raise ValueError(f"{frame.format} has no conversion to BGR: use frame.planes")
    luma, blue, red = (part.astype(numpy.float32) for part in parts)
    # Y = kr R + (1 - kr - kb) G + kb B (ITU-R BT.601, BT.709, BT.2020); what says nothing is BT.601, as cameras send it
    kr, kb = {"bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}.get(frame.format.matrix, (0.299, 0.114))
    blue -= 128
    red -= 128
    if frame.format.range != "full":
        luma = (luma - 16) * (255 / 219)
        blue *= 255 / 224
        red *= 255 / 224
    out = numpy.empty((*luma.shape, 3), numpy.float32)
    out[..., 2] = luma + 2 * (1 - kr) * red
    out[..., 0] = luma + 2 * (1 - kb) * blue
    out[..., 1] = luma - (2 * kb * (1 - kb) * blue + 2 * kr * (1 - kr) * red) / (1 - kr - kb)
    return numpy.clip(out + 0.5, 0, 255).astype(numpy.uint8)


# ---- what programs see

class Format:
    """What a ring carries: codec ("raw", "mjpeg", "h264", "h265"), pixel_format (FFmpeg's name; raw only), width and
    height in pixels, frame_rate (a float, 0 = unknown), range, matrix, parameter_sets (bytes), audio."""

    def __init__(self, fields):
        self.codec = next((name for name, number in _CODECS.items() if number == fields.codec), str(fields.codec))
        self.pixel_format = fields.pixel_format.decode("ascii", "replace")
        self.width, self.height = fields.width_px, fields.height_px
        self.rate = (fields.rate_num, max(1, fields.rate_den))
        self.frame_rate = self.rate[0] / self.rate[1]
        self.range, self.matrix = _RANGES[fields.range], _MATRICES[fields.matrix]
        self.parameter_sets = _bytes_at(fields.parameter_sets, fields.parameter_set_bytes)
        self.audio = _AUDIO[fields.audio_codec] if fields.audio_codec else None
        self.clock = (fields.clock_realtime_us, fields.clock_monotonic_ns) if fields.has_clock else None

    def __repr__(self):
        return " ".join(filter(None, (self.codec, self.pixel_format, f"{self.width}x{self.height}")))


class Frame:
    """One picture, access unit or audio packet.

    pts_us       when to show it, µs of Unix time on the stream's clock
    captured_ns  CLOCK_MONOTONIC (time.monotonic_ns()), None when unknown
    sequence     the driver's count, None when unknown: a gap is a frame lost before the ring
    seq, lost    the ring's own count; frames since the one before that this reader did not get
    leased       whether the memory is the ring's own; else it is a copy
    data         the payload, a flat read-only array of bytes
    """

    def __init__(self, handle):
        lease = _Lease(handle)
        info, fields = _FrameInfo(), _Format()
        _checked(_lib.campipe_ring_frame_get_info(handle, ctypes.byref(info)))
        _checked(_lib.campipe_ring_frame_get_format(handle, ctypes.byref(fields)))
        self.format = Format(fields)
        self.pts_us, self.dts_us, self.published_ns = info.pts_us, info.dts_us, info.published_ns
        self.captured_ns = info.captured_ns if info.flags & _HAS_CAPTURE else None
        self.sequence = info.source_sequence if info.flags & _HAS_SEQUENCE else None
        self.seq, self.lost, self.leased = info.seq, info.lost, bool(info.leased)
        self.keyframe = bool(info.flags & _KEYFRAME)
        self.corrupt = bool(info.flags & _CORRUPT)
        self.discontinuity = bool(info.flags & _DISCONTINUITY)
        self.is_audio = bool(info.flags & _IS_AUDIO)
        self.data = numpy.asarray(_Memory(info.data, info.bytes, writable=False, owner=lease))
        self._layout = tuple(info.plane[i] for i in range(info.planes))
        self._planes = None

    @property
    def planes(self):
        """The planes as a tuple of read-only arrays over the ring's memory: (rows, columns) each, with a third axis
        where a pixel has several samples side by side: 3 of bgr24, 4 of bgra, 2 of nv12's second plane and of yuyv422."""
        if self._planes is None:
            self._planes = _plane_views(self.data, self.format, self._layout)
        return self._planes

    def array(self):
        """The whole picture as one read-only array over the ring's memory. Of packed formats it is the only plane; of
        planar 4:2:0 that lies tight in memory it has 3/2 of the rows, as OpenCV takes it; None where there is no such
        array: use planes. Of coded frames it is the payload."""
        if self.format.codec != "raw" or self.is_audio:
            return self.data
        if len(self.planes) == 1:
            return self.planes[0]
        width, height = self.format.width, self.format.height
        tight = self.format.pixel_format in ("yuv420p", "nv12", "nv21") and width % 2 == 0 and height % 2 == 0
        offset = 0
        for plane in self._layout:
            tight = tight and plane.offset == offset and plane.stride_bytes == plane.row_bytes
            offset += plane.row_bytes * plane.rows
        return self.data[:offset].reshape(height * 3 // 2, width) if tight else None

    def bgr(self, copy=False, out=None):
        """The picture as (height, width, 3) bytes in OpenCV's order. Of bgr24 it is a read-only view of the ring's
        memory; copy=True makes it an array of its own to draw upon, as it is for all other formats. `out` takes it
        instead, an array of that shape, such as Writer.frame() gives. JPEG needs OpenCV."""
        if self.is_audio:
            raise ValueError("audio is no picture")
        if self.format.codec not in ("raw", "mjpeg") or (self.format.codec == "mjpeg" and cv2 is None):
            raise ValueError(f"{self.format.codec} has no pictures to look at: camenc -c raw makes them")
        if self.format.codec == "mjpeg":
            picture = cv2.imdecode(self.data, cv2.IMREAD_COLOR)
            if picture is None:
                raise ValueError("the JPEG cannot be decoded")
        elif self.format.pixel_format == "bgr24":
            picture = self.planes[0].copy() if copy and out is None else self.planes[0]
        else:
            picture = _to_bgr_with_cv2(self, out) if cv2 is not None else None
            if picture is None:
                picture = _to_bgr_with_numpy(self)
        if out is None:
            return picture
        if picture is not out:
            numpy.copyto(out, picture)
        return out

    def __repr__(self):
        return f"<Frame {self.seq} of {self.format}>"


class Reader:
    """Frames of a ring, for `for` and for read(). The ring need not be there yet, and its writer may come and go.

    name     "front.raw" or "shm:front.raw"
    newest   True: the newest frame each time; False: each one in order, as long as the ring still has it
    leases   how many frames (and arrays of them) may be held at a time without a copy
    timeout  seconds that `for` waits for a frame before it ends; None = for ever
    want     False: only look on: cameras and encoders that work on demand rest
    stale    True: begin with what the ring holds, even if its writer is gone or rests (2 s without a frame)
    """

    def __init__(self, name, newest=True, leases=2, timeout=None, want=True, stale=False):
        self.name, self.timeout, self.format = name, timeout, None
        self._handle = None
        self._process = os.getpid()
        options = _ReaderOptions(delivery=0 if newest else 1, name=name.encode(), leases=max(1, leases),
                                 flags=(1 if leases == 0 else 0) | (0 if want else 2) | (4 if stale else 0))
        handle = ctypes.c_void_p()
        _checked(_lib.campipe_ring_reader_open(ctypes.byref(options), ctypes.byref(handle)))
        self._handle = handle

    def _open(self):
        if not self._handle:
            raise ValueError("the reader is closed")
        return self._handle

    def read(self, timeout=None):
        """The next frame; None when none came within `timeout` seconds (None = no limit), or interrupt() was called."""
        until = None if timeout is None else time.monotonic() + timeout
        handle = ctypes.c_void_p()
        while True:
            left = _SLICE_MS if until is None else max(0, min(_SLICE_MS, round((until - time.monotonic()) * 1000)))
            event = _checked(_lib.campipe_ring_reader_next(self._open(), left, ctypes.byref(handle)))
            if event == _FRAME:
                frame = Frame(handle)
                self.format = frame.format
                return frame
            if event == _INTERRUPTED or (event == _TIMEOUT and until is not None and time.monotonic() >= until):
                return None

    def interrupt(self):
        """Ends the read() under way in another thread, or the next one."""
        _lib.campipe_ring_reader_interrupt(self._open())

    def set_want(self, want):
        _lib.campipe_ring_reader_set_want(self._open(), int(want))

    def request_keyframe(self):
        _lib.campipe_ring_reader_request_keyframe(self._open())

    def stats(self):
        """frames, lost, copied, damaged, reopened, rests since the start, and link: 0 no ring, 1 no writer, 2 live; of
        the source that the writer has source_state ("unknown", "running", "resting", "lost"), source_since_us (Unix time)
        and source_reason."""
        stats = _ReaderStats()
        _checked(_lib.campipe_ring_reader_get_stats(self._open(), ctypes.byref(stats)))
        told = {name: getattr(stats, name) for name, _ in _ReaderStats._fields_[1:]}
        told["source_state"] = _SOURCES[stats.source_state] if stats.source_state < len(_SOURCES) else "unknown"
        told["source_reason"] = stats.source_reason.decode("utf-8", "replace")
        return told

    def close(self):
        """Frames and arrays stay valid."""
        handle, self._handle = self._handle, None
        if handle and self._process == os.getpid():
            _lib.campipe_ring_reader_close(handle)

    def __iter__(self):
        while True:
            frame = self.read(self.timeout)
            if frame is None:
                return
            yield frame
            del frame  # else it would be leased while the next one is waited for

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()


class Writer:
    """The one writer of a ring.

    name          "marked.raw" or "shm:marked.raw"
    pixel_format  FFmpeg's name, for raw pictures; with codec="mjpeg" and the like leave it out and use publish()
    fps           frames a second, a number or (numerator, denominator); 0 = unknown
    like          a Format: what is not given is taken from it, its clock too
    slots         pictures in the ring
    mode          file mode, as in 0o660: who may read, and with w also lease and ask for keyframes
    """

    def __init__(self, name, width=None, height=None, pixel_format=None, fps=None, *, codec=None, like=None, slots=0,
                 mode=0, range="unknown", matrix="unknown"):
        self._handle = None
        self._process = os.getpid()
        codec = codec or (like.codec if like else "raw")
        fields = _Format(codec=_CODECS[codec])
        fields.width_px = width if width is not None else like.width if like else 0
        fields.height_px = height if height is not None else like.height if like else 0
        if codec == "raw":
            fields.pixel_format = (pixel_format or (like.pixel_format if like else "bgr24")).encode()
        if fps is None:
            fps = like.rate if like else 0
        fields.rate_num, fields.rate_den = fps if isinstance(fps, tuple) else (round(fps * 1000), 1000) if fps else (0, 1)
        if fields.rate_num and fields.rate_num % 1000 == 0 and fields.rate_den == 1000:
            fields.rate_num, fields.rate_den = fields.rate_num // 1000, 1
        fields.range, fields.matrix = _RANGES.index(range), _MATRICES.index(matrix)
        if like and like.clock:
            fields.has_clock, (fields.clock_realtime_us, fields.clock_monotonic_ns) = 1, like.clock
        options = _WriterOptions(name=name.encode(), slots=slots, mode=mode)
        handle = ctypes.c_void_p()
        _checked(_lib.campipe_ring_writer_open(ctypes.byref(options), ctypes.byref(handle)))
        self._handle = handle
        try:
            _checked(_lib.campipe_ring_writer_set_format(handle, ctypes.byref(fields)))
        except Error:
            self.close()
            raise
        self.name, self.format = name, Format(fields)
        self._layout, self._bytes = (), 0
        if codec == "raw":
            planes, size = (_Plane * _MAX_PLANES)(), ctypes.c_uint64()
            count = _checked(_lib.campipe_ring_picture_layout(fields.pixel_format, fields.width_px, fields.height_px,
                                                              planes, ctypes.byref(size)))
            self._layout, self._bytes = tuple(planes[:count]), size.value

    def _open(self):
        if not self._handle:
            raise ValueError("the writer is closed")
        return self._handle

    def _unit(self, like, captured_ns, sequence, keyframe=True):
        unit = _Unit()
        if like is not None:
            unit.pts_us = like.pts_us
            if like.captured_ns is not None:
                unit.captured_ns, unit.flags = like.captured_ns, _HAS_CAPTURE
            sequence = like.sequence if sequence is None else sequence
            unit.flags |= (_CORRUPT if like.corrupt else 0) | (_DISCONTINUITY if like.discontinuity else 0)
        else:
            _checked(_lib.campipe_ring_writer_stamp(self._open(), captured_ns or 0, ctypes.byref(unit)))
        if sequence is not None:
            unit.source_sequence = sequence
            unit.flags |= _HAS_SEQUENCE
        if keyframe:
            unit.flags |= _KEYFRAME
        return unit

    @contextlib.contextmanager
    def frame(self, like=None, captured_ns=None, sequence=None):
        """Room for a picture in the ring itself, as an array (of planar formats a tuple of them, as Frame.planes) to
        draw into within `with`; what is in it at first is undefined. At the end of `with` it is published and must not
        be written to again; when an exception ends it, it is thrown away. Without a free slot it is memory apart, which
        is then copied.

        like         a Frame whose times and number the picture has
        captured_ns  else: when it was captured, time.monotonic_ns(); None = now
        """
        address = ctypes.c_void_p()
        if self._layout == ():
            raise ValueError("frame() is for raw pictures: use publish()")
        unit = self._unit(like, captured_ns, sequence)
        if _checked(_lib.campipe_ring_writer_begin(self._open(), self._bytes, ctypes.byref(address))):
            memory = numpy.asarray(_Memory(address.value, self._bytes, writable=True, owner=self))
        else:
            memory = numpy.empty(self._bytes, numpy.uint8)
        try:
            planes = _plane_views(memory, self.format, self._layout)
            yield planes[0] if len(planes) == 1 else planes
        except BaseException:
            if address.value and self._handle:
                _lib.campipe_ring_writer_cancel(self._handle, address)
            raise
        _checked(_lib.campipe_ring_writer_publish(self._open(), ctypes.byref(unit), memory.ctypes.data, self._bytes))

    def publish(self, picture, like=None, captured_ns=None, sequence=None, keyframe=True):
        """Publishes a picture or a coded frame by copy: an array or bytes of the right size, without padding. Answers
        False when it was dropped because no slot was free."""
        unit = self._unit(like, captured_ns, sequence, keyframe)
        data = numpy.frombuffer(picture, numpy.uint8) if isinstance(picture, (bytes, bytearray, memoryview)) else \
            numpy.ascontiguousarray(picture).reshape(-1).view(numpy.uint8)
        return bool(_checked(_lib.campipe_ring_writer_publish(self._open(), ctypes.byref(unit), data.ctypes.data,
                                                              data.size)))

    def set_source(self, state, reason=""):
        """Tells readers what the source does: "running", "resting" because nobody wants frames, or "lost" and why. Again
        each second while no frames come."""
        if state not in _SOURCES:
            raise ValueError(f"{state!r}: a source is one of {', '.join(_SOURCES)}")
        _checked(_lib.campipe_ring_writer_set_source(self._open(), _SOURCES.index(state), reason.encode()))

    def wanted(self):
        """Whether anybody wants frames."""
        return bool(_checked(_lib.campipe_ring_writer_wanted(self._open())))

    def keyframe_wanted(self):
        """Whether a reader has asked for a keyframe since the last call."""
        return bool(_checked(_lib.campipe_ring_writer_keyframe_wanted(self._open())))

    def stats(self):
        """frames, bytes and dropped since the start, and in_place: frames that were drawn in the ring, not copied."""
        stats = _WriterStats()
        _checked(_lib.campipe_ring_writer_get_stats(self._open(), ctypes.byref(stats)))
        return {name: getattr(stats, name) for name, _ in _WriterStats._fields_[2:]}

    def close(self):
        """The ring goes when nobody reads it, else it stays for the next writer."""
        handle, self._handle = self._handle, None
        if handle and self._process == os.getpid():
            _lib.campipe_ring_writer_close(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()
