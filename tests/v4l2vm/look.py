#!/usr/bin/env python3
"""Looks at what the guest captured: colours of vivid's bars, numbers of the pattern. TAP, with the plan at the end."""
import pathlib
import re
import subprocess
import sys

import numpy

work = pathlib.Path(sys.argv[1])
parts = sys.argv[2:]
root = pathlib.Path(__file__).resolve().parents[2]


def ok(good, name, why=""):
    print(f"{'ok' if good else 'not ok'} - {name}", flush=True)
    if not good:
        print("# " + str(why).replace("\n", "\n# ")[:1500], flush=True)


def frames(path, size, pixel_format, channels):
    raw = subprocess.run(["ffmpeg", "-v", "fatal", "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough", "-pix_fmt", pixel_format,
                          "-f", "rawvideo", "-"], capture_output=True).stdout
    width, height = size
    picture = width * height * channels
    return numpy.frombuffer(raw[:len(raw) // picture * picture], numpy.uint8).reshape(-1, height, width, channels)


def check_bars(name, size, expected, count):
    path = work / name
    if not path.exists():
        return ok(False, f"{name}: eight colour bars", "there is no such capture")
    pictures = frames(path, size, "rgb24", 3)
    if len(pictures) < count:
        return ok(False, f"{name}: at least {count} pictures", len(pictures))
    width, height = size
    seen = []
    for bar in range(8):
        left, right = width * bar // 8 + width // 32, width * (bar + 1) // 8 - width // 32
        seen.append(pictures[-1][height * 3 // 4:height * 7 // 8, left:right].mean(axis=(0, 1)))
    far = max(float(abs(a - numpy.array(b)).max()) for a, b in zip(seen, expected))
    ok(far < 14, f"{name}: eight colour bars of the right colours", [list(map(round, s)) for s in seen])


def check_counters(name, least, cycle, gaps=False):
    path = work / name
    if not path.exists():
        return ok(False, f"{name}: the pattern's numbers", "there is no such capture")
    gray = subprocess.run(["ffmpeg", "-v", "fatal", "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "-"],
                          capture_output=True).stdout
    out = subprocess.run([sys.executable, str(root / "tests/support/pattern_counter.py"), "1280", "720"], input=gray, capture_output=True)
    numbers = [int(word) for word in out.stdout.decode().split() if re.fullmatch(r"\d+", word)]
    wrong = [] if gaps else [(a, b) for a, b in zip(numbers, numbers[1:]) if b != (a + 1) % cycle]
    ok(len(numbers) >= least and not wrong and not out.stderr, f"{name}: {len(numbers)} pictures with the pattern's numbers{'' if gaps else ', none missing'}",
       f"{len(numbers)} numbers, wrong: {wrong[:5]} {out.stderr[:300]!r}")


full, low = 191, 0
BARS75 = [(full, full, full), (full, full, low), (low, full, full), (low, full, low), (full, low, full), (full, low, low), (low, low, full), (low, low, low)]
# The USB camera paints its own: 100 % white, then 75 % bars in limited range, black.
BARS_USB = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255), (0, 0, 0)]
if "vivid" in parts:
    for kind in ("yuyv", "nv12", "rgb24", "bgr24", "YV12", "mplane-NM12", "mplane-yuyv"):
        check_bars(f"vivid-{kind}.nut", (640, 360), BARS75, 3)
    check_bars("vivid-small.nut", (320, 180), BARS75, 3)
if "usb" in parts:
    check_bars("usb-yuyv.nut", (640, 360), BARS_USB, 5)
    check_counters("usb-mjpeg.nut", 65, 60)
    check_counters("usb-h264.nut", 65, 60)
    check_counters("usb-replug.nut", 10, 60, gaps=True)
    check_counters("usb-bad.nut", 10, 60, gaps=True)
if "bayer" in parts:
    check_bars("usb-bayer.nut", (640, 360), BARS_USB, 5)
