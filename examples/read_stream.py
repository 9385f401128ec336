#!/usr/bin/env python3
"""A reader of campipe-stream(5): prints one line for each frame.  camgrab pattern | ./read_stream.py

Joins a stream in the middle, checks what it reads and goes on behind damage.
"""
import sys

NAMES = {"4e4d7a561f5f04ad": "main", "4e5311405bf2f9db": "stream", "4e4be4adeeca4569": "sync", "4e49ab68b596ba78": "info"}
CODES = {bytes.fromhex(code): name for code, name in NAMES.items()}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Reader:
    def __init__(self, file):
        self.file, self.ahead = file, b""

    def read(self, count):
        data, self.ahead = self.ahead[:count], self.ahead[count:]
        data += self.file.read(count - len(data))
        if len(data) < count:
            raise EOFError
        return data

    def v(self):  # 7 bits a byte, most significant first
        value = 0
        while True:
            byte = self.read(1)[0]
            value = value << 7 | byte & 127
            if byte < 128:
                return value

    def s(self):  # signed: 0, 1, -1, 2, -2, ...
        value = self.v()
        return (value + 1) // 2 if value & 1 else -(value // 2)

    def search(self, wanted):  # the next start code that is `wanted`
        last = b""
        while CODES.get(last) not in wanted:
            last = (last + self.read(1))[-8:]
        self.ahead = last + self.ahead

    def frames(self):
        self.search({"main"})
        while True:
            kind = self.read(1)
            if kind == b"N" and kind + self.read(7) in CODES:
                self.read(self.v())  # a whole parser would look into them: sizes, formats, the clock
            elif kind == b"n":
                self.read(24)  # "nut/multimedia container": another writer begins
            elif kind == b"F":
                coded, track, pts, size = self.v(), self.v(), self.v() - 128, self.v()
                flags, sequence, _capture, crc, reorder = self.v(), self.v(), self.s(), self.v(), self.s()
                self.read(4)  # checksum of the frame's header
                data = self.read(size)
                if crc32c(data[-64:]) == crc:
                    yield {"track": track, "key": coded & 1, "pts_us": pts, "dts_us": pts - reorder, "data": data,
                           "sequence": sequence if flags & 4 else None}
                else:  # its writer was killed: another one's stream begins somewhere in it
                    self.ahead = data + self.ahead
                    self.search({"main", "sync"})
            else:
                self.search({"main", "sync"})


if __name__ == "__main__":
    if "--help" in sys.argv:
        print(__doc__)
        sys.exit(0)
    try:
        for frame in Reader(sys.stdin.buffer).frames():
            data = frame.pop("data")
            print(*(f"{key}={value}" for key, value in frame.items()), f"bytes={len(data)}", flush=True)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        pass
