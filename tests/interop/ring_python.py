#!/usr/bin/env python3
"""Tests of python/campipe_ring.py, each in a process of its own.

usage: ring_python.py TEST      the name of one of the functions below without test_; exit 0 when it holds
"""
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../python"))
import campipe_ring  # noqa: E402
from campipe_ring import Reader, Writer  # noqa: E402

NAME = f"python{os.getpid()}.raw"
WAIT = 20  # seconds that nothing here should ever take


def camring(name=NAME):
    return json.loads(subprocess.run(["camring", "stat", "--json", name], check=True, capture_output=True).stdout)


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r} is not {expected!r}")


def until(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.01)


def mapping_of(address):
    """The line of /proc/self/maps that an address lies in."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if first <= address < last:
                return line.split()
    raise AssertionError(f"{address:x} is not mapped")


def shown(writer, value):
    """Publishes a picture that is all `value`."""
    with writer.frame() as picture:
        for plane in picture if isinstance(picture, tuple) else (picture,):
            plane[...] = value


def test_array_lies_in_the_ring():
    with Writer(NAME, 64, 48, "bgr24", 30) as writer, Reader(NAME, newest=False) as reader:
        shown(writer, 5)
        frame = reader.read(WAIT)
        for array in (frame.array(), frame.planes[0], frame.bgr(), frame.data):
            where = mapping_of(array.ctypes.data)
            assert where[-1].endswith("/campipe." + NAME), where
            assert "w" not in where[1], "the reader can write to the ring"
        equal(frame.array().shape, (48, 64, 3), "shape")
        equal(int(frame.array().sum()), 5 * 48 * 64 * 3, "contents")
        assert frame.leased


def test_array_is_read_only():
    with Writer(NAME, 64, 48, "bgr24", 30) as writer, Reader(NAME, newest=False) as reader:
        shown(writer, 5)
        frame = reader.read(WAIT)
        for array in (frame.array(), frame.data, frame.planes[0][3:5]):
            try:
                array[0] = 1
            except ValueError:
                pass
            else:
                raise AssertionError("an array can be written to")
            try:
                array.flags.writeable = True
            except ValueError:
                continue
            raise AssertionError("an array can be made writable")


def test_leased_array_never_changes():
    laps, slots = 50, 8
    with Writer(NAME, 320, 240, "yuv420p", 30, slots=slots) as writer, \
            Reader(NAME, newest=False) as slow, Reader(NAME, newest=False) as other:
        shown(writer, 1)
        held = slow.read(WAIT).planes[1]
        equal(other.read(WAIT).data[0], 1, "the other reader")
        for i in range(laps * slots):
            shown(writer, 2 + i % 200)
            assert (held == 1).all(), f"the leased array changed in round {i}"
            equal(other.read(WAIT).data[0], 2 + i % 200, "the other reader")
        equal(writer.stats()["dropped"], 0, "dropped")
        equal(writer.stats()["in_place"], laps * slots + 1, "drawn in the ring")
        equal(slow.read(WAIT).lost > 0, True, "the slow reader is told of what it lost")


def test_lease_ends_with_the_last_view():
    with Writer(NAME, 64, 48, "nv12", 30) as writer, Reader(NAME, newest=False, leases=3) as reader:
        shown(writer, 1)
        frame = reader.read(WAIT)
        equal(camring()["leased"], 1, "leased by the frame")
        view = frame.planes[1][2:4, ::2]
        del frame
        gc.collect()
        equal(camring()["leased"], 1, "leased by a view of a view")
        assert (view == 1).all()
        again = view.reshape(-1)
        del view
        gc.collect()
        del again
        gc.collect()
        equal(camring()["leased"], 0, "leased at the end")
        shown(writer, 2)
        frame = reader.read(WAIT)
        reader.close()
        equal(camring()["leased"], 1, "leased by a frame of a closed reader")
        assert (frame.data == 2).all()
        del frame
        gc.collect()
        equal(camring()["leased"], 0, "leased at the very end")


def test_iterating_holds_no_frame_while_it_waits():
    with Writer(NAME, 64, 48, "gray", 30) as writer, Reader(NAME, newest=False) as reader:
        shown(writer, 1)
        frames = iter(reader)
        frame = next(frames)
        equal(camring()["leased"], 1, "leased in the loop")
        waiting = threading.Thread(target=lambda: next(frames, None))
        del frame
        waiting.start()
        until(lambda: camring()["leased"] == 0, "the frame given back while the next is waited for")
        reader.interrupt()
        waiting.join()


def holds(name, ready, done):
    ready.set()
    done.wait(WAIT)


def test_fork_keeps_no_lease():
    fork = multiprocessing.get_context("fork")
    with Writer(NAME, 64, 48, "gray", 30) as writer, Reader(NAME, newest=False) as reader:
        shown(writer, 1)
        frame = reader.read(WAIT)
        ready, done = fork.Event(), fork.Event()
        child = fork.Process(target=holds, args=(NAME, ready, done))
        child.start()
        ready.wait(WAIT)
        equal(camring()["leased"], 1, "leased by the parent")
        del frame
        gc.collect()
        equal(camring()["leased"], 0, "leased while the child lives")
        shown(writer, 2)
        frame = reader.read(WAIT)
        done.set()
        child.join(WAIT)
        equal(child.exitcode, 0, "the child's end")
        equal(camring()["leased"], 1, "still leased by the parent after the child ended")
        assert (frame.data == 2).all()
        writer.close()
        equal(camring()["writer"], None, "writer after it was closed")


def reads_on(name, answers):
    with Reader(name, newest=False, stale=True) as reader:
        answers.put(int(reader.read(WAIT).data[0]))


def test_child_opens_the_ring_anew():
    fork = multiprocessing.get_context("fork")
    with Writer(NAME, 64, 48, "gray", 30) as writer, Reader(NAME) as reader:
        shown(writer, 7)
        frame = reader.read(WAIT)
        answers = fork.Queue()
        child = fork.Process(target=reads_on, args=(NAME, answers))
        child.start()
        end = time.monotonic() + WAIT
        while answers.empty() and time.monotonic() < end:
            shown(writer, 8)
            time.sleep(0.02)
        assert answers.get(timeout=WAIT) in (7, 8)
        child.join(WAIT)
        equal(child.exitcode, 0, "the child's end")
        assert (frame.data == 7).all()


def killed(name, ready, has_frame):
    reader = Reader(name, newest=False)
    ready.set()
    frame = reader.read(WAIT)  # noqa: F841
    has_frame.set()
    time.sleep(WAIT)


def test_killed_reader_leaves_no_lease():
    spawn = multiprocessing.get_context("spawn")
    with Writer(NAME, 64, 48, "gray", 30) as writer:
        shown(writer, 1)
        ready, has_frame = spawn.Event(), spawn.Event()
        child = spawn.Process(target=killed, args=(NAME, ready, has_frame))
        child.start()
        assert ready.wait(WAIT)
        until(lambda: (shown(writer, 2), has_frame.is_set())[1], "a frame in the child")
        equal(camring()["leased"], 1, "the child's lease")
        child.kill()
        child.join(WAIT)
        equal(camring()["leased"], 0, "leased after the kill")
        equal(camring()["readers"], [], "readers after the kill")


COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (120, 120, 120), "teal": (0, 120, 110)}


def painted(planes, name, rgb, full, kr, kb):
    """Fills the planes of a YUV picture with one colour."""
    red, green, blue = (part / 255 for part in rgb)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    y = luma * (255 if full else 219) + (0 if full else 16)
    u, v = (128 + part * (255 if full else 224) for part in (cb, cr))
    y, u, v = (int(min(255, max(0, round(part)))) for part in (y, u, v))
    if name in ("yuv420p", "yuv422p", "yuv444p"):
        for plane, value in zip(planes, (y, u, v)):
            plane[...] = value
    elif name in ("nv12", "nv16", "nv21"):
        planes[0][...] = y
        planes[1][..., 0], planes[1][..., 1] = (v, u) if name == "nv21" else (u, v)
    else:
        order = {"yuyv422": (y, u, y, v), "uyvy422": (u, y, v, y), "yvyu422": (y, v, y, u)}[name]
        planes.reshape(planes.shape[0], -1)[...] = numpy.tile(order, planes.shape[1] // 2)


def test_bgr_of_every_format():
    yuv = ("yuv420p", "yuv422p", "yuv444p", "nv12", "nv21", "nv16", "yuyv422", "uyvy422", "yvyu422")
    orders = {"rgb24": (0, 1, 2), "bgr24": (2, 1, 0), "rgba": (0, 1, 2), "bgra": (2, 1, 0), "rgb0": (0, 1, 2),
              "bgr0": (2, 1, 0)}
    matrices = {"unknown": (0.299, 0.114), "bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
    both = campipe_ring.cv2
    assert both is not None, "OpenCV is needed here"

    def check(frame, rgb, what, within):
        for module in (both, None):
            campipe_ring.cv2 = module
            got = frame.bgr()
            equal((got.dtype, got.shape), (numpy.uint8, (frame.format.height, frame.format.width, 3)), what)
            off = numpy.abs(got.astype(int) - numpy.array(rgb[::-1])).max()
            assert off <= within, f"{what}: {off} off with {'OpenCV' if module else 'numpy'}"
            out = numpy.zeros_like(got)
            assert frame.bgr(out=out) is out and (out == got).all(), what
        campipe_ring.cv2 = both

    def seen(width, height, name, paint, rgb, what, within, **words):
        with Writer(NAME, width, height, name, 30, **words) as writer, Reader(NAME, newest=False) as reader:
            with writer.frame() as picture:
                paint(picture)
            check(reader.read(WAIT), rgb, what, within)

    for colour, rgb in COLOURS.items():
        for name in yuv:
            for width, height in ((32, 16), (31, 15)):
                seen(width, height, name, lambda picture: painted(picture, name, rgb, False, 0.299, 0.114), rgb,
                     f"{colour} {name} {width}x{height}", 3)
        for name, order in orders.items():
            seen(30, 20, name, lambda picture: [picture[..., i].fill(rgb[order[i]]) for i in range(3)], rgb,
                 f"{colour} {name}", 0)
        for matrix, (kr, kb) in matrices.items():
            for depth in ("limited", "full"):
                seen(32, 16, "nv12", lambda picture: painted(picture, "nv12", rgb, depth == "full", kr, kb), rgb,
                     f"{colour} {matrix} {depth}", 3, matrix=matrix, range=depth)
    grey = COLOURS["grey"]
    seen(30, 20, "gray", lambda picture: picture.fill(120), grey, "gray", 0)
    seen(30, 20, "gray16le", lambda picture: picture.fill(120 << 8), grey, "gray16le", 0)
    seen(30, 20, "rgb565le", lambda picture: picture.fill(0xf800), COLOURS["red"], "rgb565le", 0)


def test_bgr_of_jpeg():
    ok, jpeg = campipe_ring.cv2.imencode(".jpg", numpy.full((48, 64, 3), (10, 200, 30), numpy.uint8))
    assert ok
    with Writer(NAME, 64, 48, codec="mjpeg") as writer, Reader(NAME, newest=False) as reader:
        assert writer.publish(jpeg.tobytes())
        picture = reader.read(WAIT).bgr()
        assert numpy.abs(picture.astype(int) - (10, 200, 30)).max() <= 4, picture[0, 0]
        assert writer.publish(b"no JPEG")
        try:
            reader.read(WAIT).bgr()
        except ValueError:
            return
        raise AssertionError("rubbish was decoded")


def test_copies_can_be_drawn_upon():
    with Writer(NAME, 64, 48, "bgr24", 30) as writer, Reader(NAME, newest=False) as reader:
        shown(writer, 5)
        frame = reader.read(WAIT)
        picture = frame.bgr(copy=True)
        picture[:] = 9
        assert (frame.array() == 5).all()


def test_times_and_numbers_go_along():
    out = NAME.replace(".raw", "-out.raw")
    with Writer(NAME, 64, 48, "gray", (30000, 1001)) as writer, Reader(NAME, newest=False) as reader:
        captured = time.monotonic_ns() - 5_000_000
        with writer.frame(captured_ns=captured, sequence=77) as picture:
            picture[:] = 1
        frame = reader.read(WAIT)
        equal((frame.captured_ns, frame.sequence, frame.keyframe), (captured, 77, True))
        equal(abs(frame.pts_us - (time.time_ns() // 1000)) < 60_000_000, True, "pts near the present")
        equal(frame.format.rate, (30000, 1001), "rate")
        with Writer(out, like=frame.format) as copy, Reader(out, newest=False) as second:
            equal((copy.format.pixel_format, copy.format.rate, copy.format.clock),
                  (frame.format.pixel_format, frame.format.rate, frame.format.clock))
            with copy.frame(like=frame) as picture:
                picture[:] = frame.array() + 1
            got = second.read(WAIT)
            equal((got.pts_us, got.captured_ns, got.sequence), (frame.pts_us, frame.captured_ns, 77))
            equal(int(got.data[0]), 2)


def test_failed_drawing_is_not_shown():
    with Writer(NAME, 64, 48, "gray", 30) as writer, Reader(NAME, newest=False) as reader:
        for _ in range(20):
            try:
                with writer.frame() as picture:
                    picture[:] = 66
                    raise KeyError
            except KeyError:
                pass
        shown(writer, 1)
        frame = reader.read(WAIT)
        equal((int(frame.data[0]), frame.lost), (1, 0))


def test_publish_by_copy():
    with Writer(NAME, 64, 48, "bgr24", 30) as writer, Reader(NAME, newest=False) as reader:
        wide = numpy.arange(48 * 128 * 3, dtype=numpy.uint32).astype(numpy.uint8).reshape(48, 128, 3)
        assert writer.publish(wide[:, :64])
        assert (reader.read(WAIT).array() == wide[:, :64]).all()
        try:
            writer.publish(b"too short")
        except campipe_ring.Error as error:
            equal(error.code, -64)
            return
        raise AssertionError("a picture of the wrong size was published")


def test_errors_are_exceptions():
    with Writer(NAME, 64, 48, "bgr24", 30):
        for wrong, code in ((lambda: Writer(NAME, 64, 48, "bgr24"), -75), (lambda: Reader("a/b"), -64),
                            (lambda: Writer(NAME + "x.y", 64, 48), -64)):
            try:
                wrong()
            except campipe_ring.Error as error:
                equal(error.code, code, str(error))
                assert len(str(error)) > 15
            else:
                raise AssertionError(f"no error {code}")
    try:
        Writer(NAME, 0, 48, "bgr24")
    except campipe_ring.Error as error:
        equal(error.code, -64, str(error))
    else:
        raise AssertionError("a picture without width")
    with Writer(NAME, 64, 48, "bgr24", 30):  # the failed one has not kept the name
        pass


def test_reader_waits_and_ends():
    with Reader(NAME, timeout=0.1) as reader:
        equal(list(reader), [], "frames of a ring that is not there")
        equal(reader.read(0), None)
        threading.Timer(0.2, reader.interrupt).start()
        equal(reader.read(), None, "an interrupted read")
        equal(reader.stats()["link"], 0)
    try:
        reader.read(0)
    except ValueError:
        return
    raise AssertionError("a closed reader reads")


def test_wanted():
    with Writer(NAME, 64, 48, "gray", 30) as writer:
        equal(writer.wanted(), False)
        with Reader(NAME, want=False) as reader:
            reader.read(0)
            equal(writer.wanted(), False)
            reader.set_want(True)
            equal(writer.wanted(), True)
        equal(writer.wanted(), False)


def main():
    if len(sys.argv) == 2 and sys.argv[1] == "list":
        print("\n".join(sorted(name[5:] for name in globals() if name.startswith("test_"))))
        return
    globals()["test_" + sys.argv[1]]()


if __name__ == "__main__":
    main()
