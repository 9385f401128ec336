#!/usr/bin/env python3
"""What a chain that runs for long keeps of memory, descriptors and threads.

usage: bench/memory.py [--minutes N] [--bin DIR] [--size WxH] [--rate FPS]     default: 60 minutes, build/bench/bin, 640x360, 15

pattern -> raw ring -> two encoders (H.264, MJPEG) -> camserve with 4 clients (2 RTSP, 2 MJPEG), and a recorder. Every 10 s
each process's resident memory without shared pages (RssAnon), descriptors and threads are read. After the first 10 minutes (a
sixth of a shorter run) a line is fitted: its slope in MiB a day, and the least and most descriptors and threads, are printed for
each process. Exits with 1 when a process ended by itself.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bench/bin")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--rate", default="15")
    return parser.parse_args()


def sample(pid):
    """Resident anonymous memory in KiB, descriptors, threads; None when it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return int(fields["RssAnon"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(fields["Threads"])
    except (OSError, KeyError):
        return None


def slope(points):
    """Of a line through (seconds, KiB), in MiB a day."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread * 86400 / 1024 if spread else 0.0


def main():
    args = options()
    seconds = args.minutes * 60
    settle = min(600, seconds / 6)
    ring = f"memory{os.getpid()}"
    folder = tempfile.TemporaryDirectory(prefix="campipe-memory-")
    http = 20000 + os.getpid() % 20000
    rtsp = http + 1
    tool = lambda name: str(args.bin / name)
    wanted = {
        "camgrab": [tool("camgrab"), "pattern", "--size", args.size, "--rate", args.rate, "-o", f"shm:{ring}.raw"],
        "camenc h264": [tool("camenc"), "-i", f"shm:{ring}.raw", "-c", "h264", "-o", f"shm:{ring}.h264"],
        "camenc mjpeg": [tool("camenc"), "-i", f"shm:{ring}.raw", "-c", "mjpeg", "-o", f"shm:{ring}.mjpeg"],
        "camserve": [tool("camserve"), f"cam=shm:{ring}.h264", f"cam=shm:{ring}.mjpeg", "--http", f"127.0.0.1:{http}", "--rtsp",
                     f"127.0.0.1:{rtsp}"],
        "camrec": [tool("camrec"), "-i", f"shm:{ring}.h264", "--name", "cam", "--segment", "20s", "--max-size", "64MiB", folder.name],
    }
    ours, clients = {}, []
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        for name, argv in wanted.items():
            ours[name] = subprocess.Popen([*argv, "--quiet"], **quiet)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if urllib.request.urlopen(f"http://127.0.0.1:{http}/health", timeout=2).status == 200:
                    break
            except OSError:
                time.sleep(0.2)
        for _ in range(2):
            clients.append(subprocess.Popen(["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", f"rtsp://127.0.0.1:{rtsp}/cam",
                                             "-c", "copy", "-f", "null", "-"], **quiet))
            clients.append(subprocess.Popen(["curl", "-sN", "-o", "/dev/null", f"http://127.0.0.1:{http}/stream/cam"], **quiet))
        start = time.monotonic()
        samples = {name: [] for name in ours}
        while (now := time.monotonic() - start) < seconds:
            for name, process in ours.items():
                got = sample(process.pid) if process.poll() is None else None
                if got is None:
                    print(f"{name} ended by itself after {now:.0f} s with {process.poll()}")
                    return 1
                samples[name].append((now, *got))
            time.sleep(min(10, seconds / 60))
    finally:
        for process in [*clients, *ours.values()]:
            process.send_signal(signal.SIGTERM)
        for process in [*clients, *ours.values()]:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
    print(f"{args.minutes:g} minutes, the first {settle / 60:g} left out; {args.size} at {args.rate} fps")
    print(f"{'process':14} {'MiB at the end':>15} {'slope MiB/day':>14} {'descriptors':>12} {'threads':>9}")
    for name, rows in samples.items():
        kept = [row for row in rows if row[0] >= settle]
        span = lambda column: f"{min(r[column] for r in kept)}..{max(r[column] for r in kept)}"
        steps = [f"{row[1] / 1024:.2f}" for row in rows[:: max(1, len(rows) // 12)]]
        print(f"{name:14} {kept[-1][1] / 1024:15.2f} {slope([(r[0], r[1]) for r in kept]):14.3f} {span(2):>12} {span(3):>9}  MiB over time: {' '.join(steps)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
