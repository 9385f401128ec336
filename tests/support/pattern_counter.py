#!/usr/bin/python3
"""Reads the test pattern's frame number out of pictures (lib/media/counter_strip.hpp says how it is drawn).

usage: pattern_counter.py [--check] WIDTH HEIGHT < gray8 pictures

Prints the number of each picture, or "bad". With --check prints one line that sums up, and exits with 1 unless all numbers
can be read and go up one by one.
"""
import sys

import numpy as np

CELLS = 40


def strip_rows(height):
    return max(8, height // 18 // 2 * 2)


def read_counter(luma):
    """The number in a picture's luma (2-D array of bytes), or None."""
    height, width = luma.shape
    centres = (2 * np.arange(CELLS) + 1) * width // (2 * CELLS)
    bits = "".join("1" if value >= 128 else "0" for value in luma[strip_rows(height) // 2, centres])
    counter = int(bits[2:34], 2)
    check = 0
    for shift in range(0, 32, 4):
        check ^= counter >> shift & 15
    return counter if bits == f"10{counter:032b}{check:04b}01" else None


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    width, height = int(arguments[0]), int(arguments[1])
    numbers = []
    while len(data := sys.stdin.buffer.read(width * height)) == width * height:
        numbers.append(read_counter(np.frombuffer(data, np.uint8).reshape(height, width)))
        if "--check" not in sys.argv:
            print("bad" if numbers[-1] is None else numbers[-1], flush=True)
    if "--check" in sys.argv:
        bad = numbers.count(None)
        known = [n for n in numbers if n is not None]
        steps = [b - a for a, b in zip(known, known[1:])]
        lost, doubled, back = sum(s - 1 for s in steps if s > 1), steps.count(0), sum(1 for s in steps if s < 0)
        print(f"{len(numbers)} pictures, {lost} lost, {doubled} doubled, {back} out of order, {bad} unreadable")
        sys.exit(0 if numbers and not (lost or doubled or back or bad) else 1)


if __name__ == "__main__":
    main()
