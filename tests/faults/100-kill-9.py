#!/usr/bin/python3
"""kill -9 on every stage of a whole chain under camwatch, many times: frames come back, neighbours stay, nothing is mixed,
the recording stays whole. KILLS=N sets how often each stage is killed (default 20)."""
import os
import pathlib
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import HttpClient, RtspClient, Scratch, Tap, Watch, counters, free_port, published, wait_until

KILLS = int(os.environ.get("KILLS", "20"))
LIMIT = 2.0  # one GOP (1 s) and a second
SIZE = (640, 360)
STAGES = ("grab", "mjpeg", "h264", "serve", "rec")
tap = Tap()

with Scratch() as scratch:
    http, rtsp = free_port(), free_port()
    disk = scratch.path / "disk"
    watch = Watch(scratch, f"""version: 1
defaults:
  restart: {{first: 100ms, max: 300ms}}
chains:
  main:
    stages:
      grab:  {{cmd: [camgrab, pattern, -s, {SIZE[0]}x{SIZE[1]}, -r, "30"]}}
      mjpeg: {{from: grab, cmd: [camenc, -c, mjpeg]}}
      h264:  {{from: grab, cmd: [camenc, -c, h264]}}
      serve: {{from: [mjpeg, h264], cmd: [camserve, "cam=fd:in.mjpeg", "cam=fd:in.h264", --http, "127.0.0.1:{http}", --rtsp, "127.0.0.1:{rtsp}"]}}
      rec:   {{from: h264, cmd: [camrec, --name, cam, --segment, 5s, "{disk}"]}}
""")
    tap.ok(watch.wait_running(20, STAGES), "camwatch starts all stages", scratch.text("camwatch.err"))
    http_client = HttpClient(http, keep=scratch.path)
    rtsp_client = RtspClient(rtsp, keep=scratch.path)
    http_client.start()
    rtsp_client.start()
    wait_until(20, lambda: len(http_client.frames) > 30 and len(rtsp_client.frames) > 30)
    tap.ok(len(http_client.frames) > 30 and len(rtsp_client.frames) > 30, "frames reach both clients", scratch.text("camwatch.err"))

    def newest_capture(client):
        """Unix time of the newest frame's capture."""
        if not client.frames:
            return 0
        if client is http_client:
            return float(client.frames[-1][1])
        return (client.frames[-1][2] or 0) / 1e6

    def live_size():
        return sum(p.stat().st_size for p in disk.rglob("*.part") if p.exists())

    lost_tails = []
    for stage in STAGES:
        delays, strangers, missing, late = [], [], 0, 0
        for _ in range(KILLS):
            before = watch.pids()
            if not before.get(stage):
                wait_until(5, lambda: watch.pids().get(stage), 0.05)
                before = watch.pids()
            connections = (http_client.connections, rtsp_client.connections)
            killed_at, killed_unix = time.monotonic(), time.time()
            try:
                os.kill(before[stage], signal.SIGKILL)
            except (KeyError, TypeError, ProcessLookupError):
                missing += 1
                continue
            if stage == "rec":
                wait_until(10, lambda: watch.pids().get("rec") not in (None, before["rec"]), 0.02)
                grown_from = live_size()
                back = wait_until(10, lambda: live_size() != grown_from and live_size() > 0)
            else:
                clients = {"mjpeg": [http_client], "h264": [rtsp_client]}.get(stage, [http_client, rtsp_client])
                # A frame captured after the kill: what was still in the pipes does not count. The RTSP client learns the
                # time of a new connection's frames from the first sender report, within a second.
                back = wait_until(10, lambda: all(newest_capture(c) > killed_unix for c in clients), 0.005)
            delay = time.monotonic() - killed_at
            delays.append(delay)
            late += delay > LIMIT
            after = watch.pids()
            strangers += [name for name in STAGES if name != stage and after.get(name) != before.get(name)]
            if stage not in ("serve",) and (http_client.connections, rtsp_client.connections) != connections:
                strangers.append("a client's connection")
            missing += not back
            time.sleep(0.3)
        tap.note(f"{stage}: back after median {statistics.median(delays):.2f} s, max {max(delays):.2f} s of {len(delays)}")
        tap.ok(missing == 0 and late == 0 and len(delays) == KILLS,
               f"{stage}: killed {KILLS} times, frames at the sink again within one GOP + 1 s each time",
               f"{missing} times not at all, {late} times later: {[round(d, 2) for d in delays]}\n" + scratch.text("camwatch.err"))
        tap.ok(not strangers, f"{stage}: stages that were not killed keep their pids, and clients their connections", strangers)

    # Of the recording at most 0.5 s is lost: kill camrec once more, note the moment, and see how far its file reaches.
    tails = []
    for _ in range(3):
        wait_until(10, lambda: watch.pids().get("rec"), 0.05)
        wait_until(10, lambda: live_size() > 100000, 0.05)
        time.sleep(1.5)
        names = set(published(disk))
        pid = watch.pids()["rec"]
        killed = time.time()
        os.kill(pid, signal.SIGKILL)
        fresh = wait_until(10, lambda: set(published(disk)) - names, 0.05)
        if not fresh:
            tails.append(None)
            continue
        newest = sorted(fresh)[-1]
        import subprocess
        start = time.mktime(time.strptime(newest.name[:15], "%Y%m%dT%H%M%S")) - time.timezone + int(newest.name[16:19]) / 1000
        length = float(subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(newest)],
                                      capture_output=True, text=True).stdout or 0)
        tails.append(killed - (start + length))
    tap.note(f"recording: the recovered file ends {[t if t is None else round(t, 3) for t in tails]} s before the kill")
    tap.ok(all(t is not None and t <= 0.5 for t in tails), "a killed camrec loses at most 0.5 s of its recording", tails)

    http_client.stop()
    rtsp_client.stop()
    watch.process.send_signal(signal.SIGTERM)
    try:
        code = watch.process.wait(20)
    except Exception:
        code = "still running"
    tap.ok(code == 0, "camwatch ends with 0", code)

    # No frame mixes two writers: every picture decodes without a complaint and has a readable number.
    bad = []
    for path in http_client.files:
        if path.stat().st_size:
            numbers, complaints = counters(path, SIZE, ("-f", "mjpeg"))
            bad += [f"{path.name}: {complaints[:300]}"] if complaints else []
            bad += [f"{path.name}: picture {i} has no number" for i, n in enumerate(numbers) if n is None]
    tap.ok(not bad, "every JPEG that any client got is whole", "\n".join(bad[:10]))
    files = published(disk)
    bad, frames = [], 0
    for path in files:
        numbers, complaints = counters(path, SIZE)
        frames += len(numbers)
        bad += [f"{path.name}: {complaints[:300]}"] if complaints else []
        bad += [f"{path.name}: no picture"] if not numbers else []
        # Within a file of one camgrab the numbers only go up; a restarted camgrab begins at 0 and with a keyframe.
        bad += [f"{path.name}: picture {i} has no number" for i, n in enumerate(numbers) if n is None]
    tap.note(f"{len(files)} published files with {frames} frames")
    tap.ok(files and not bad, "every published file decodes", "\n".join(bad[:10]))
tap.done()
