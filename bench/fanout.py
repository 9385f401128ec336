#!/usr/bin/env python3
"""Measures camserve beside the floor and beside other servers, and prints the tables of docs/performance.md.

usage: bench/fanout.py [--rounds N] [--seconds N] [--quick] [--only CASE,...] [--servers NAME,...] [--json FILE] [--bin DIR]

Needs the preset "bench" built: cmake --preset bench && cmake --build build/bench; and for the peers what
scripts/install-deps.sh --bench installs. go2rtc, MediaMTX and mjpg-streamer are run when they are on PATH; who is not there
has a blank row. --quick: a look at everything in about three minutes, not a measurement.

All servers of a case take turns in each round, so that a change of the machine's speed meets all of them; told is the median
of the rounds. The floor (bench/fanout/floor) sends one shared buffer to all and does nothing else. The load client is the
same for all: it reads each millisecond, and throws MJPEG bodies away in the kernel. A row is marked * when server and load
together used more than 180 % of the machine, or a client had less than 99 % of the frames: such a figure tells nothing.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench/fanout"))
import servers  # noqa: E402

PEERS = {
    "mjpeg": ["go2rtc", "ustreamer", "mjpg-streamer"],
    "rtsp": ["go2rtc", "gst-rtsp-server", "MediaMTX"],
    "rtsp-udp": ["gst-rtsp-server", "MediaMTX"],
}
FLOORS = {"mjpeg": ["floor"], "rtsp": ["floor", "floor, headers and payloads apart"], "rtsp-udp": ["floor", "floor, sendmmsg"]}
WAYS = {"floor, headers and payloads apart": "tcp-apart", "floor, sendmmsg": "udp"}
PROTOCOLS = {"mjpeg": "MJPEG over HTTP, 720p30, 24 Mbit/s", "rtsp": "RTSP over TCP, 1080p30 H.264, 4 Mbit/s",
             "rtsp-udp": "RTSP over UDP, 1080p30 H.264, 4 Mbit/s"}
CLIP = {"mjpeg": "mjpeg", "rtsp": "h264", "rtsp-udp": "h264"}


def load(running, protocol, n, *more, seconds=None, warm_up=2, join=1, tick=1, pid=None):
    argv = [BENCH.bin / "load_client", protocol, f"127.0.0.1:{running.port}", running.path, "-n", n, "-d", seconds or OPTIONS.seconds,
            "-w", warm_up, "-j", join, "-t", tick, "-V", running.http_version, "-p", pid or running.pid, *more]
    answer = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=600)
    if answer.returncode != 0:
        raise RuntimeError(answer.stderr.strip())
    return json.loads(answer.stdout)


def start(server, protocol, clip=None):
    clip = clip or CLIP[protocol]
    if server == "camserve":
        return BENCH.camserve(clip, protocol)
    if server == "floor":
        return BENCH.floor(clip, protocol)
    if server in WAYS:
        return BENCH.floor(clip, protocol, WAYS[server])
    name = server.replace("-", "_").lower()
    return getattr(BENCH, name)(clip, protocol)


def with_server(server, protocol, measure, clip=None):
    """What measure(running) answers, nothing when the server does not run."""
    try:
        running = start(server, protocol, clip)
    except (RuntimeError, OSError) as error:
        print(f"fanout.py: {server}: {error}", file=sys.stderr)
        return None
    try:
        time.sleep(0.5)
        return measure(running)
    except RuntimeError as error:
        print(f"fanout.py: {server}: {error}", file=sys.stderr)
        return None
    finally:
        running.stop()


def middle(samples, key):
    values = [s[key] for s in samples if s.get(key) is not None]
    return statistics.median(values) if values else None


def sound(samples):
    return all(s["server_cpu_percent"] + s["load_cpu_percent"] < 180 and s["fps_min"] >= 29.7 for s in samples)


def fan_out(protocol, n):
    """CPU of all servers with n clients of one stream."""
    names = FLOORS[protocol] + ["camserve"] + PEERS[protocol]
    names = [name for name in names if not OPTIONS.servers or name in OPTIONS.servers]
    samples = {name: [] for name in names}
    for _ in range(OPTIONS.rounds):
        for name in names:
            if not BENCH.has(name):
                continue
            def measure(running):
                result = load(running, protocol, n)
                if name == "camserve":
                    after = servers.sends(running)
                    result["calls_per_frame"] = after[0] / max(1, after[1]) if after else None
                return result
            if result := with_server(name, protocol, measure):
                result["ms"] = result["server_cpu_percent"] * 10 / n
                samples[name].append(result)
    base = middle(samples.get("floor", []), "ms")
    print(f"\n{PROTOCOLS[protocol]}, {n} clients:\n")
    print("| server | CPU ms per client and second | x floor | fps least | lost % | gap p99 ms | age p50 / p99 ms | anonymous MiB | "
          "server + load % |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        found = samples[name]
        if not found:
            print(f"| {name} | | | | | | | | |")
            continue
        mid = lambda key: middle(found, key)
        frames = 30 * OPTIONS.seconds * n
        lost = (mid("lost") + mid("damaged")) / frames * 100
        age = f"{mid('age_p50_ms'):.1f} / {mid('age_p99_ms'):.1f}" if mid("age_p50_ms") >= 0 else ""
        times = f"{mid('ms') / base:.2f}" if base else ""
        print(f"| {name}{'' if sound(found) else ' *'} | {mid('ms'):.3f} | {times} | {mid('fps_min'):.2f} | {lost:.2f} | "
              f"{mid('gap_p99_ms'):.1f} | {age} | {mid('server_anonymous_kib') / 1024:.1f} | "
              f"{mid('server_cpu_percent') + mid('load_cpu_percent'):.0f} |", flush=True)
    return {"protocol": protocol, "clients": n, "samples": samples}


def ratio(result):
    ours, base = middle(result["samples"].get("camserve", []), "ms"), middle(result["samples"].get("floor", []), "ms")
    return ours / base if ours and base else None


def rounds_of(protocol, measure, clip=None):
    found = [with_server("camserve", protocol, measure, clip) for _ in range(OPTIONS.rounds)]
    return [f for f in found if f]


def quantile(buckets, q):
    """In ms, evenly spread within its bucket; nothing without buckets."""
    total, below, lower = buckets[-1][1] if buckets else 0, 0, 0.0
    for bound, count in buckets:
        if total and count >= q * total:
            upper = bound if bound != float("inf") else lower
            return (lower + (upper - lower) * (q * total - below) / max(1, count - below)) * 1000
        below, lower = count, bound
    return None


def case_mjpeg():
    result = fan_out("mjpeg", 200)
    r = ratio(result)
    TARGETS.append(("MJPEG 720p30 24 Mbit/s, 200 clients: server CPU", "≤ 1.15 × floor", f"{r:.2f} ×" if r else None, r and r <= 1.15))
    return result


def case_tcp():
    result = fan_out("rtsp", 500)
    r, calls = ratio(result), middle(result["samples"].get("camserve", []), "calls_per_frame")
    TARGETS.append(("RTSP/TCP 1080p30 4 Mbit/s, 500 clients: server CPU", "≤ 1.2 × floor", f"{r:.2f} ×" if r else None, r and r <= 1.2))
    TARGETS.append(("the same: send calls per frame and client", "≤ 1.1", f"{calls:.3f}" if calls else None, calls and calls <= 1.1))
    return result


def case_udp():
    result = fan_out("rtsp-udp", 500)
    r = ratio(result)
    TARGETS.append(("RTP/UDP, 500 clients: server CPU", "≤ 1.3 × GSO floor", f"{r:.2f} ×" if r else None, r and r <= 1.3))
    return result


def case_udp200():
    found = rounds_of("rtsp-udp", lambda running: load(running, "rtsp-udp", 200))
    lost = sum(f["lost_packets"] for f in found)
    drops = sum(f["udp_receive_drops"] for f in found)
    TARGETS.append(("RTP/UDP, 200 clients: packets lost", "0", f"{lost} ({drops} of them in receive buffers)", found and lost == 0))
    return found


def case_delay():
    """From a unit's arrival in camserve to its last byte taken by the kernel for the last of 100 clients."""
    kept = {}
    for protocol in ("mjpeg", "rtsp"):
        def measure(running):
            load(running, protocol, 100)
            return servers.histogram(running, "campipe_stream_fanout_seconds")
        found = [b for b in rounds_of(protocol, measure) if b]
        p50 = [q for b in found if (q := quantile(b, 0.5))]
        p99 = [q for b in found if (q := quantile(b, 0.99))]
        text = f"p50 {statistics.median(p50):.1f} ms, p99 {statistics.median(p99):.1f} ms" if p50 else None
        ok = bool(p50) and statistics.median(p50) <= 1 and statistics.median(p99) <= 5
        TARGETS.append((f"packet in → last byte to the kernel for client 100 of 100, {protocol}", "p50 ≤ 1 ms, p99 ≤ 5 ms", text, ok))
        kept[protocol] = found
    return kept


