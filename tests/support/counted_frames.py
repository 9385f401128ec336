#!/usr/bin/python3
"""Writes Y4M pictures that move and carry their number as the test pattern does (lib/media/counter_strip.hpp).

usage: counted_frames.py WIDTH HEIGHT FRAMES [FPS] > y4m

Limited range, with a white and a black square in the lower corners.
"""
import sys

import numpy as np

from pattern_counter import CELLS, strip_rows


def cells_of(counter):
    check = 0
    for shift in range(0, 32, 4):
        check ^= counter >> shift & 15
    return [int(bit) for bit in f"10{counter:032b}{check:04b}01"]


def picture(number, width, height):
    x = np.arange(width)[None, :]
    y = np.arange(height)[:, None]
    luma = (90 + 60 * np.sin((x + 4 * number) / 29.0) * np.cos(y / 23.0)).astype(np.uint8)
    cells = np.array(cells_of(number))[np.minimum(np.arange(width) * CELLS // width, CELLS - 1)]
    luma[: strip_rows(height)] = np.where(cells == 1, 235, 16)
    luma[-32:, :32] = 235
    luma[-32:, -32:] = 16
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    chroma[strip_rows(height) : -16] = (108 + 40 * x[:, : width // 2] // width).astype(np.uint8)
    return luma.tobytes() + chroma.tobytes() + np.ascontiguousarray(chroma[:, ::-1]).tobytes()


def main():
    width, height, frames = (int(a) for a in sys.argv[1:4])
    rate = sys.argv[4] if len(sys.argv) > 4 else "30"
    rate = rate.replace("/", ":") if "/" in rate else f"{rate}:1"
    out = sys.stdout.buffer
    out.write(f"YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n".encode())
    for number in range(frames):
        out.write(b"FRAME\n" + picture(number, width, height))


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.stderr.close()  # the reader has enough
