#!/usr/bin/env python3
"""Whether camenc keeps every frame of a raw ring while the processors are taken away from it in bursts.

usage: bench/raw_ring_bursts.py [--minutes N] [--bin DIR] [--size WxH] [--burst MS] [--every MS]
       default: 10 minutes, build/bench/bin, 640x480, bursts of 150 ms, one every 1000 ms

A pattern of 30 fps goes into a ring of 8 slots, camenc makes MJPEG of it. The bursts are programs at a real-time priority, one
on each processor, which run for so long that nothing else does; without the right to a real-time priority (root) camenc is
stopped (SIGSTOP) for as long instead. Printed: the frames made, the frames camenc did not get, and how late camenc is, in frames,
just before each burst (it has had the rest of the time to catch up) and at its worst.
"""
import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def ring_stat(camring, name):
    return json.loads(subprocess.run([camring, "stat", name, "--json"], capture_output=True, text=True, check=True).stdout)


def burst(seconds):
    """Everything but this is held up; answers whether that was possible."""
    def spin():
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass
    children = []
    for cpu in os.sched_getaffinity(0):
        pid = os.fork()
        if pid == 0:
            try:
                os.sched_setaffinity(0, {cpu})
                spin()
                os._exit(0)
            except OSError:
                os._exit(1)
        children.append(pid)
    return all(os.waitpid(pid, 0)[1] == 0 for pid in children)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bench/bin")
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--burst", type=int, default=150)
    parser.add_argument("--every", type=int, default=1000)
    args = parser.parse_args()
    ring, camring = f"bursts{os.getpid()}", args.bin / "camring"
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    # The kernel keeps 5 % of a second for the others, and a burst must not be cut short by that.
    grab = subprocess.Popen([args.bin / "camgrab", "pattern", "--size", args.size, "--rate", "30", "-o", f"shm:{ring}", "--quiet"], **quiet)
    time.sleep(0.5)
    encode = subprocess.Popen([args.bin / "camenc", "-i", f"shm:{ring}", "-c", "mjpeg", "-o", f"shm:{ring}.jpg", "--quiet"], **quiet)
    time.sleep(2)
    real_time = True
    late, before = [], ring_stat(camring, ring)
    lost_before = before["readers"][0]["lost"]
    end = time.monotonic() + args.minutes * 60
    try:
        while time.monotonic() < end:
            now = ring_stat(camring, ring)
            late.append(max(0, now["newest_seq"] - now["readers"][0]["last_seq"]))
            real_time = real_time and burst(args.burst / 1000)
            if not real_time:
                encode.send_signal(signal.SIGSTOP)
                time.sleep(args.burst / 1000)
                encode.send_signal(signal.SIGCONT)
            time.sleep(max(0.0, (args.every - args.burst) / 1000))
        after = ring_stat(camring, ring)
    finally:
        for process in (encode, grab):
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
            process.wait(10)
    frames = after["frames"] - before["frames"]
    lost = after["readers"][0]["lost"] - lost_before
    how = "processors taken at a real-time priority" if real_time else "camenc stopped"
    print(f"{args.minutes:g} minutes, {args.size} at 30 fps, {args.burst} ms each {args.every} ms: {how}")
    print(f"frames {frames}, lost by camenc {lost}, bursts {len(late)}")
    print(f"frames late before the next burst: median {statistics.median(late):g}, most {max(late)}")
    return 0 if lost == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
