#!/usr/bin/python3
"""How soon the first client of a resting chain has a whole picture: camgrab pattern, camenc and camserve over rings, the first
two with --on-demand. From the client's connect() to the last byte of its first JPEG.

usage: bench/first_frame.py [--bin DIR] [--times N]
"""
import argparse
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def first_picture_ms(port):
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /stream/first HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = b""
        while b"\xff\xd9" not in got:
            more = client.recv(1 << 16)
            if not more:
                sys.exit("first_frame.py: camserve closed the connection")
            got += more
    return (time.monotonic() - begin) * 1000


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bin", default=str(ROOT / "build/bench/bin"))
    options.add_argument("--times", type=int, default=20)
    args = options.parse_args()
    port = free_port()
    demand = ["--on-demand", "--linger", "500ms"]
    with tempfile.TemporaryDirectory(prefix="first_", dir="/dev/shm") as rings:
        os.environ["CAMPIPE_RING_DIR"] = rings
        log = open(pathlib.Path(rings) / "grab.err", "w+")
        start = lambda *words, **more: subprocess.Popen([f"{args.bin}/{words[0]}", *words[1:]], **more)
        chain = [
            start("camgrab", "pattern", "-s", "1280x720", "-o", "shm:first.raw", *demand, stderr=log),
            start("camenc", "-i", "shm:first.raw", "-o", "shm:first.mjpeg", *demand, stderr=subprocess.DEVNULL),
            start("camserve", "shm:first.mjpeg", "--http", f"127.0.0.1:{port}", "--rtsp", "none", stderr=subprocess.DEVNULL),
        ]
        try:
            took = []
            for i in range(args.times):
                deadline = time.monotonic() + 30
                while True:
                    said = pathlib.Path(log.name).read_text()
                    if said.count("nobody wants frames") > said.count("wanted again") and said.count("wanted again") >= i:
                        break
                    if time.monotonic() > deadline:
                        sys.exit("first_frame.py: camgrab does not rest: " + said[-500:])
                    time.sleep(0.05)
                time.sleep(2.5)  # a picture that is younger than 2 s counts as new, and comes without waking anybody
                took.append(first_picture_ms(port))
        finally:
            for stage in chain:
                stage.terminate()
            for stage in chain:
                stage.wait()
    took.sort()
    print(f"first client of a resting chain -> its first whole picture, 720p30 MJPEG, {len(took)} times: "
          f"median {statistics.median(took):.0f} ms, longest {took[-1]:.0f} ms")


if __name__ == "__main__":
    main()
