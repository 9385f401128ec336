#!/usr/bin/python3
"""More connections than there is room for: 5,000 at once, more than --max-clients, more than there are descriptors. Those
that have a place lose nothing, camserve says little and takes connections again as soon as it can."""
import http.client
import os
import pathlib
import resource
import select
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import Scratch, Tap, wait_until
from served import FPS, NEEDS_DESCRIPTORS, Player, Served

COUNT = 5000
LIMIT = 64
tap = Tap()
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * COUNT), hard))


def connect_all(port, count, request):
    """All at once; (sockets, how many of them connected, how many got an answer's first bytes)."""
    poll = select.epoll()
    sockets = {}
    for _ in range(count):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", port))
        sockets[s.fileno()] = s
        poll.register(s, select.EPOLLOUT | select.EPOLLIN)
    connected, answers = set(), {}
    deadline = time.monotonic() + 60
    while len(answers) < count and time.monotonic() < deadline:
        for fd, events in poll.poll(1):
            s = sockets[fd]
            try:
                if fd not in connected and events & select.EPOLLOUT:
                    connected.add(fd)
                    s.send(request)
                    poll.modify(s, select.EPOLLIN)
                elif events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                    answers[fd] = s.recv(200)
                    poll.unregister(s)
            except OSError:
                answers[fd] = b""
                poll.unregister(s)
    return list(sockets.values()), len(connected), answers


def statuses(answers):
    counts = {}
    for answer in answers.values():
        status = answer.split(b" ")[1].decode() if b" " in answer else "closed"
        counts[status] = counts.get(status, 0) + 1
    return counts


REQUESTS = {"HTTP": b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "RTSP": b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"}

with Scratch() as scratch:
    served = Served(tap, scratch, ["--max-clients", str(COUNT + 100)])
    for name, port in (("HTTP", served.http), ("RTSP", served.rtsp)):
        # The lists of connections stay as long as they were.
        with served.beside(f"5,000 connections to {name}", seconds=60, memory=False):
            start = time.monotonic()
            sockets, connected, answers = connect_all(port, COUNT, REQUESTS[name])
            took = time.monotonic() - start
            tap.ok(statuses(answers) == {"200": COUNT}, f"5,000 connections to {name}: all are answered", f"{connected} connected, {statuses(answers)}")
            tap.note(f"5,000 connections to {name}: answered after {took:.1f} s, RssAnon {served.memory_kb()} kB")
            for s in sockets:
                s.close()
        tap.note(f"5,000 connections to {name}: RssAnon {served.memory_kb()} kB afterwards")
    before = served.memory_kb()
    with served.beside("5,000 connections again", seconds=60):
        for name, port in (("HTTP", served.http), ("RTSP", served.rtsp)):
            sockets, _, _ = connect_all(port, COUNT, REQUESTS[name])
            for s in sockets:
                s.close()
    served.stop()

with Scratch() as scratch:
    served = Served(tap, scratch, ["--max-clients", "20"])
    with served.beside("more than --max-clients", lines=2):  # that it is full, once for HTTP and once for RTSP
        for name, port in (("HTTP", served.http), ("RTSP", served.rtsp)):
            sockets, _, answers = connect_all(port, 200, REQUESTS[name])
            counts = statuses(answers)
            tap.ok(counts.get("200") == 19, f"more than --max-clients: {name} answers 19 beside the good client", counts)
            tap.ok(counts.get("503", 0) + counts.get("closed", 0) == 181, f"more than --max-clients: {name} turns the others away", counts)
            for s in sockets:
                s.close()
            gone = wait_until(20, lambda: served.descriptors() <= 26, 0.1)
    served.stop()


def no_descriptors(scratch):
    served = Served(tap, scratch, limit=LIMIT)
    with served.beside("no descriptors left", seconds=40, lines=2):  # one line for each port
        sockets = []
        for port in (served.http, served.rtsp):
            for _ in range(LIMIT):
                sockets.append(served.connect(port))
        full = wait_until(10, lambda: served.descriptors() >= LIMIT, 0.05)
        tap.ok(full, "no descriptors left: all are in use", served.descriptors())
        # some come free and are taken at once, again and again
        for s in sockets[:20]:
            s.close()
            time.sleep(0.25)
        for s in sockets:
            s.close()
    again = wait_until(10, lambda: served.status("/snapshot/cam.jpg") == 200 and served.described(), 0.1)
    tap.ok(again, "no descriptors left: connections are taken again afterwards")
    served.stop()


def no_descriptors_for_udp(scratch):
    served = Served(tap, scratch, limit=LIMIT, udp=False)
    with served.beside("no descriptors for UDP ports", seconds=40, lines=4):
        player = Player(served, "RTP/AVP;unicast;client_port=9-10")
        sockets = [served.connect(served.rtsp) for _ in range(LIMIT)]
        wait_until(10, lambda: served.descriptors() >= LIMIT, 0.05)
        for _ in range(50):
            player.step("SETUP", expect="461")
        player.transport = "RTP/AVP/TCP;unicast"
        for step in ("SETUP", "PLAY", "frame", "TEARDOWN"):
            player.step(step)
        player.close()
        for s in sockets:
            s.close()
    served.stop()


def snapshot(connection, name):
    """The status of GET /snapshot/NAME on a connection that is kept; None when it is closed without an answer."""
    try:
        connection.request("GET", f"/snapshot/{name}")
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None


def no_descriptors_for_snapshots(scratch):
    """A snapshot of H.264 needs a child process and its pipes: while there are none that request fails, and nothing else."""
    name = "no descriptors for a snapshot"
    # cam has MJPEG too, which needs no child: its H.264 alone is served as another stream
    still = scratch.path / "still.fifo"
    os.mkfifo(still)
    hold = os.open(still, os.O_RDWR | os.O_CLOEXEC)
    served = Served(tap, scratch, [f"still={still}"], limit=LIMIT)
    served.players["still"] = scratch.start(["clip_player", str(served.clips["h264"]), str(still), str(FPS)], "player-still", stdin=subprocess.PIPE)
    kept = http.client.HTTPConnection("127.0.0.1", served.http, timeout=20)
    up = wait_until(20, lambda: snapshot(kept, "still") == 200, 0.1)
    tap.ok(up, f"{name}: with descriptors there is one", served.lines()[-5:])
    with served.beside(name, seconds=40, lines=2):  # of the port
        sockets = [served.connect(served.rtsp) for _ in range(LIMIT)]
        full = wait_until(10, lambda: served.descriptors() >= LIMIT, 0.05)
        tap.ok(full, f"{name}: all are in use", served.descriptors())
        seen = []
        for _ in range(5):  # each for another keyframe
            seen.append(snapshot(kept, "still?fresh=1"))
        tap.ok(set(seen) == {503}, f"{name}: refused on a connection that lives on", seen)
        for s in sockets:
            s.close()
    again = wait_until(20, lambda: snapshot(kept, "still") == 200, 0.1)
    tap.ok(again, f"{name}: there is one again afterwards")
    kept.close()
    served.stop()
    os.close(hold)


if not NEEDS_DESCRIPTORS:
    for test in (no_descriptors, no_descriptors_for_udp, no_descriptors_for_snapshots):
        with Scratch() as scratch:
            test(scratch)
tap.done()
