#!/usr/bin/python3
"""Plays one side of an RTSP dialogue: rtsp_script.py PORT < SCRIPT. Prints what differed and exits 1, or nothing.

A script is lines; {base} is rtsp://127.0.0.1:PORT, {session} the id of the last Session header, {port} a free even UDP port:
  METHOD URL              a request; CSeq is added; the header lines that follow, indented, belong to it
    Header: value
  = STATUS                the reply's status; then, indented, headers and what a regular expression finds in them
    Header: REGEX
  body REGEX              found in the last reply's body
  packets N [CHANNEL]     N `$` packets come on the channel (0); their sequence numbers are contiguous
  largest N               none of those packets is larger, and one is as large
  datagrams N             N RTP packets come on {port}
  rtcp                    a receiver report is sent on channel 1
  send TEXT               bytes as they are, with \\r \\n \\xNN
  silence SECONDS         nothing comes meanwhile but packets
  closed                  the server closes the connection
"""
import re
import socket
import struct
import sys
import time

LIMIT_S = 10


class Failed(Exception):
    pass


class Script:
    def __init__(self, port):
        self.port = port
        self.base = f"rtsp://127.0.0.1:{port}"
        self.session = ""
        self.cseq = 0
        self.buffer = b""
        self.packets = []
        self.reply = None
        self.sock = socket.create_connection(("127.0.0.1", port), LIMIT_S)
        self.udp, self.udp_port = self.udp_pair()

    @staticmethod
    def udp_pair():
        while True:
            rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            rtp.bind(("127.0.0.1", 0))
            port = rtp.getsockname()[1]
            rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                if port % 2 == 0:
                    rtcp.bind(("127.0.0.1", port + 1))
                    return (rtp, rtcp), port
            except OSError:
                pass
            rtp.close()
            rtcp.close()

    def fill(self, text):
        return text.replace("{base}", self.base).replace("{session}", self.session).replace(
            "{port}", str(self.udp_port)).replace("{port1}", str(self.udp_port + 1))

    def receive(self, deadline):
        """One packet or reply; None when the connection closes or time is over."""
        while True:
            if self.buffer[:1] == b"$" and len(self.buffer) >= 4:
                length = struct.unpack(">H", self.buffer[2:4])[0]
                if len(self.buffer) >= 4 + length:
                    packet = (self.buffer[1], self.buffer[4:4 + length])
                    self.buffer = self.buffer[4 + length:]
                    self.packets.append(packet)
                    return packet
            elif b"\r\n\r\n" in self.buffer:
                head, rest = self.buffer.split(b"\r\n\r\n", 1)
                lines = head.decode("ascii").split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines[1:])
                length = int(headers.get("Content-Length", 0))
                if len(rest) >= length:
                    self.buffer = rest[length:]
                    return {"line": lines[0], "status": int(lines[0].split()[1]), "headers": headers, "body": rest[:length].decode()}
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                got = self.sock.recv(65536)
            except (socket.timeout, ConnectionResetError):
                return None
            if not got:
                return None
            self.buffer += got

    def request(self, line, headers):
        self.cseq += 1
        method, url = line.split(" ", 1)
        text = f"{method} {self.fill(url)} RTSP/1.0\r\nCSeq: {self.cseq}\r\n" + "".join(self.fill(h) + "\r\n" for h in headers) + "\r\n"
        self.sock.sendall(text.encode())

    def expect(self, status, headers):
        deadline = time.monotonic() + LIMIT_S
        while True:
            got = self.receive(deadline)
            if got is None:
                raise Failed(f"expected a reply {status}, none came")
            if isinstance(got, dict):
                break
        self.reply = got
        if "Session" in got["headers"]:
            self.session = got["headers"]["Session"].split(";")[0]
        if got["status"] != int(status):
            raise Failed(f"expected {status}, got: {got['line']}")
        if got["headers"].get("CSeq") != str(self.cseq):
            raise Failed(f"expected CSeq {self.cseq}, got {got['headers'].get('CSeq')}")
        for header in headers:
            name, pattern = self.fill(header).split(": ", 1)
            if not re.search(pattern, got["headers"].get(name, "")):
                raise Failed(f"{name}: expected {pattern}, got {got['headers'].get(name)}")

    def expect_packets(self, count, channel=0):
        deadline = time.monotonic() + LIMIT_S
        self.packets = []
        while len([p for p in self.packets if p[0] == channel]) < count:
            if self.receive(deadline) is None:
                raise Failed(f"expected {count} packets on channel {channel}, got {len(self.packets)} in all")
        self.check_sequence([p[1] for p in self.packets if p[0] == channel])

    @staticmethod
    def check_sequence(packets):
        numbers = [struct.unpack(">H", p[2:4])[0] for p in packets]
        for a, b in zip(numbers, numbers[1:]):
            if b != (a + 1) & 0xFFFF:
                raise Failed(f"sequence {a} is followed by {b}")

    def expect_datagrams(self, count):
        rtp = self.udp[0]
        rtp.settimeout(LIMIT_S)
        try:
            self.check_sequence([rtp.recv(65536) for _ in range(count)])
        except socket.timeout:
            raise Failed(f"expected {count} datagrams") from None

    def expect_closed(self):
        deadline = time.monotonic() + LIMIT_S
        while self.receive(deadline) is not None:
            pass
        if time.monotonic() >= deadline:
            raise Failed("the connection is still open")

    def expect_silence(self, seconds):
        deadline = time.monotonic() + float(seconds)
        while (got := self.receive(deadline)) is not None:
            if isinstance(got, dict):
                raise Failed(f"unexpected reply: {got['line']}")
        if time.monotonic() < deadline:
            raise Failed("the connection was closed")

    def run(self, text):
        lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        while lines:
            line = lines.pop(0)
            attached = []
            while lines and lines[0].startswith((" ", "\t")):
                attached.append(lines.pop(0).strip())
            word, _, rest = line.partition(" ")
            try:
                if word == "=":
                    self.expect(rest, attached)
                elif word == "body":
                    if not re.search(rest, self.reply["body"]):
                        raise Failed(f"body: expected {rest}, got {self.reply['body']!r}")
                elif word == "packets":
                    self.expect_packets(*[int(n) for n in rest.split()])
                elif word == "largest":
                    largest = max(len(p[1]) for p in self.packets if p[0] == 0)
                    if largest != int(rest):
                        raise Failed(f"the largest has {largest} bytes")
                elif word == "datagrams":
                    self.expect_datagrams(int(rest))
                elif word == "rtcp":
                    self.sock.sendall(b"$\x01\x00\x08\x80\xc9\x00\x01\x00\x00\x00\x01")
                elif word == "send":
                    self.sock.sendall(self.fill(rest).encode().decode("unicode_escape").encode("latin-1"))
                elif word == "silence":
                    self.expect_silence(rest)
                elif word == "closed":
                    self.expect_closed()
                else:
                    self.request(line, attached)
            except Failed as failure:
                raise Failed(f"{line.strip()}: {failure}") from None


if __name__ == "__main__":
    try:
        Script(int(sys.argv[1])).run(sys.stdin.read())
    except (Failed, OSError) as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
