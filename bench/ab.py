#!/usr/bin/env python3
"""Measures two builds beside each other, in turns, and prints one table: did a change cost anything?

usage: bench/ab.py [--rounds N] [--seconds N] BIN_BEFORE BIN_AFTER

Each BIN is the bin folder of a checkout built with the preset "bench"; its own load clients measure it. In each round the
two take turns, the second going first in every other round; the figure is the median of the rounds, the ratio the median
of the rounds' ratios. A ratio above 1 is a loss. On a machine that does other work the ratios still hold, times do not.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(script, binaries, *arguments):
    """The JSON that one of the scripts of this folder keeps of a run with one build."""
    with tempfile.NamedTemporaryFile(suffix=".json") as kept:
        command = [ROOT / "bench" / script, "--bin", binaries, "--rounds", "1", "--json", kept.name, *arguments]
        answer = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if answer.returncode != 0:
            raise RuntimeError(f"{script}: {answer.stderr.strip()}")
        return json.load(open(kept.name))


def fan_out(case):
    def measure(binaries):
        kept = run("fanout.py", binaries, "--only", case, "--servers", "camserve", "--seconds", str(OPTIONS.seconds), "--clips", CLIPS)
        return kept[case]["samples"]["camserve"][0]["ms"]
    return measure


def chain(binaries):
    kept = run("fanout.py", binaries, "--only", "chain", "--seconds", str(OPTIONS.seconds), "--clips", CLIPS)
    return statistics.mean(sample["age_p50_ms"] for sample in kept["chain"])


def ring(key):
    def measure(binaries):
        command = [binaries / "ring_bench", "ring", "-n", "4", "-s", "8", "-c", "300"]
        answer = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if not answer.stdout:
            raise RuntimeError(f"ring_bench: {answer.stderr.strip()}")
        return json.loads(answer.stdout)[key]
    return measure


MEASURES = [
    ("MJPEG to 200 clients: CPU ms per client and second", fan_out("mjpeg")),
    ("RTSP/TCP to 500 clients: CPU ms per client and second", fan_out("tcp")),
    ("RTP/UDP to 500 clients: CPU ms per client and second", fan_out("udp")),
    ("capture to client, 720p30, 10 clients: p50 ms", chain),
    ("ring to 4 readers: p50 µs", ring("p50_us")),
    ("ring to 4 readers: CPU µs a frame and reader", ring("receiver_cpu_us")),
]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rounds", type=int, default=7)
parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
parser.add_argument("--only", help="measures whose name contains this")
parser.add_argument("before", type=pathlib.Path)
parser.add_argument("after", type=pathlib.Path)
OPTIONS = parser.parse_args()
for binaries in (OPTIONS.before, OPTIONS.after):
    if not (binaries / "fanout_floor").exists():
        sys.exit(f"ab.py: no fanout_floor in {binaries}: cmake --preset bench && cmake --build build/bench")
print("| | before | after | after / before (least to most) |\n| --- | --- | --- | --- |", flush=True)
with tempfile.TemporaryDirectory() as CLIPS:
    for name, measure in MEASURES:
        if OPTIONS.only and OPTIONS.only not in name:
            continue
        pairs = []
        for turn in range(OPTIONS.rounds):
            try:
                if turn % 2 == 0:
                    before = measure(OPTIONS.before)
                    pairs.append((before, measure(OPTIONS.after)))
                else:
                    after = measure(OPTIONS.after)
                    pairs.append((measure(OPTIONS.before), after))
            except (RuntimeError, KeyError, IndexError) as error:
                print(f"ab.py: {name}: {error}", file=sys.stderr)
        if not pairs:
            print(f"| {name} | | | |", flush=True)
            continue
        ratios = sorted(after / before for before, after in pairs)
        middle = [statistics.median(column) for column in zip(*pairs)]
        print(f"| {name} | {middle[0]:.3g} | {middle[1]:.3g} | {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}) |",
              flush=True)
