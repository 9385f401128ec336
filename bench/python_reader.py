#!/usr/bin/python3
"""How late a Python program has the pictures of a raw ring while all processors are taken.

usage: bench/python_reader.py [--seconds N] [--bin DIR] [--size WxH] [--rate FPS] [--load PROGRAMS]
       default: 60 s, build/bench/bin, 1920x1080, 60, one program that only computes for each processor

From the moment that the writer published a picture until Reader.read() of campipe_ring has returned it, the newest each time.
All run at the same priority. Printed: pictures, those passed over, and the median, 99th percentile and most of the delay.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bench/bin")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--rate", default="60")
    parser.add_argument("--load", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    os.environ.setdefault("CAMPIPE_RING_LIBRARY", str(args.bin.parent / "lib/libcampipe-ring.so.0"))
    sys.path.insert(0, str(ROOT / "python"))
    from campipe_ring import Reader

    ring = f"late{os.getpid()}"
    grab = subprocess.Popen([args.bin / "camgrab", "pattern", "--size", args.size, "--rate", args.rate, "-o", f"shm:{ring}", "--quiet"],
                            stdin=subprocess.DEVNULL)
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(args.load)]
    late = []
    try:
        with Reader(ring) as reader:
            for _ in range(30):  # until everything is warm
                reader.read(5)
            end = time.monotonic() + args.seconds
            lost = reader.stats()["lost"]
            while time.monotonic() < end:
                frame = reader.read(5)
                if frame is None:
                    break
                late.append((time.clock_gettime_ns(time.CLOCK_MONOTONIC) - frame.published_ns) / 1e6)
            lost = reader.stats()["lost"] - lost
    finally:
        for process in [*load, grab]:
            process.terminate()
            process.wait()
    late.sort()
    print(f"{args.size} at {args.rate} fps, {args.load} programs that compute, {args.seconds:g} s")
    print(f"pictures {len(late)}, passed over {lost}")
    print(f"delay ms: median {late[len(late) // 2]:.2f}, p99 {late[len(late) * 99 // 100]:.2f}, most {late[-1]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
