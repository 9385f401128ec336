#!/usr/bin/python3
"""When each frame of a recorded file was captured.

usage: recorded_times.py FILE...     prints Unix time in µs of each frame in the order shown, one a line

A file of camrec tells the Unix time of its time 0 in the format tag campipe.start_unix_us; its tracks tick in µs (MP4) or ms
(Matroska).
"""
import fractions
import json
import subprocess
import sys


def capture_times_us(path):
    """Unix µs of each video frame of a recorded file, in the order shown."""
    answer = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                             "packet=pts:stream=time_base:format_tags", "-of", "json", str(path)],
                            capture_output=True, text=True, check=True)
    facts = json.loads(answer.stdout)
    tags = {name.lower(): value for name, value in facts["format"].get("tags", {}).items()}
    start = int(tags["campipe.start_unix_us"])
    tick_us = fractions.Fraction(facts["streams"][0]["time_base"]) * 1_000_000
    return sorted(start + round(packet["pts"] * tick_us) for packet in facts["packets"])


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print("\n".join(str(time) for time in capture_times_us(name)))