def case_chain():
    kept = []
    for protocol, codec in (("mjpeg", "mjpeg"), ("rtsp", "h264")):
        found = []
        for _ in range(OPTIONS.rounds):
            running = BENCH.chain(codec, "1280x720")
            try:
                time.sleep(1.5)
                found.append(load(running, protocol, 10, tick=0, join=0))
            finally:
                running.stop()
        p95 = middle(found, "age_p95_ms")
        TARGETS.append((f"capture stamp → complete frame at the client, whole chain, 10 clients, {protocol} 720p30", "p95 ≤ 20 ms",
                        f"{p95:.1f} ms", p95 <= 20))
        kept += found
    return kept


def case_bad():
    """50 good clients alone, and beside 50 that never read and 10 slow ones."""
    kept = {}
    for protocol in ("mjpeg", "rtsp"):
        slow = 300_000 if protocol == "mjpeg" else 100_000
        seconds = max(14, OPTIONS.seconds)
        alone = rounds_of(protocol, lambda running: load(running, protocol, 50, seconds=seconds))
        with tempfile.TemporaryDirectory() as folder:
            beside = rounds_of(protocol, lambda running: load(running, protocol, 50, "-x", 50, "-s", 10, "-b", slow, "-k", folder,
                                                              seconds=seconds))
            broken = undecodable_files(folder) if protocol == "rtsp" else None
        fps, grew = middle(beside, "fps_min"), middle(beside, "age_p99_ms") - middle(alone, "age_p99_ms")
        closed, after = min(f["stalled_closed"] for f in beside), middle(beside, "stalled_closed_after_s")
        what = f"50 good + 50 stalled + 10 slow clients, {protocol}"
        TARGETS.append((f"{what}: fps of the good ones", "≥ 99.5 %", f"{fps / 30 * 100:.1f} %", fps >= 29.85))
        TARGETS.append((f"{what}: p99 of their frames' age grows by", "≤ 5 ms", f"{grew:.1f} ms", grew <= 5))
        TARGETS.append((f"{what}: stalled ones closed", "all in 10 s", f"{closed} of 50 within {after:.1f} s", closed == 50 and after <= 11))
        if protocol == "rtsp":
            frames = sum(f["slow_undecodable"] for f in beside)
            TARGETS.append((f"{what}: slow ones' frames that do not decode", "0", f"{frames}; {broken} of 10 files with decoder errors",
                            frames == 0 and broken == 0))
        kept[protocol] = {"alone": alone, "beside": beside}
    return kept


