#!/usr/bin/python3
"""Players join H.264 with a keyframe every 5 s at any phase, over TCP and UDP, behind a pipe and a ring, with each --join: not
one decoder complains, and the times to the first picture are told.

JOINS: how many in all, spread over the twelve ways (default 48)."""
import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import Scratch, Tap, free_port, wait_until

JOINS = int(os.environ.get("JOINS", "48"))
AT_ONCE = int(os.environ.get("JOINS_AT_ONCE", "6"))
RATE, GOP_S, FRAMES = 30, 5, 12
WAYS = ("idr", "gop", "wait")
tap = Tap()


def join(url, transport):
    """A player that begins at a random phase: what it complained of, and the seconds until it had decoded its frames."""
    time.sleep(random.uniform(0, GOP_S))
    begin = time.monotonic()
    # Players over UDP may be given a port that another has just left.
    player = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-err_detect", "explode", "-xerror", "-rtsp_transport", transport,
         "-analyzeduration", "100000", "-threads", "1", "-i", url, "-map", "0:v", "-frames:v", str(FRAMES), "-f", "null", "-"],
        capture_output=True, text=True, timeout=90)
    complaint = player.stderr.strip()
    return complaint or (f"exit {player.returncode}" if player.returncode else ""), time.monotonic() - begin


def serve(scratch, kind, way, environment):
    """A server of that kind of input; its RTSP port."""
    port = free_port()
    tail = f"camserve --http none --rtsp 127.0.0.1:{port} --join {way} --quiet"
    grab = f"camgrab pattern -s 320x180 -r {RATE} --quiet"
    encode = f"camenc -c h264 -g {RATE * GOP_S} --quiet"
    name = f"{kind}-{way}"
    if kind == "pipe":
        scratch.start(f"{grab} | {encode} | {tail}", name, shell=True)
    else:
        scratch.start(f"{tail} cam=shm:cam.h264", name, shell=True, env=environment)
    return port


def answers(port):
    return subprocess.run(["ffprobe", "-v", "quiet", "-rtsp_transport", "tcp", "-i", f"rtsp://127.0.0.1:{port}/cam"],
                          timeout=30).returncode == 0


with Scratch() as scratch, tempfile.TemporaryDirectory(dir="/dev/shm", prefix="joins-") as rings:
    environment = {"CAMPIPE_RING_DIR": rings}
    scratch.start(f"camgrab pattern -s 320x180 -r {RATE} --quiet -o shm:cam.raw", "grab", shell=True, env=environment)
    scratch.start(f"camenc -i shm:cam.raw -c h264 -g {RATE * GOP_S} --quiet -o shm:cam.h264", "encode", shell=True, env=environment)
    ports = {(kind, way): serve(scratch, kind, way, environment) for kind in ("pipe", "ring") for way in WAYS}
    ways = [(kind, way, transport) for kind, way in ports for transport in ("tcp", "udp")]
    up = all(wait_until(60, lambda p=port: answers(p), 0.5) for port in ports.values())
    tap.ok(up, "all servers answer", "\n".join(scratch.text(f"{k}-{w}.err") for k, w in ports))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = []
        for i in range(JOINS):
            kind, way, transport = ways[i % len(ways)]
            runs.append((ways[i % len(ways)], pool.submit(join, f"rtsp://127.0.0.1:{ports[kind, way]}/cam", transport)))
        results = [(way, run.result()) for way, run in runs]
    for kind, way, transport in ways:
        mine = [result for of, result in results if of == (kind, way, transport)]
        bad = [complaint for complaint, _ in mine if complaint]
        times = sorted(seconds for _, seconds in mine)
        if times:
            tap.note(f"{kind}, {way}, {transport}: {len(mine)} joins, {FRAMES} frames after {times[len(times) // 2]:.1f} s in the middle, "
                     f"{times[-1]:.1f} s at most")
        tap.ok(not bad, f"{kind}, --join {way}, {transport}: no decoder complains in {len(mine)} joins", "\n".join(bad))
tap.done()
