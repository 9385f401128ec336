#!/usr/bin/env python3
"""Measures every tool and the whole chain, and prints the tables of docs/performance.md.

usage: bench/run.py [--runs N] [--seconds N] [--only tools|latency] [--bin DIR]

Needs the preset "bench" built: cmake --preset bench && cmake --build build/bench. Each figure is the median of N runs
(default 5) that take turns, so that a change of the machine's speed meets all of them. CPU time is the kernel's for the
whole process (user + system).
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZES = {"1080p30": "1920x1080", "720p30": "1280x720"}


def tool(name):
    return str(BIN / name)


def run_timed(argv, stdin=None):
    """Runs to the end; (wall seconds, CPU seconds)."""
    began = time.monotonic()
    process = subprocess.Popen(argv, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(argv)}: exit {process.returncode}: {error.decode(errors='replace')[-300:]}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def make_inputs(folder, frames):
    """Streams on disk that the tools are then fed with as fast as they take them."""
    for name, size in SIZES.items():
        raw = folder / f"{name}.raw.nut"
        with open(raw, "wb") as out:
            subprocess.run([tool("camgrab"), "pattern", "-s", size, "-r", "30", "-n", str(frames), "--quiet"], stdout=out, check=True)
        for codec in ("mjpeg", "h264"):
            with open(raw, "rb") as source, open(folder / f"{name}.{codec}.nut", "wb") as out:
                subprocess.run([tool("camenc"), "-c", codec, "--quiet"], stdin=source, stdout=out, check=True)


def tool_cases(folder, frames):
    for name, size in SIZES.items():
        grab = [tool("camgrab"), "pattern", "-s", size, "-r", "30", "-n", str(frames), "--quiet", "-o", "/dev/null"]
        yield f"camgrab pattern, {name}", grab, None, True
        for what, source, args in (
            ("raw → MJPEG", "raw", ["-c", "mjpeg"]),
            ("raw → H.264", "raw", ["-c", "h264"]),
            ("MJPEG → H.264", "mjpeg", ["-c", "h264"]),
            ("MJPEG passed through", "mjpeg", ["-c", "mjpeg"]),
        ):
            argv = [tool("camenc"), *args, "--quiet", "-o", "/dev/null"]
            yield f"camenc {what}, {name}", argv, folder / f"{name}.{source}.nut", False
        yield f"camrec H.264 → MP4, {name}", [tool("camrec"), "--quiet", str(folder / "recorded")], folder / f"{name}.h264.nut", False


def bench_tools(folder, frames, runs):
    make_inputs(folder, frames)
    cases = list(tool_cases(folder, frames))
    samples = {case[0]: [] for case in cases}
    for _ in range(runs):
        for name, argv, source, _ in cases:
            shutil.rmtree(folder / "recorded", ignore_errors=True)
            with open(source or os.devnull, "rb") as stdin:
                samples[name].append(run_timed(argv, stdin))
    print("| tool | CPU ms per frame | frames/s unpaced |\n| --- | --- | --- |")
    for name, _, _, paced in cases:
        wall = statistics.median(sample[0] for sample in samples[name])
        cpu = statistics.median(sample[1] for sample in samples[name])
        rate = "paced at 30" if paced else f"{frames / wall:.0f}"
        print(f"| {name} | {cpu / frames * 1000:.2f} | {rate} |", flush=True)


class Chain:
    """camgrab pattern | camenc | camserve, with the pids to read the CPU time of."""

    def __init__(self, size, codec):
        self.processes = {}
        common = {"stderr": subprocess.DEVNULL}
        grab = subprocess.Popen([tool("camgrab"), "pattern", "-s", size, "-r", "30"], stdout=subprocess.PIPE, **common)
        enc = subprocess.Popen([tool("camenc"), "-c", codec], stdin=grab.stdout, stdout=subprocess.PIPE, **common)
        serve = subprocess.Popen(
            [tool("camserve"), "--http", "127.0.0.1:0", "--rtsp", "127.0.0.1:0"],
            stdin=enc.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.processes = {"camgrab": grab, "camenc": enc, "camserve": serve}
        self.http = self.rtsp = None
        while not (self.http and self.rtsp):
            line = serve.stderr.readline()
            if not line:
                sys.exit("camserve did not start")
            found = re.search(r"(http|rtsp)://(?:127\.0\.0\.1|localhost):(\d+)", line)
            if found:
                setattr(self, found.group(1), found.group(2))
        grab.stdout.close()
        enc.stdout.close()

    def cpu(self):
        return {name: cpu_of(process.pid) for name, process in self.processes.items()}

    def stop(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        self.processes["camserve"].stderr.read()
        for process in self.processes.values():
            process.wait(10)


def bench_latency(runs, seconds, clients):
    rows = []
    for name, size in SIZES.items():
        for protocol, codec in (("mjpeg", "mjpeg"), ("rtsp", "h264")):
            samples = []
            for _ in range(runs):
                chain = Chain(size, codec)
                time.sleep(2)
                port, path = (chain.http, "/stream/cam") if protocol == "mjpeg" else (chain.rtsp, "/cam")
                before = chain.cpu()
                load = subprocess.run(
                    [tool("load_client"), protocol, f"127.0.0.1:{port}", path, "-n", str(clients), "-d", str(seconds)],
                    stdout=subprocess.PIPE, check=True)
                result = json.loads(load.stdout)
                spent = {key: value - before[key] for key, value in chain.cpu().items()}
                chain.stop()
                result["cpu"] = {key: value / (seconds + 2) * 100 for key, value in spent.items()}
                samples.append(result)
            rows.append((name, protocol, samples))
    print(f"| {clients} clients | p50 ms | p95 ms | p99 ms | gap p99 ms | lost | CPU % camgrab / camenc / camserve |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, protocol, samples in rows:
        mid = lambda key: statistics.median(sample[key] for sample in samples)
        cpu = " / ".join(f"{statistics.median(sample['cpu'][key] for sample in samples):.1f}" for key in ("camgrab", "camenc", "camserve"))
        what = "MJPEG over HTTP" if protocol == "mjpeg" else "H.264 over RTSP/TCP"
        print(f"| {what}, {name} | {mid('age_p50_ms'):.1f} | {mid('age_p95_ms'):.1f} | {mid('age_p99_ms'):.1f} | "
              f"{mid('gap_p99_ms'):.1f} | {mid('lost'):.0f} | {cpu} |")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--seconds", type=int, default=10)
parser.add_argument("--frames", type=int, default=150)
parser.add_argument("--clients", type=int, default=10)
parser.add_argument("--only", choices=("tools", "latency"))
parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bench/bin")
options = parser.parse_args()
BIN = options.bin.resolve()
if not (BIN / "camserve").exists():
    sys.exit(f"run.py: no tools in {BIN}: cmake --preset bench && cmake --build build/bench")
with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as scratch:
    if options.only != "latency":
        bench_tools(pathlib.Path(scratch), options.frames, options.runs)
        print()
    if options.only != "tools":
        bench_latency(options.runs, options.seconds, options.clients)
