#!/usr/bin/python3
"""40 good clients and 5 that never read, for 60 s, over HTTP and over RTSP/TCP: the good ones lose nothing, the stalled ones
are closed."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import Scratch, Tap, free_port, wait_until

SECONDS = int(os.environ.get("SECONDS_EACH", "60"))
tap = Tap()
for protocol, codec, path in (("mjpeg", "mjpeg", "/stream/cam"), ("rtsp", "h264", "/cam")):
    with Scratch() as scratch:
        http, rtsp = free_port(), free_port()
        scratch.start(f"camgrab pattern -s 1280x720 -r 30 | camenc -c {codec} | camserve --http 127.0.0.1:{http} --rtsp 127.0.0.1:{rtsp}",
                      "chain", shell=True)
        up = wait_until(20, lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{http}/health"]).returncode == 0, 0.2)
        tap.ok(up, f"{protocol}: the chain is up", scratch.text("chain.err"))
        port = http if protocol == "mjpeg" else rtsp
        load = subprocess.run(["load_client", protocol, f"127.0.0.1:{port}", path, "-n", "40", "-x", "5", "-d", str(SECONDS), "-w", "3"],
                              capture_output=True, text=True, timeout=SECONDS + 60)
        result = json.loads(load.stdout or "{}")
        tap.note(f"{protocol}: {load.stdout.strip()}")
        expected = SECONDS * 30
        tap.ok(result.get("lost") == 0 and result.get("frames_min", 0) >= expected - 15,
               f"{protocol}: 40 good clients lose no frame in {SECONDS} s beside 5 that never read", result or load.stderr)
        tap.ok(result.get("good_closed") == 0, f"{protocol}: no good client is closed", result)
        tap.note(f"{protocol}: gap p99 of the good clients {result.get('gap_p99_ms')} ms (bench/fanout.py measures it)")
        tap.ok(result.get("stalled_closed") == 5 and result.get("stalled_closed_after_s", 99) < 16,
               f"{protocol}: the stalled ones are closed about 10 s after they stopped taking anything", result)
tap.done()
