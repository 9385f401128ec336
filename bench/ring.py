#!/usr/bin/env python3
"""Measures rings beside pipes and beside what others do, and prints the tables of docs/performance.md.

usage: bench/ring.py [--rounds N] [--pictures N] [--receivers 1,4,16] [--only latency|loss|soak] [--json FILE] [--bin DIR]

Needs the preset "bench" built: cmake --preset bench && cmake --build build/bench --target ring_bench ring_soak. For the row
of GStreamer its headers must be there when it is built: scripts/install-deps.sh --bench.

latency: a sender and its receivers, each in a process of its own, 1080p YUV 4:2:0 at 60 fps; from just before a picture is
handed out until a receiver has it in its hands. All ways take turns in each round, so that a change of the machine's speed
meets all of them; told is the median of the rounds. loss: 120 fps, 4 receivers, a minute. soak: 10,000,000 small pictures.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WAYS = {
    "ring": "ring, drawn in place, leased",
    "ring-copied-in": "ring, copied in, leased",
    "ring-copied-out": "ring, drawn in place, copied out",
    "pipe-nut": "pipe, NUT of campipe",
    "pipe": "pipe, writev and read",
    "locked-slot": "one slot, flock + 1 ms poll (ustreamer's memsink pattern)",
    "gstreamer": "GStreamer 1.22 shmsink and shmsrc",
}
# A pipe for each of 16 receivers is more than the processors can copy at 60 fps.
MOST = {"pipe": 4, "pipe-nut": 4}


def ring_bench(way, receivers, *options):
    slots = max(8, receivers + 4)
    answer = subprocess.run([BIN / "ring_bench", way, "-n", str(receivers), "-s", str(slots), *map(str, options)],
                            capture_output=True, text=True, timeout=600)
    if answer.returncode not in (0, 1) or not answer.stdout:
        print(f"ring.py: {way}: {answer.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return json.loads(answer.stdout)


def latency(receivers, rounds, pictures):
    here = subprocess.run([BIN / "ring_bench", "--has-gstreamer"], check=False).returncode == 0
    missing = set() if here else {"gstreamer"}
    cases = [(way, n) for n in receivers for way in WAYS if way not in missing and n <= MOST.get(way, n)]
    samples = {case: [] for case in cases}
    for number in range(rounds):
        for case in cases:
            if result := ring_bench(*case, "-c", pictures):
                samples[case].append(result)
        print(f"round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print("| way | receivers | p50 µs | p99 µs | p99.9 µs | CPU µs a picture: sender | each receiver | lost |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for n in receivers:
        for way, name in WAYS.items():
            found = samples.get((way, n))
            if not found:
                if way in missing:
                    print(f"| {name} | {n} | | | | | | |")
                continue
            mid = lambda key: f"{statistics.median(sample[key] for sample in found):.0f}"
            lost = sum(sample["lost"] + sample["dropped"] for sample in found)
            print(f"| {name} | {n} | {mid('p50_us')} | {mid('p99_us')} | {mid('p999_us')} | {mid('sender_cpu_us')} | "
                  f"{mid('receiver_cpu_us')} | {lost} |")
    copies = [sample for case in samples for sample in samples[case] if case[0] == "ring"]
    print(f"\nring, drawn in place, leased: {sum(s['copied'] for s in copies)} copies by receivers, "
          f"{sum(s['dropped'] for s in copies)} pictures dropped by the sender, of {sum(s['got'] for s in copies)} received.", flush=True)
    return [sample for found in samples.values() for sample in found]


def loss(seconds):
    result = ring_bench("ring", 4, "-r", 120, "-c", 120 * seconds)
    if result:
        print(f"120 fps, 4 receivers, {seconds} s: {result['lost']} of {result['pictures'] * 4} lost, {result['dropped']} dropped; "
              f"p50 {result['p50_us']:.0f} µs, p99 {result['p99_us']:.0f} µs, longest {result['max_us'] / 1000:.1f} ms", flush=True)
    return result


def soak(pictures):
    answer = subprocess.run([BIN / "ring_soak", "-c", str(pictures)], stdout=subprocess.PIPE, text=True, check=True)
    samples = [json.loads(line) for line in answer.stdout.splitlines()]
    print("| ring | pictures | s | private memory KiB: writer, leasing, copying, coming and going | descriptors | locks |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in ("raw", "coded"):
        own = [sample for sample in samples if sample["kind"] == kind]
        for sample in (own[0], own[-1]):
            print(f"| {kind} | {sample['published']:,} | {sample['seconds']:.0f} | {', '.join(map(str, sample['rss_kib']))} | "
                  f"{', '.join(map(str, sample['fds']))} | {sample['locks']} |", flush=True)
    return samples


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--pictures", type=int, default=300)
parser.add_argument("--receivers", default="1,4,16")
parser.add_argument("--seconds", type=int, default=60, help="of the loss measurement")
parser.add_argument("--soak", type=int, default=10_000_000, help="pictures of the soak")
parser.add_argument("--only", choices=("latency", "loss", "soak"))
parser.add_argument("--json", type=pathlib.Path, help="keep all samples here")
parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bench/bin")
options = parser.parse_args()
BIN = options.bin.resolve()
if not (BIN / "ring_bench").exists():
    sys.exit(f"ring.py: no ring_bench in {BIN}: cmake --preset bench && cmake --build build/bench")
kept = {}
if options.only in (None, "latency"):
    kept["latency"] = latency([int(n) for n in options.receivers.split(",")], options.rounds, options.pictures)
if options.only in (None, "loss"):
    kept["loss"] = loss(options.seconds)
if options.only in (None, "soak"):
    kept["soak"] = soak(options.soak)
if options.json:
    options.json.write_text(json.dumps(kept, indent=1))
