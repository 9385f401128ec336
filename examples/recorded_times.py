#!/usr/bin/env python3
"""When each frame of a recording was captured: prints Unix time in microseconds, one frame a line.

usage: recorded_times.py FILE

camrec writes the capture time of a file's first frame into its tag campipe.start_unix_us; the frames' own times count from
there. Needs ffprobe.
"""
import json
import subprocess
import sys


def capture_times_us(path):
    answer = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "format_tags:packet=pts:stream=time_base,start_pts",
         "-of", "json", str(path)], capture_output=True, text=True, check=True)
    facts = json.loads(answer.stdout)
    tags = {key.lower(): value for key, value in facts["format"]["tags"].items()}
    start = int(tags["campipe.start_unix_us"])
    numerator, denominator = map(int, facts["streams"][0]["time_base"].split("/"))
    return [start + packet["pts"] * numerator * 1_000_000 / denominator for packet in facts["packets"]]


if __name__ == "__main__":
    if "--help" in sys.argv:
        print(__doc__)
        sys.exit(0)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for time_us in capture_times_us(sys.argv[1]):
        print(f"{time_us:.0f}")