def undecodable_files(folder):
    """How many of the kept streams FFmpeg's decoder has something to say about."""
    bad = 0
    for path in sorted(pathlib.Path(folder).glob("*.h264")):
        answer = subprocess.run(["ffmpeg", "-v", "error", "-err_detect", "explode", "-f", "h264", "-i", path, "-f", "null", "-"],
                                capture_output=True, text=True)
        # The last picture is cut off where the client went.
        bad += 1 if len(answer.stderr.strip().splitlines()) > 3 else 0
    return bad


def case_join():
    kept = {}
    joins, seconds = (30, 6) if OPTIONS.quick else (200, 20)
    found = rounds_of("rtsp", lambda running: load(running, "rtsp", joins, seconds=2, join=seconds, tick=0), clip="h264-gop5")
    p95 = middle(found, "first_key_p95_ms")
    TARGETS.append(("join with a GOP of 5 s, gop: PLAY → first complete IDR", "p95 ≤ 50 ms", f"{p95:.1f} ms", p95 <= 50))
    kept["gop"] = found
    running = BENCH.camserve_behind_camenc(150, OPTIONS.join_options)
    try:
        time.sleep(3)
        idr = load(running, "rtsp", joins, seconds=2, join=seconds, tick=0)
    finally:
        running.stop()
    p95 = idr["first_key_p95_ms"]
    TARGETS.append(("the same, idr (camenc asked through a ring)", "p95 ≤ 300 ms", f"{p95:.1f} ms, all {idr['joined']} of {joins}", p95 <= 300))
    kept["idr"] = idr
    found = rounds_of("mjpeg", lambda running: load(running, "mjpeg", joins, seconds=2, join=seconds, tick=0))
    p95 = middle(found, "first_frame_p95_ms")
    TARGETS.append(("MJPEG: request → first complete picture", "p95 ≤ 5 ms", f"{p95:.1f} ms", p95 <= 5))
    kept["mjpeg"] = found
    return kept


def case_memory():
    idle = rounds_of("rtsp", lambda running: {"kib": anonymous_kib(running.pid)})
    clients = 500
    playing = rounds_of("rtsp", lambda running: {"before": anonymous_kib(running.pid), **load(running, "rtsp", clients, seconds=5)})
    each = middle([{"kib": (f["server_anonymous_kib"] - f["before"]) / clients} for f in playing], "kib")
    stalled = rounds_of("rtsp", lambda running: {"before": anonymous_kib(running.pid), **load(running, "rtsp", 1, "-x", 200, seconds=4)})
    each_stalled = middle([{"kib": (f["server_anonymous_kib"] - f["before"]) / 201} for f in stalled], "kib")
    own = middle(idle, "kib") / 1024
    TARGETS.append(("anonymous memory, one H.264 stream, no client", "≤ 12 MB", f"{own:.1f} MiB", own * 1.048576 <= 12))
    TARGETS.append((f"the same per RTSP client (of {clients})", "≤ 24 KB", f"{each:.1f} KiB", each * 1.024 <= 24))
    TARGETS.append(("the same per stalled RTSP client (of 200)", "≤ 16 KB", f"{each_stalled:.1f} KiB", each_stalled * 1.024 <= 16))
    return {"idle": idle, "playing": playing, "stalled": stalled}


