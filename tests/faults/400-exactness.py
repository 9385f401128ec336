#!/usr/bin/python3
"""Frame-exactness: the counter in the picture is read back at every far end, for 60 s at 720p30. No frame is lost, doubled or
out of order; capture times are exact to the microsecond on the pipe and in HTTP part headers, to one tick in RTP and MP4.

usage: 400-exactness.py [pattern|shim ...]      SECONDS_EACH=N (default 60)
"""
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples"))
from harness import BIN, HttpClient, RtspClient, Scratch, Tap, counters, free_port, published, wait_until
from recorded_times import capture_times_us

SECONDS = int(os.environ.get("SECONDS_EACH", "60"))
SIZE = (1280, 720)
TICK_US = 1e6 / 90000
tap = Tap()


class RawReader(threading.Thread):
    """The counter and the pts of each raw picture that leaves camgrab, by the example's own reader of the format."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.pts = path, {}
        self.order = []

    def run(self):
        import numpy as np
        from pattern_counter import read_counter
        from read_stream import Reader
        width, height = SIZE
        with open(self.path, "rb") as stream:
            try:
                for frame in Reader(stream).frames():
                    picture = np.frombuffer(frame["data"], np.uint8)
                    if picture.size == width * height * 2:  # packed 4:2:2: every other byte is luma
                        luma = picture.reshape(height, width * 2)[:, ::2]
                    else:
                        luma = picture[:width * height].reshape(height, width)
                    number = read_counter(luma)
                    self.order.append(number)
                    self.pts[number] = frame["pts_us"]
            except EOFError:
                pass


def consecutive(numbers):
    """What is wrong with a list of counters, as text; empty when they go up one by one."""
    wrong = [f"at {i}: {a} then {b}" for i, (a, b) in enumerate(zip(numbers, numbers[1:])) if a is None or b is None or b != a + 1]
    return "\n".join(wrong[:8])


def exact(source, argv, env):
    with Scratch() as scratch:
        http, rtsp = free_port(), free_port()
        for name in ("raw", "to-mjpeg", "to-h264", "mjpeg", "h264", "record"):
            os.mkfifo(scratch.path / name)
        disk = scratch.path / "disk"
        reader = RawReader(scratch.path / "raw")
        reader.start()
        serve = scratch.start(["camserve", "cam=mjpeg", "cam=h264", "--http", f"127.0.0.1:{http}", "--rtsp", f"127.0.0.1:{rtsp}"], "serve")
        record = scratch.start(["camrec", "-i", "record", "--name", "cam", "--segment", "20s", str(disk)], "record")
        scratch.start(["camenc", "-i", "to-mjpeg", "-c", "mjpeg", "-o", "mjpeg", "-o", "mjpeg.nut"], "enc-mjpeg")
        scratch.start(["camenc", "-i", "to-h264", "-c", "h264", "-p", "ultrafast", "-o", "h264", "-o", "record"], "enc-h264")
        grab = scratch.start(["camgrab", *argv, "-o", "raw", "-o", "to-mjpeg", "-o", "to-h264"], "grab", env=env)
        http_client, rtsp_client = HttpClient(http, keep=scratch.path), RtspClient(rtsp, keep=scratch.path)
        http_client.start()
        rtsp_client.start()
        started = wait_until(20, lambda: len(http_client.frames) > 10 and len(rtsp_client.frames) > 10)
        if not tap.ok(started, f"{source}: frames reach both clients",
                      "\n".join(scratch.text(f"{n}.err") for n in ("grab", "enc-mjpeg", "enc-h264", "serve", "record"))):
            return
        time.sleep(SECONDS)
        http_client.running = rtsp_client.running = False
        time.sleep(0.3)
        grab.send_signal(signal.SIGTERM)
        ends = [process.wait(20) for process in (grab, record, serve)]
        tap.ok(ends == [0, 0, 0], f"{source}: the end of the source drains the chain, and all exit 0", ends)
        reader.join(20)
        least = SECONDS * 30 - 30

        wrong = consecutive(reader.order)
        tap.ok(not wrong and len(reader.order) >= least, f"{source}: {len(reader.order)} pictures on camgrab's pipe, none lost or doubled", wrong)

        def compare(what, numbers, times, tolerance, complaints=""):
            wrong = consecutive(numbers)
            tap.ok(not wrong and not complaints and len(numbers) >= least,
                   f"{source}: {what}: {len(numbers)} frames, none lost, doubled or out of order", f"{len(numbers)} frames\n{wrong}\n{complaints[:500]}")
            far = [(n, t - reader.pts[n]) for n, t in zip(numbers, times) if n in reader.pts and t is not None and abs(t - reader.pts[n]) > tolerance]
            known = sum(1 for n, t in zip(numbers, times) if n in reader.pts and t is not None)
            worst = max((abs(t - reader.pts[n]) for n, t in zip(numbers, times) if n in reader.pts and t is not None), default=-1)
            tap.note(f"{source}: {what}: capture times off by at most {worst:.2f} us over {known} frames")
            tap.ok(not far and known >= least - 60, f"{source}: {what}: capture times within {tolerance:.1f} us", f"{known} compared, off: {far[:5]}")

        path = scratch.path / "mjpeg.nut"
        numbers, complaints = counters(path, SIZE, ("-seekable", "0"))  # as a pipe: FFmpeg does not look for the end
        compare("MJPEG on the pipe", numbers, [int(pts) for pts, *_ in packet_times_int(path)], 0, complaints)
        numbers, complaints = counters(http_client.files[0], SIZE, ("-f", "mjpeg"))
        stamps = [int(round(float(stamp.split(".")[0]) * 1e6)) + int(stamp.split(".")[1].ljust(6, "0")) for _, stamp, _, _ in http_client.frames]
        compare("HTTP", numbers, stamps[:len(numbers)], 0, complaints)
        numbers, complaints = counters(rtsp_client.files[0], SIZE, ("-f", "h264"))
        tap.ok(rtsp_client.lost_packets == 0, f"{source}: RTSP: no RTP packet is missing", rtsp_client.lost_packets)
        compare("RTSP", numbers, [unix for _, _, unix in rtsp_client.frames][:len(numbers)], TICK_US + 0.01, complaints)
        numbers, times, complaints = [], [], ""
        for file in published(disk):
            more, trouble = counters(file, SIZE)
            numbers, complaints = numbers + more, complaints + trouble
            times += capture_times_us(file)
        compare("recording", numbers, times, TICK_US + 0.01, complaints)


def packet_times_int(path):
    answer = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts", "-of", "csv=p=0", str(path)],
                            capture_output=True, text=True, check=True)
    return [line.split(",") for line in answer.stdout.split()]


wanted = sys.argv[1:] or ["pattern", "shim"]
if "pattern" in wanted:
    exact("pattern", ["pattern", "-s", "1280x720", "-r", "30"], {})
if "shim" in wanted:
    shim = next(iter(sorted(BIN.parent.rglob("libcamera_shim.so"))), None)
    if tap.ok(shim, "the camera shim is built"):
        exact("V4L2 shim", ["/dev/video99", "-f", "yuyv", "-s", "1280x720", "-r", "30"], {"LD_PRELOAD": str(shim)})
tap.done()
