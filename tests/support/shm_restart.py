#!/usr/bin/python3
"""Kills camgrab and then camenc behind a camserve that reads rings, and starts them again, while an HTTP and an RTSP client watch.

usage: shm_restart.py RING

Exits with 1 unless both clients kept their one connection, RTP's sequence numbers and timestamps went on (the latter by the
capture times of the pictures), and the picture came back after each restart.
"""
import re
import sys

from harness import HttpClient, RtspClient, Scratch, wait_until

RATE = 15


def main():
    ring = sys.argv[1]
    raw, jpeg, avc = f"shm:{ring}.raw", f"shm:{ring}.mjpeg", f"shm:{ring}.h264"
    wrong = []

    def check(passed, what):
        if not passed:
            wrong.append(what)

    with Scratch() as scratch:
        def start(name, argv):
            return scratch.start([*argv, "--quiet"], name)

        stages = {
            "grab": ["camgrab", "pattern", "-s", "320x240", "-r", str(RATE), "-o", raw],
            "jpeg": ["camenc", "-i", raw, "-o", jpeg],
            "avc": ["camenc", "-i", raw, "-c", "h264", "-o", avc],
        }
        running = {name: start(name, argv) for name, argv in stages.items()}
        scratch.start(["camserve", "--http", "127.0.0.1:0", "--rtsp", "127.0.0.1:0", f"cam={jpeg}", f"cam={avc}"], "serve")

        def port(scheme):
            found = re.search(scheme + r"://[^:/]+:(\d+)", scratch.text("serve.err"))
            return found and int(found.group(1))

        http = HttpClient(wait_until(20, lambda: port("http")))
        rtsp = RtspClient(wait_until(20, lambda: port("rtsp")))
        check(wait_until(20, lambda: "h264 320x240" in scratch.text("serve.err")), "no H.264 reached camserve")
        http.start()
        rtsp.start()

        def flows():
            """Both clients get two seconds' worth of new pictures."""
            before = len(http.frames), len(rtsp.frames)
            return wait_until(30, lambda: len(http.frames) >= before[0] + 2 * RATE and len(rtsp.frames) >= before[1] + 2 * RATE)

        check(flows(), "no picture at the beginning")
        for name in ("grab", "jpeg", "avc", "grab"):
            scratch.kill(running[name])
            running[name] = start(name, stages[name])
            check(flows(), f"no picture after the restart of {name}")
        http.stop()
        rtsp.stop()

    print(f"HTTP: {http.connections} connection, {len(http.frames)} pictures")
    print(f"RTSP: {rtsp.connections} connection, {len(rtsp.frames)} pictures, {rtsp.lost_packets} gaps in the sequence numbers")
    check(http.connections == 1, "HTTP was cut")
    check(rtsp.connections == 1, "RTSP was cut")
    check(rtsp.lost_packets == 0, "RTP sequence numbers did not go on")

    stamps = [float(stamp) for _, stamp, _, _ in http.frames]
    check(all(b > a for a, b in zip(stamps, stamps[1:])), "capture times went back")
    # RTP: from the first picture to each later one as many ticks as its capture time says, through all restarts. The sender
    # reports, which have the stream's clock, never jump either.
    ticks = [timestamp for _, timestamp, _ in rtsp.frames]
    steps = [(b - a) % (1 << 32) for a, b in zip(ticks, ticks[1:])]
    check(all(0 < step < 60 * 90000 for step in steps), f"RTP timestamps jumped: {sorted(steps)[-3:]}")
    # Each shown picture of either output is of the same clock: the Unix times by RTP are among those of HTTP.
    by_http = sorted(stamps)
    by_rtp = [unix / 1e6 for _, _, unix in rtsp.frames if unix is not None]
    import bisect
    near = 0
    for time in by_rtp:
        at = bisect.bisect(by_http, time)
        near += any(abs(by_http[i] - time) < 0.001 for i in (at - 1, at) if 0 <= i < len(by_http))
    print(f"RTSP: {near} of {len(by_rtp)} pictures have the time of one by HTTP")
    check(by_rtp and near >= 0.8 * len(by_rtp), "the two clocks differ")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
