#!/usr/bin/python3
"""Reads multipart MJPEG over HTTP and prints a line per part: X-Timestamp, X-Sequence (- if absent), bytes, gap in ms.

usage: mjpeg_parts.py URL PARTS [OUT.mjpeg]   stops after PARTS parts (0 = at the end); the pictures go to OUT.mjpeg
       mjpeg_parts.py --stall URL SECONDS     asks and then never reads; prints when the server closed: "closed after S"
"""
import http.client
import socket
import sys
import time
import urllib.parse


def parts(url, wanted, out):
    at = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=20)
    connection.request("GET", at.path + ("?" + at.query if at.query else ""))
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit(f"{answer.status} {answer.read().decode().strip()}")
    boundary = b"--" + answer.headers.get_param("boundary").encode()
    assert answer.fp.readline().strip() == boundary
    last = None
    count = 0
    while wanted == 0 or count < wanted:
        headers = {}
        while line := answer.fp.readline().strip():
            name, value = line.decode().split(": ", 1)
            headers[name.lower()] = value
        if not headers:
            return
        body = answer.fp.read(int(headers["content-length"]))
        assert body[:2] == b"\xff\xd8" and body[-2:] == b"\xff\xd9", "not a whole JPEG"
        assert answer.fp.readline() == b"\r\n" and answer.fp.readline().strip() == boundary, "no boundary behind the picture"
        now = time.monotonic()
        gap = 0 if last is None else (now - last) * 1000
        last = now
        print(headers["x-timestamp"], headers.get("x-sequence", "-"), len(body), f"{gap:.1f}", flush=True)
        if out:
            out.write(body)
        count += 1


def stall(url, seconds):
    at = urllib.parse.urlsplit(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((at.hostname, at.port))
    connection.sendall(f"GET {at.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        # A closed peer shows as an error or hang-up without reading: TCP_INFO's state (the first byte) leaves ESTABLISHED.
        if connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1:
            print(f"closed after {time.monotonic() - start:.1f}")
            return
        time.sleep(0.1)
    print("never closed")


if sys.argv[1] == "--stall":
    stall(sys.argv[2], float(sys.argv[3]))
else:
    parts(sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "wb") if len(sys.argv) > 3 else None)