def case_idle():
    def measure(running):
        before = cpu_ns(running.pid)
        time.sleep(OPTIONS.seconds)
        return {"percent": (cpu_ns(running.pid) - before) / OPTIONS.seconds / 1e7}
    found = {protocol: rounds_of(protocol, measure) for protocol in ("mjpeg", "rtsp")}
    for protocol, what in (("mjpeg", "MJPEG 24 Mbit/s"), ("rtsp", "H.264 4 Mbit/s")):
        p = middle(found[protocol], "percent")
        TARGETS.append((f"one stream of {what}, no client", "≤ 0.3 % of a core", f"{p:.2f} %", p <= 0.3))
    return found


def case_many():
    one = rounds_of("rtsp", lambda running: load(running, "rtsp", 500))
    many = []
    for _ in range(OPTIONS.rounds):
        running = BENCH.camserve("h264", "rtsp", streams=50)
        try:
            time.sleep(1)
            many.append(load(running, "rtsp", 500, "-m", 50))
        finally:
            running.stop()
    mid = lambda found, key: middle(found, key)
    text = (f"fps least {mid(many, 'fps_min'):.2f} and {mid(one, 'fps_min'):.2f}, gap p99 {mid(many, 'gap_p99_ms'):.1f} and "
            f"{mid(one, 'gap_p99_ms'):.1f} ms, age p99 {mid(many, 'age_p99_ms'):.1f} and {mid(one, 'age_p99_ms'):.1f} ms, CPU "
            f"{mid(many, 'server_cpu_percent'):.0f} and {mid(one, 'server_cpu_percent'):.0f} %")
    TARGETS.append(("50 streams × 10 clients, and 1 × 500, RTSP/TCP", "as smooth", text, mid(many, "gap_p99_ms") <= mid(one, "gap_p99_ms") + 5))
    return {"one": one, "many": many}


def anonymous_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("RssAnon:")[1].split()[0])


def cpu_ns(pid):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


CASES = {"mjpeg": case_mjpeg, "tcp": case_tcp, "udp": case_udp, "udp200": case_udp200, "delay": case_delay, "chain": case_chain,
         "bad": case_bad, "join": case_join, "memory": case_memory, "idle": case_idle, "many": case_many}
TARGETS = []

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
parser.add_argument("--quick", action="store_true", help="one round of 3 s")
parser.add_argument("--only", type=lambda text: text.split(","), help=f"of {', '.join(CASES)}")
parser.add_argument("--servers", type=lambda text: text.split(","), help="only these in the tables of servers")
parser.add_argument("--join-options", type=str.split, default=["--join", "idr"], help="given to camserve where joins by a keyframe are measured")
parser.add_argument("--json", type=pathlib.Path, help="keep all samples here")
parser.add_argument("--clips", type=pathlib.Path, help="folder for the clips (default: made anew each time)")
parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/bench/bin")
OPTIONS = parser.parse_args()
if OPTIONS.quick:
    OPTIONS.rounds, OPTIONS.seconds = 1, 3
binaries = OPTIONS.bin.resolve()
if not (binaries / "fanout_floor").exists():
    sys.exit(f"fanout.py: no fanout_floor in {binaries}: cmake --preset bench && cmake --build build/bench")
if unknown := [case for case in OPTIONS.only or [] if case not in CASES]:
    sys.exit(f"fanout.py: --only {','.join(unknown)}: of {', '.join(CASES)}")
with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as scratch:
    folder = OPTIONS.clips or pathlib.Path(scratch)
    folder.mkdir(exist_ok=True)
    BENCH = servers.Bench(binaries, servers.make_clips(folder, binaries))
    kept = {}
    for name, case in CASES.items():
        if OPTIONS.only and name not in OPTIONS.only:
            continue
        kept[name] = case()
        print(f"{name}: load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print("\n| | to reach | measured |\n| --- | --- | --- |")
    for what, wanted, measured, reached in TARGETS:
        told = "" if measured is None else measured if reached else f"**missed**: {measured}"
        print(f"| {what} | {wanted} | {told} |")
    if OPTIONS.json:
        OPTIONS.json.write_text(json.dumps(kept, indent=1))
