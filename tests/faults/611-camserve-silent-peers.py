#!/usr/bin/python3
"""Peers that never come to an end: requests a byte a second on both ports, connections whose peer is gone without a word, at
each step of the dialogue, clients that stop reading. Each is closed by its time-out and leaves nothing; good clients beside
them lose nothing. The longest time-outs are 70 s: waited for when SECONDS_EACH is at least 60."""
import os
import pathlib
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import Scratch, Tap, wait_until
from served import Player, Served, vanish

LONG = int(os.environ.get("SECONDS_EACH", "60")) >= 60
LORISES = 50
tap = Tap()


def is_open(s):
    """Not by reading: TCP_INFO's state (its first byte) is ESTABLISHED until something comes from the server."""
    s = getattr(s, "socket", s)
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1


def drip(peers, seconds):
    """Each peer sends its next byte once a second until it is closed; how long the last one held."""
    start = time.monotonic()
    at = 0
    alive = list(peers)
    while alive and time.monotonic() - start < seconds:
        for s, data in list(alive):
            try:
                if not is_open(s):
                    raise OSError
                s.send(data[at % len(data):at % len(data) + 1])
            except OSError:
                alive.remove((s, data))
        at += 1
        if alive:
            time.sleep(min(1, seconds))
    return time.monotonic() - start, len(alive)


def held(served, peers):
    """Which of the peers' ports camserve still has a socket for: read from /proc/net/tcp, the peers do not hear of it."""
    ports = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, state = line.split()[1:4]
        if int(local.split(":")[1], 16) in (served.http, served.rtsp) and line.split()[9] != "0":
            ports[int(remote.split(":")[1], 16)] = state
    return sorted(name for name, port in peers if port in ports)


def vanished(served):
    """Connections at each step, whose peers are then gone: (name, client port)."""
    kept, peers = [], []

    def gone(name, s):
        vanish(s)
        kept.append(s)
        peers.append((name, s.getsockname()[1]))

    for name, data in (("HTTP connected", b""), ("HTTP half a request", b"GET /stream/cam HTTP/1.1\r\nHos"), ("HTTP a stream", b"GET /stream/cam HTTP/1.1\r\n\r\n"),
                       ("HTTP between requests", b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")):
        s = served.connect(served.http)
        s.sendall(data)
        if data.endswith(b"\n"):
            s.recv(65536)
        gone(name, s)
    for name, data in (("RTSP connected", b""), ("RTSP half a request", b"OPTIONS * RTSP/1.0\r\nCS"), ("RTSP half a frame", b"$\x01\x40\x00abc")):
        s = served.connect(served.rtsp)
        s.sendall(data)
        gone(name, s)
    for step in ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "frame", "PAUSE", "TEARDOWN"):
        player = Player(served).up_to(step)
        gone(f"RTSP after {step}", player.socket)
        kept.append(player)
    return kept, peers


def stopped_reading(served):
    """A client of each protocol that asked for the stream and never reads it."""
    s = served.connect(served.http, receive_buffer=4096)
    s.sendall(b"GET /stream/cam HTTP/1.1\r\n\r\n")
    player = Player(served, receive_buffer=4096).up_to("PLAY")
    return s, player


# closed by the time-out between requests, 30 s, or that of a session, 70 s
SLOW = {"HTTP between requests", *(f"RTSP after {step}" for step in ("OPTIONS", "DESCRIBE", "SETUP", "PAUSE", "TEARDOWN"))}

with Scratch() as scratch:
    served = Served(tap, scratch)
    with served.beside("a byte a second", seconds=20):
        requests = {served.http: b"GET /stream/cam HTTP/1.1\r\nX-Slow: " + b"a" * 4000,
                    served.rtsp: b"OPTIONS * RTSP/1.0\r\nX-Slow: " + b"a" * 4000}
        peers = [(served.connect(port), data) for port, data in requests.items() for _ in range(LORISES)]
        peers += [(served.connect(served.rtsp), b"$\x01\x80\x00" + bytes(4000)) for _ in range(LORISES)]
        took, left = drip(peers, 25)
        tap.ok(left == 0 and took < 16, f"a byte a second: all {len(peers)} are closed about 10 s after their first byte", f"{left} left after {took:.1f} s")
        for s, _ in peers:
            s.close()

    # What has to be written to those that vanished is not acknowledged, and those that stop reading take nothing: found in
    # 10 s. Of the others the request's, the connection's or the session's time-out tells, at the latest keep-alive.
    longest = 90 if LONG else 30
    with served.beside("peers that vanish or stop reading", seconds=longest, lines=100):
        kept, peers = vanished(served)
        stopped = [stopped_reading(served) for _ in range(20)]
        newlines = [(served.connect(port), b"\r\n") for port in (served.http, served.rtsp) for _ in range(5)] if LONG else []
        start = time.monotonic()
        ends = {}
        while time.monotonic() - start < longest:
            still = held(served, peers)
            for name, _ in peers:
                if name not in still:
                    ends.setdefault(name, round(time.monotonic() - start, 1))
            reading = [s for pair in stopped for s in pair if is_open(s)]
            if not reading:
                ends.setdefault("all that stopped reading", round(time.monotonic() - start, 1))
            drip([one for one in newlines if is_open(one[0])], 0.5)
            if not reading and not set(still) - SLOW and (not LONG or not still and not any(is_open(s) for s, _ in newlines)):
                break
            time.sleep(0.5)
        tap.note(f"peers that vanish or stop reading: closed after {ends}")
        tap.ok(not set(still) - SLOW, f"peers that vanish: closed within {longest} s", still)
        tap.ok(not reading, f"clients that stop reading: closed within {longest} s", len(reading))
        if LONG:
            tap.ok(not still, "peers that vanish: also those that nothing had to be told", still)
            tap.ok(not any(is_open(s) for s, _ in newlines), "connections that send nothing but empty lines: closed")
        for s in kept + [s for pair in stopped for s in pair] + [s for s, _ in newlines]:
            s.close()

    # Nothing has to be sent to anybody: only the network's own questions tell who is gone.
    if LONG:
        descriptors = served.descriptors()
        for codec in served.clips:
            served.tell(codec, "pause")
        kept, peers = vanished(served)
        names = {"HTTP a stream", "RTSP after PLAY"}
        gone = wait_until(60, lambda: not names & set(held(served, peers)), 0.5)
        tap.ok(gone, "peers that vanish while the source is silent: closed within 60 s", held(served, peers))
        for s in kept:
            s.close()
        for codec in served.clips:
            served.tell(codec, "go")
        back = wait_until(60, lambda: served.descriptors() <= descriptors, 0.5)
        tap.ok(back, "peers that vanish while the source is silent: descriptors come back", f"{descriptors}, now {served.descriptors()}")
    served.stop()
tap.done()
