#!/usr/bin/python3
"""A camera dies, in every way that campipe's parts are put together: by pipes and by rings, with an encoder or without one, on
demand or not, with a recorder beside it or not; killed (its connection is reset) and frozen (it stays silent). The page's data
say so in red, /health answers 503, and camwatch's hook is called; when the camera is back all of it ends.

ARRANGEMENTS=N runs the first N of a mixed order; default all of them. Told beside each: seconds until the alarm and the hook, counted
from the death for a killed camera, and from its stall time for a frozen one."""
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import ROOT, Scratch, Tap, free_port, wait_until

STALL_S = 2
PATIENCE_S = 30  # a slow machine is no dead alarm
tap = Tap()


def arrangements():
    every = [a for a in itertools.product(("pipe", "ring"), ("mjpeg", "copy"), (False, True), (False, True), ("killed", "frozen"))
             if not (a[0] == "pipe" and a[2])]  # a pipe always wants frames
    random.Random(5).shuffle(every)
    return every[: int(os.environ.get("ARRANGEMENTS", len(every)))]


def fetch(url):
    """The status and body; None when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return None


class Camera:
    """An MJPEG camera in a process of its own."""

    def __init__(self, scratch, images):
        self.scratch, self.images, self.port = scratch, images, free_port()
        self.number = 0
        self.start()

    def start(self):
        self.number += 1
        self.process = self.scratch.start([str(ROOT / "tests/interop/mjpeg_server.py"), str(self.port), str(self.images)], f"camera{self.number}")
        wait_until(PATIENCE_S, lambda: fetch_start(self.port))

    def die(self, way):
        if way == "frozen":
            os.kill(self.process.pid, signal.SIGSTOP)
        else:
            self.scratch.kill(self.process)

    def come_back(self, way):
        if way == "frozen":
            os.kill(self.process.pid, signal.SIGCONT)
        else:
            self.start()


def fetch_start(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return answer.read(1)
    except OSError:
        return None


def config(scratch, camera, name, http, way):
    transport, codec, on_demand, recorder, _ = way
    demand = ["--on-demand"] if on_demand else []
    grab = ["camgrab", f"http://127.0.0.1:{camera.port}/", "--wait", "--stall-timeout", f"{STALL_S}s", *demand]
    encode = ["camenc", "-c", codec, *demand]
    record = ["camrec", "--name", "cam", "--segment", "2s", str(scratch.path / "recordings")]
    serve = ["camserve", "--http", f"127.0.0.1:{http}", "--rtsp", "none"]
    stages = {}
    if transport == "ring":
        stages["grab"] = {"cmd": [*grab, "-o", f"shm:{name}.cam"]}
        stages["enc"] = {"cmd": [*encode, "-i", f"shm:{name}.cam", "-o", f"shm:{name}.out"]}
        stages["serve"] = {"cmd": [*serve, f"cam=shm:{name}.out"]}
        if recorder:
            stages["rec"] = {"cmd": [*record[:1], "-i", f"shm:{name}.cam", *record[1:]]}
    else:
        stages["grab"] = {"cmd": grab}
        stages["enc"] = {"cmd": encode, "from": "grab"}
        stages["serve"] = {"cmd": serve, "from": "enc"}
        if recorder:
            stages["rec"] = {"cmd": record, "from": "grab"}
    mark = f"echo $(date +%s.%N) {{event}} {{stage}} {{reason}} >> {scratch.path}/hooks"
    text = json.dumps({"version": 1,
                       "hooks": {"lost": ["sh", "-c", mark], "recovered": ["sh", "-c", mark], "lost-after": "100ms"},
                       "chains": {"cam": {"stages": stages}}})
    path = scratch.path / "watch.yaml"
    path.write_text(text)  # JSON is YAML
    return path


def events(scratch, kind):
    try:
        return [line for line in (scratch.path / "hooks").read_text().splitlines() if f" {kind} " in line]
    except OSError:
        return []


def stream(http):
    got = fetch(f"http://127.0.0.1:{http}/api/streams")
    if got is None or got[0] != 200:
        return {}
    streams = json.loads(got[1])["streams"]
    return streams[0] if streams else {}


def one(number, way, images):
    transport, codec, on_demand, recorder, death = way
    what = f"{transport}, {'re-encoded' if codec == 'mjpeg' else 'passed on'}{', on demand' if on_demand else ''}" \
           f"{', recorded' if recorder else ''}: {death}"
    with Scratch() as scratch:
        camera, http, name = Camera(scratch, images), free_port(), f"dead{os.getpid()}-{number}"
        (scratch.path / "recordings").mkdir()
        (scratch.path / "recordings/.camrec-root").touch()
        watch = scratch.start(["camwatch", "run", "-c", str(config(scratch, camera, name, http, way)), "--control", str(scratch.path / "ctl")],
                              "watch")
        viewer = None
        if on_demand and not recorder:  # else nobody would know the camera to be there
            wait_until(PATIENCE_S, lambda: fetch(f"http://127.0.0.1:{http}/health"))
            viewer = scratch.start(["curl", "-sN", "--retry", "30", "--retry-all-errors", "--retry-delay", "1", "-o", os.devnull,
                                    f"http://127.0.0.1:{http}/stream/cam"], "viewer")
            scratch.expect(viewer, 0, -15, 143, 18, 23, 28, 56)
        # With a recorder nobody watches: the encoder may rest, and its stream is idle.
        good = ("flowing", "idle") if on_demand and recorder else ("flowing",)
        if not tap.ok(wait_until(PATIENCE_S, lambda: stream(http).get("state") in good), f"{what}: it flows", stream(http)):
            return
        if on_demand and recorder:
            fetch(f"http://127.0.0.1:{http}/snapshot/cam")
            wait_until(PATIENCE_S, lambda: stream(http).get("state") == "idle")
        died = time.monotonic()
        camera.die(death)
        allowed = STALL_S if death == "frozen" else 0
        alarm = wait_until(PATIENCE_S, lambda: stream(http).get("alarm") == "red" and time.monotonic())
        health = fetch(f"http://127.0.0.1:{http}/health")
        hook = wait_until(PATIENCE_S, lambda: events(scratch, "lost") and time.monotonic())
        tap.ok(alarm is not None, f"{what}: the page's data are red", stream(http))
        tap.ok(health is not None and health[0] == 503, f"{what}: /health is 503", health)
        tap.ok(hook is not None, f"{what}: the hook is called", (scratch.path / "watch.err").read_text())
        tap.ok(stream(http).get("source", {}).get("reason"), f"{what}: the reason is told", stream(http))
        if alarm and hook:
            tap.note(f"red after {alarm - died - allowed:.1f} s, hook after {hook - died - allowed:.1f} s")
        camera.come_back(death)
        back = wait_until(2 * PATIENCE_S, lambda: stream(http).get("state") in good and stream(http).get("alarm") == "")
        tap.ok(back, f"{what}: it is back", stream(http))
        health = wait_until(PATIENCE_S, lambda: (fetch(f"http://127.0.0.1:{http}/health") or (0,))[0] == 200)
        tap.ok(health, f"{what}: /health is 200 again", fetch(f"http://127.0.0.1:{http}/health"))
        tap.ok(wait_until(PATIENCE_S, lambda: events(scratch, "recovered")), f"{what}: the hook tells that it is back",
               (scratch.path / "watch.err").read_text())


with Scratch() as folder:
    images = folder.path / "images.mjpeg"
    with open(images, "wb") as out:
        subprocess.run("camgrab pattern --size 320x240 --rate 25 -n 50 --quiet | camenc -c mjpeg --output-format mjpeg --quiet", shell=True,
                       stdout=out, check=True)
    for number, way in enumerate(arrangements()):
        one(number, way, images)
tap.done()
