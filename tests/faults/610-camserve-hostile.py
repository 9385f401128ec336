#!/usr/bin/python3
"""What comes over the wire from peers that are broken or mean, and does not have to be waited for: garbage, the wrong protocol,
floods, requests in pieces and in heaps, resets in the middle, RTCP that is none, SETUP again and again. Beside all of it a good
MJPEG client and a good RTSP client lose nothing, and nothing stays behind."""
import os
import pathlib
import random
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import Scratch, Tap, wait_until
from served import SANITIZED, Player, Served, read_all, reset

TIMES = max(1, int(os.environ.get("SECONDS_EACH", "60")) // 4)  # how often each thing is done
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + b"\x20" + bytes(32) + b"\x00\x08\x13\x01\x13\x02\xc0\x2f\x00\xff" + bytes(109)
MOST = 500  # --max-clients
tap = Tap()
dice = random.Random(SEED)
tap.note(f"SEED={SEED}")


def garbage(own, other):
    """@param own    a request that this port answers, without its empty line
    @param other  one of the other protocol"""
    method, target, version = own.split(b"\r\n")[0].split()
    return {
        "random bytes": dice.randbytes(4096),
        "random text": bytes(dice.choice(b"ABCDEFGHIJ:/. \r\n") for _ in range(4096)) + b"\r\n\r\n",
        "NULs": bytes(65536),
        "bytes of 0xFF": b"\xff" * 65536,
        "a TLS ClientHello": CLIENT_HELLO,
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "the other protocol": other + b"\r\n\r\n",
        "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "a line of 1 MB": method + b" /" + b"A" * (1 << 20),
        "a method of 64 kB": b"A" * 65536,
        "a header of 1 MB": own + b"\r\nX: " + b"b" * (1 << 20),
        "10,000 headers": own + b"\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(10000)) + b"\r\n",
        "10,000 empty lines": b"\r\n" * 10000,
        "an endless body": own + b"\r\nContent-Length: 18446744073709551615\r\n\r\n" + b"x" * 100000,
        "a negative length": own + b"\r\nContent-Length: -1\r\n\r\n",
        "two lengths": own + b"\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "a length that is none": own + b"\r\nContent-Length: 0x10\r\n\r\n",
        "a header without a colon": own + b"\r\nnothing\r\n\r\n",
        "a NUL in a header": own + b"\r\nX: a\0b\r\n\r\n",
        "bare newlines": own.replace(b"\r\n", b"\n") + b"\n\n",
        "bare returns": own.replace(b"\r\n", b"\r") + b"\r\r",
        "spaces before the colon": own + b"\r\nX : y\r\n\r\n",
        "another version": b"%s %s %s9.9\r\n\r\n" % (method, target, version[:5]),
        "no version": method + b" " + target + b"\r\n\r\n",
        "a target with bytes of 0xFF": method + b" /\xff\xfe\xff " + version + b"\r\n\r\n",
        "a target out of the folder": method + b" /../../../../etc/passwd " + version + b"\r\n\r\n",
        "a target full of escapes": method + b" /%00%0d%0aSet-Cookie:%20a=b%2e%2e " + version + b"\r\n\r\n",
        "an unfinished interleaved frame": b"$\x07\xff\xff" + bytes(100),
        "interleaved frames": b"$\x00\x00\x00" * 5000,
        "nothing but a dollar": b"$",
    }


def answer_is_sound(got):
    """What comes back are whole status lines of our own, and no header that the request smuggled in."""
    return not got or (re.match(rb"(HTTP/1\.1|RTSP/1\.0) [1-5]\d\d ", got) and b"Set-Cookie" not in got)


def throw_garbage(served):
    own = {served.http: b"GET /health HTTP/1.1\r\nHost: x", served.rtsp: b"OPTIONS * RTSP/1.0\r\nCSeq: 1"}
    wrong = []
    for port, request in own.items():
        other = next(o for p, o in own.items() if p != port)
        for name, data in garbage(request, other).items():
            s = served.connect(port)
            s.settimeout(5)
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # cut short: its right
            got = read_all(s)
            s.close()
            if got is None or not answer_is_sound(got):
                wrong.append(f"{'HTTP' if port == served.http else 'RTSP'}: {name}: {'left open' if got is None else got[:200]}")
    return wrong


def random_requests(served, count):
    """Requests as they should be with a few bytes changed, doubled or left out."""
    seeds = {served.http: [b"GET /stream/cam?fps=5 HTTP/1.1\r\nHost: x\r\n\r\n", b"HEAD /snapshot/cam.jpg HTTP/1.0\r\n\r\n",
                           b"GET /api/clients?stream=cam HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"GET /?action=stream HTTP/1.1\r\n\r\n"],
             served.rtsp: [f"DESCRIBE {served.url()} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n".encode(),
                           f"SETUP {served.url('/trackID=0')} RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;client_port=5000-5001,"
                           "RTP/AVP/TCP;interleaved=0-1\r\n\r\n".encode(),
                           f"PLAY {served.url('/')} RTSP/1.0\r\nCSeq: 3\r\nSession: 12345678\r\nRange: npt=0.000-\r\n\r\n".encode()]}
    for _ in range(count):
        port = dice.choice(list(seeds))
        data = bytearray(b"".join(dice.choices(seeds[port], k=3)))
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(data))
            what = dice.randrange(3)
            if what == 0:
                data[at] = dice.randrange(256)
            elif what == 1:
                del data[at:at + dice.randrange(1, 8)]
            else:
                data[at:at] = data[at:at + dice.randrange(1, 8)] * dice.randrange(1, 40)
        s = served.connect(port)
        try:
            s.sendall(bytes(data))
            s.settimeout(0.02)
            s.recv(65536)
        except OSError:
            pass
        reset(s) if dice.random() < 0.5 else s.close()


def split_everywhere(served, port, request, is_answer):
    """One connection for each place to cut a request at; the two halves come apart."""
    peers = [(at, served.connect(port)) for at in range(1, len(request))]
    for at, s in peers:
        s.sendall(request[:at])
    time.sleep(0.3)  # that they be read apart; if not, this tests less and fails nothing
    wrong = []
    for at, s in peers:
        s.sendall(request[at:])
    for at, s in peers:
        got = s.recv(65536)
        if not is_answer(got):
            wrong.append(f"cut at {at}: {got[:100]}")
        s.close()
    return wrong


def pipelined(served, port, request, count, pattern):
    """Sends many requests ahead and reads the answers meanwhile; how many came."""
    s = served.connect(port)
    s.setblocking(False)
    data = b"".join(request % i for i in range(count))
    got = bytearray()
    answers, deadline = 0, time.monotonic() + 30
    while time.monotonic() < deadline and answers < count:
        try:
            data = data[s.send(data[:200_000]):] if data else data
        except BlockingIOError:
            pass
        except OSError:
            break
        try:
            part = s.recv(1 << 20)
            if not part:
                break
            got += part
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            break
        answers = len(re.findall(pattern, got)) if not data else 0
    s.close()
    return len(re.findall(pattern, got)), got


def rtcp_garbage(served, times):
    """To the ports that media comes from, and on interleaved channels: from those who play and those who do not."""
    rtp, rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        rtp.bind(("127.0.0.1", 0))
        port = rtp.getsockname()[1]
        try:
            rtcp.bind(("127.0.0.1", port + 1))
            break
        except OSError:
            rtp.close()
            rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp = Player(served, f"RTP/AVP;unicast;client_port={port}-{port + 1}")
    for step in ("OPTIONS", "DESCRIBE"):
        udp.step(step)
    transport = udp.step("SETUP")["transport"]
    server = [int(n) for n in re.search(r"server_port=(\d+)-(\d+)", transport).groups()]
    udp.step("PLAY")
    tcp = Player(served).up_to("PLAY")
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    report = b"\x81\xc9\x00\x07" + bytes(28)
    for _ in range(times * 20):
        kinds = [dice.randbytes(dice.randrange(0, 1400)), report[:dice.randrange(len(report))], report + dice.randbytes(8),
                 b"\x9f\xc9\xff\xff" + bytes(60), b"\xbf" * 40, b"\x80\xcb\x00\x00" * 100, b"\x81\xca\x00\x02" + b"\x00\x00\x00\x01\x01\xff\x41\x41",
                 b"\x80\xce\x00\x02" + bytes(8), b"", bytes(65000)]
        data = dice.choice(kinds)
        for s in (rtcp, rtp, stranger):
            s.sendto(data, ("127.0.0.1", dice.choice(server)))
        tcp.socket.sendall(b"$" + bytes([dice.choice((0, 1, 1, 1, 2, 255))]) + len(data).to_bytes(2, "big") + data)
    alive = []
    for player in (udp, tcp):
        player.send("GET_PARAMETER", served.url("/"))
        player.answer()
        alive.append(player.step("TEARDOWN"))
    rtp.settimeout(5)
    alive.append(rtp.recv(65536))
    for player in (udp, tcp):
        player.close()
    for s in (rtp, rtcp, stranger):
        s.close()
    return all(item is not None for item in alive)


def setup_again(served, first, count):
    """One session's only track is set up again and again, on new ports and on the old."""
    player = Player(served, f"RTP/AVP;unicast;client_port={first}")
    player.step("SETUP")
    for i in range(count):
        ports = first + 2 * (i % 5000 if i % 2 else 0)
        player.send("SETUP", served.url("/trackID=0"), f"Transport: RTP/AVP;unicast;client_port={ports}-{ports + 1}")
        player.answer()
    return player


with Scratch() as scratch:
    served = Served(tap, scratch, ["--max-clients", str(MOST)])
    with served.beside("garbage"):
        wrong = throw_garbage(served)
    tap.ok(not wrong, "garbage: each is answered soundly and closed", "\n".join(wrong))
    with served.beside("spoilt requests", lines=200 * TIMES):
        random_requests(served, 100 * TIMES)

    with served.beside("split requests"):
        wrong = split_everywhere(served, served.http, b"GET /snapshot/cam.jpg?x=1 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
                                 lambda got: got.startswith(b"HTTP/1.1 200 "))
        wrong += split_everywhere(served, served.rtsp, f"$\x01\0\x08abcdefgh\r\nDESCRIBE {served.url()} RTSP/1.0\r\nCSeq: 7\r\n"
                                  "Accept: application/sdp\r\nContent-Length: 4\r\n\r\nbody$\x03\0\0".encode("latin-1"),
                                  lambda got: got.startswith(b"RTSP/1.0 200 ") and b"CSeq: 7\r\n" in got)
        wrong += split_everywhere(served, served.rtsp, b"SHAKE rtsp://x/cam RTSP/1.0\r\nCSeq: 8\r\n\r\n",
                                  lambda got: got.startswith(b"RTSP/1.0 501 ") and b"CSeq: 8\r\n" in got)
    tap.ok(not wrong, "split requests: the answer is the same wherever the cut is", "\n".join(wrong))

    with served.beside("pipelined requests"):
        count = 500 * TIMES
        http, got = pipelined(served, served.http, b"GET /nothing/%d HTTP/1.1\r\nHost: x\r\n\r\n", count, rb"HTTP/1\.1 404 ")
        tap.ok(http == count, f"pipelined requests: all {count} of HTTP are answered", f"{http}: {got[-300:]}")
        rtsp, got = pipelined(served, served.rtsp, b"OPTIONS * RTSP/1.0\r\nCSeq: %d\r\n\r\n", count, rb"RTSP/1\.0 200 OK\r\nCSeq: \d+\r\n")
        numbers = [int(n) for n in re.findall(rb"CSeq: (\d+)\r\n", got)]
        tap.ok(rtsp == count and numbers == sorted(numbers), f"pipelined requests: all {count} of RTSP, in their order", f"{rtsp}: {got[-300:]}")

    with served.beside("requests whose answers are not read"):
        peers = []
        for port, request in ((served.http, b"GET /api/streams HTTP/1.1\r\nHost: x\r\n\r\n"), (served.rtsp, b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")):
            for _ in range(5):
                s = served.connect(port)
                s.settimeout(0.2)
                try:
                    for _ in range(40):
                        s.sendall(request * 2000)
                except OSError:
                    pass
                peers.append(s)
        closed = wait_until(20, lambda: served.descriptors() <= 20 + 2, 0.2)
        for s in peers:
            s.close()

    lost = TIMES * len(Player.STEPS)
    with served.beside("resets", lines=2 * lost + TIMES * 20):
        for step in Player.STEPS:
            for _ in range(TIMES):
                player = Player(served).up_to(step)
                player.stream.close()
                reset(player.socket)
        for request in (b"", b"GET /stre", b"GET /stream/cam HTTP/1.1\r\n\r\n", b"GET /snapshot/cam.jpg HTTP/1.1\r\n\r\n", b"GET /nothing HTTP/1.1\r\n\r\n"):
            for read in (0, 100, 65536):
                for _ in range(TIMES):
                    s = served.connect(served.http)
                    s.sendall(request)
                    if read and request.endswith(b"\n"):
                        s.recv(read)
                    reset(s)

    with served.beside("RTCP that is none", lines=4):
        tap.ok(rtcp_garbage(served, 10 * TIMES), "RTCP that is none: both players play on and are answered")

    with served.beside("SETUP again and again"):
        player = setup_again(served, 20_000, 20_000)
        kept = served.memory_kb()
        player = [player, setup_again(served, 40_000, 20_000)]
        if not SANITIZED:  # while the sessions live: nothing that comes with a request stays with them
            tap.ok(served.memory_kb() <= kept + 512, "SETUP again and again: costs no more the longer it goes on", f"{kept} kB, then {served.memory_kb()}")
        for one in player:
            one.step("TEARDOWN")
            one.close()

    # They last for their time-out: as many as there may be sessions, no more.
    def leave_sessions(count):
        for i in range(count):
            player = Player(served, f"RTP/AVP;unicast;client_port={20_000 + 2 * (i % 20_000)}")
            player.step("SETUP")
            player.close()

    with served.beside("sessions that are left behind", memory=False):
        leave_sessions(3 * MOST)
        kept = served.memory_kb()
        leave_sessions(3 * MOST)
        if not SANITIZED:
            tap.ok(served.memory_kb() <= kept + 512, "sessions that are left behind: their number is bounded", f"{kept} kB, then {served.memory_kb()}")
        Player(served).end("SETUP")
    served.stop()
tap.done()
