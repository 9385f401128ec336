#!/usr/bin/python3
"""One good MJPEG client and one good RTSP client in a process of their own, so that no attack beside them takes their time.

usage: good_clients.py HTTP_PORT RTSP_PORT FPS     each line on stdin is answered by a line of JSON; ends with stdin

Of each client: connections, frames, missing (frames that the source sent while it was connected and it did not get, told by
sequence numbers and times), jumps (times that went by more than 10 s or backwards), age (seconds since the newest frame),
gap (the longest wait between two, s).
"""
import json
import sys
import time

from harness import HttpClient, RtspClient


def of_http(client, _):
    missing = 0
    numbers = [int(sequence or 0) for _, _, sequence, _ in list(client.frames)]
    for a, b in zip(numbers, numbers[1:]):
        missing += max(0, b - a - 1)
    return missing, sum(b <= a for a, b in zip(numbers, numbers[1:]))


def of_rtsp(client, fps):
    missing, jumps = client.lost_packets, 0
    ticks = 90000 / fps
    times = [timestamp for _, timestamp, _ in list(client.frames)]
    for a, b in zip(times, times[1:]):
        ahead = (b - a + (1 << 31)) % (1 << 32) - (1 << 31)
        if ahead <= 0 or ahead > 10 * 90000:
            jumps += 1
        else:
            missing += max(0, round(ahead / ticks) - 1)
    return missing, jumps


def told(client, count, fps):
    arrivals = [frame[0] for frame in list(client.frames)]
    missing, jumps = count(client, fps)
    return {"connections": client.connections, "frames": len(arrivals), "missing": missing, "jumps": jumps,
            "age": round(time.monotonic() - arrivals[-1], 3) if arrivals else None,
            "gap": round(max((b - a for a, b in zip(arrivals, arrivals[1:])), default=0), 3)}


http, rtsp, fps = HttpClient(int(sys.argv[1])), RtspClient(int(sys.argv[2])), float(sys.argv[3])
http.start()
rtsp.start()
for _ in sys.stdin:
    print(json.dumps({"http": told(http, of_http, fps), "rtsp": told(rtsp, of_rtsp, fps)}), flush=True)
