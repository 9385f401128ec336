#!/usr/bin/python3
"""A stage for camwatch's tests: passes numbered lines and reports like the tools do, ten times as often.

usage: fake_stage.py source|filter|sink [FILE]

A sink appends "PID NUMBER" to FILE for each line. What it does can be changed while it runs by a line on its command file
($FAKE_DIR/NAME, NAME = $FAKE_NAME), read before every step: "stall" (report on, pass nothing), "swallow" (read, pass nothing), "wait" (say that it
waits), "go" (as at first), "exit CODE". The command goes for the process of that moment only: the file is removed.
How many reports it has sent, ten a second, is in $FAKE_DIR/NAME.reports: a test's clock.
"""
import os
import pathlib
import select
import socket
import sys
import time

kind = sys.argv[1]
address = os.environ.get("NOTIFY_SOCKET", "")
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
command_file = pathlib.Path(os.environ.get("FAKE_DIR", "/nonexistent")) / os.environ.get("FAKE_NAME", "x")
counts = {"in": 0, "out": 0, "reports": 0}
last_us = 0
mode = ""


def tell(text):
    if address:
        try:
            notify.sendto(text.encode(), socket.MSG_DONTWAIT, "\0" + address[1:])
        except OSError:
            pass


def report(blocked=0):
    age = time.monotonic() - last_us / 1e6
    state = "waiting" if mode == "wait" or not last_us else ("stalled" if age > 1 else "flowing")
    tell(f"WATCHDOG=1\nX_CAMPIPE_STATE={state}\nX_CAMPIPE_FRAMES_IN={counts['in']}\nX_CAMPIPE_FRAMES_OUT={counts['out']}\n"
         f"X_CAMPIPE_LAST_US={last_us}\nX_CAMPIPE_BLOCKED={blocked}")
    counts["reports"] += 1
    if command_file.parent.exists():
        command_file.with_suffix(".reports").write_text(str(counts["reports"]))


def write(line):
    while not select.select([], [1], [], 0.1)[1]:
        report(blocked=1)
    os.write(1, line)
    counts["out"] += 1


tell("READY=1")
print("ready", file=sys.stderr, flush=True)
pending = b""
number = 0
told = 0.0
while True:
    if command_file.exists() and (command := command_file.read_text()).endswith("\n"):  # a shell makes the file first
        mode = command.strip()
        command_file.unlink()
        print(f"told to {mode}", file=sys.stderr, flush=True)
        if mode.startswith("exit"):
            sys.exit(int(mode.split()[1]))
    if time.monotonic() - told > 0.1:
        told = time.monotonic()
        report()
    if mode in ("stall", "wait"):
        time.sleep(0.05)
        continue
    if kind == "source":
        time.sleep(0.02)
        number += 1
        counts["in"] += 1
        last_us = int(time.monotonic() * 1e6)
        write(b"%07d\n" % number)
        continue
    if not select.select([0], [], [], 0.1)[0]:
        continue
    got = os.read(0, 8192)
    if not got:
        sys.exit(0)
    *lines, pending = (pending + got).split(b"\n")
    for line in lines:
        counts["in"] += 1
        last_us = int(time.monotonic() * 1e6)
        if mode == "swallow":
            continue
        if kind == "filter":
            write(line + b"\n")
        else:
            with open(sys.argv[2], "a") as out:
                out.write(f"{os.getpid()} {line.decode()}\n")
