#!/usr/bin/python3
"""Clients that come, play and are gone, 10,000 times (CYCLES), by every way to go, over RTSP/TCP, RTSP/UDP and HTTP: memory and
descriptors of camserve stay as they were. And what a client costs: anonymous memory idle, for each RTSP client, for each
client that has stalled."""
import itertools
import os
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import Scratch, Tap, wait_until
from served import SANITIZED, Player, Served, reset

CYCLES = int(os.environ.get("CYCLES", "10000"))
PLAYERS = 200
STALLED = 50
FLAT_KB = 512
tap = Tap()
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))


def rtsp_tcp(served, i):
    """Plays until packets come; goes by TEARDOWN, by FIN, by RST."""
    player = Player(served).up_to("frame")
    if i % 3 == 0:
        player.step("TEARDOWN")
    if i % 3 == 1:
        player.stream.close()
        reset(player.socket)
    else:
        player.close()


def rtsp_udp(served, i):
    player = Player(served, f"RTP/AVP;unicast;client_port={20_000 + 2 * (i % 10_000)}")
    for step in ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"):
        player.step(step)
    player.close()


def http(served, i):
    """A stream, cut in the middle of a picture; a still; a request that is none."""
    s = served.connect(served.http)
    s.sendall((b"GET /stream/cam HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /snapshot/cam.jpg HTTP/1.1\r\nHost: x\r\n\r\n", b"no\r\n\r\n")[i % 3])
    s.recv(4096)
    reset(s) if i % 2 else s.close()


def settle(served, descriptors):
    return wait_until(30, lambda: served.descriptors() <= descriptors, 0.05)


def cycles(served, name, one, count):
    """The first tenth is for what is kept to be used again."""
    descriptors = served.descriptors()
    for i in range(count // 10):
        one(served, i)
    settle(served, descriptors)
    start_kb, start = served.memory_kb(), time.monotonic()
    with served.beside(f"{count} times {name}", seconds=30, lines=2 * count + 10, memory=False):
        for i in range(count):
            one(served, i)
        settle(served, descriptors)
    if not SANITIZED:
        tap.ok(served.memory_kb() <= start_kb + FLAT_KB, f"{count} times {name}: memory is flat", f"{start_kb} kB, then {served.memory_kb()}")
    tap.note(f"{count} times {name}: RssAnon {start_kb} -> {served.memory_kb()} kB, {count / (time.monotonic() - start):.0f} a second")


with Scratch() as scratch:
    served = Served(tap, scratch)
    for name, one, share in (("RTSP/TCP", rtsp_tcp, 1), ("RTSP/UDP", rtsp_udp, 2), ("HTTP", http, 2)):
        cycles(served, name, one, max(30, CYCLES // share))
    served.stop()

if not SANITIZED:
    with Scratch() as scratch:
        served = Served(tap, scratch, size="1280x720")
        time.sleep(3)  # the history's two seconds are full
        idle = served.memory_kb()
        tap.ok(idle <= 12 * 1024, "idle: at most 12 MB of anonymous memory", idle)
        with served.beside(f"{PLAYERS} RTSP clients", lines=2 * PLAYERS, memory=False):
            players = [Player(served).up_to("PLAY") for _ in range(PLAYERS)]
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                for player in players:
                    player.socket.settimeout(0.2)
                    player.socket.recv(1 << 20)
            each = (served.memory_kb() - idle) / PLAYERS
            tap.note(f"{PLAYERS} RTSP clients: {each:.1f} kB each")
            tap.ok(each <= 24, f"{PLAYERS} RTSP clients: at most 24 kB each", each)
            for player in players:
                player.close()
        for player_kind in ("HTTP", "RTSP"):
            with served.beside(f"{STALLED} stalled {player_kind} clients", seconds=40, lines=2 * STALLED, memory=False):
                before = served.memory_kb()
                if player_kind == "RTSP":
                    stalled = [Player(served, receive_buffer=4096).up_to("PLAY").socket for _ in range(STALLED)]
                else:
                    stalled = [served.connect(served.http, receive_buffer=4096) for _ in range(STALLED)]
                    for s in stalled:
                        s.sendall(b"GET /stream/cam HTTP/1.1\r\n\r\n")
                most = before
                for _ in range(60):
                    time.sleep(0.1)
                    most = max(most, served.memory_kb())
                each = (most - before) / STALLED
                tap.ok(each <= 16, f"{STALLED} stalled {player_kind} clients: at most 16 kB each", each)
                tap.note(f"{STALLED} stalled {player_kind} clients: {each:.1f} kB each at most")
                for s in stalled:
                    reset(s)
        tap.note(f"idle {idle} kB")
        served.stop()
tap.done()
