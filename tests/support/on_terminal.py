#!/usr/bin/env python3
"""Runs a shell command on a terminal of its own, as a user types it, and prints what the screen shows at the end.

usage: on_terminal.py [--close-when PATTERN | --interrupt-when PATTERN] COMMAND

--close-when closes the terminal, and --interrupt-when presses Ctrl-C and closes it right after, when a file matches
PATTERN; nothing is printed then. Exit 1 when that takes more than 20 s, or the command goes on for 20 s after it.
"""
import fcntl
import glob
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

LIMIT_S = 20


def take_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_all(master, until):
    """What the command writes until `until()` holds or the terminal is closed by its last user."""
    written = b""
    deadline = time.monotonic() + LIMIT_S
    while not until():
        if time.monotonic() > deadline:
            sys.exit(f"nothing came within {LIMIT_S} s: {written!r}")
        if not select.select([master], [], [], 0.02)[0]:
            continue
        try:
            written += os.read(master, 65536)
        except OSError:  # EIO: nobody has it open any more
            break
    return written


def screen(written):
    """The lines that a terminal shows: carriage returns and "erase to the end of the line" are obeyed."""
    lines, column = [""], 0
    text = written.decode(errors="replace").replace("\x1b[K", "\0")
    for letter in text:
        if letter == "\r":
            column = 0
        elif letter == "\n":
            lines.append("")
            column = 0
        elif letter == "\0":
            lines[-1] = lines[-1][:column]
        else:
            lines[-1] = lines[-1][:column].ljust(column) + letter + lines[-1][column + 1 :]
            column += 1
    return lines


def main():
    how = sys.argv[1] if len(sys.argv) > 2 else ""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    shell = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"] if how else ["bash", "-c", sys.argv[-1]], stdin=slave,
                             stdout=slave, stderr=slave, preexec_fn=take_terminal, env=dict(os.environ, TERM="xterm"))
    os.close(slave)
    if not how:
        print("\n".join(screen(read_all(master, lambda: False))))
        sys.exit(shell.wait(LIMIT_S))
    os.write(master, sys.argv[-1].encode() + b"\n")
    read_all(master, lambda: glob.glob(sys.argv[2], recursive=True))
    if how == "--interrupt-when":
        os.write(master, b"\x03")
    os.close(master)
    shell.wait(LIMIT_S)


main()
