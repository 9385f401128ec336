#!/usr/bin/python3
"""Processes that live and pass no frames: camwatch restarts the one that hangs, not its victims."""
import os
import pathlib
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, HttpClient, Scratch, Tap, Watch, free_port, wait_until

tap = Tap()
DEFAULTS = """version: 1
defaults:
  restart: {first: 100ms, max: 300ms}
  watchdog: {startup: 15s, stall: 3s, heartbeat: 3s}
"""


def restarted_only(watch, before, stage, seconds):
    """True once `stage` has another pid; the names of other stages that changed, if any."""
    changed = wait_until(seconds, lambda: watch.pids().get(stage) not in (None, before[stage]), 0.1)
    after = watch.pids()
    return bool(changed), [name for name in before if name != stage and after.get(name) != before[name]]


def stopped_stages():
    with Scratch() as scratch:
        http = free_port()
        watch = Watch(scratch, DEFAULTS + f"""chains:
  main:
    stages:
      grab:  {{cmd: [camgrab, pattern, -s, 640x360, -r, "30"]}}
      enc:   {{from: grab, cmd: [camenc, -c, mjpeg]}}
      serve: {{from: enc, cmd: [camserve, --http, "127.0.0.1:{http}", --rtsp, none]}}
""")
        watch.wait_running(20, ("grab", "enc", "serve"))
        client = HttpClient(http)
        client.start()
        wait_until(20, lambda: len(client.frames) > 30)
        for stage in ("grab", "enc", "serve"):
            time.sleep(2)
            before = watch.pids()
            os.kill(before[stage], signal.SIGSTOP)
            restarted, victims = restarted_only(watch, before, stage, 20)
            tap.ok(restarted, f"{stage} under SIGSTOP is restarted", scratch.text("camwatch.err"))
            tap.ok(not victims, f"{stage} under SIGSTOP: its neighbours keep their pids", f"{victims}\n{scratch.text('camwatch.err')}")
            count = len(client.frames)
            tap.ok(wait_until(10, lambda: len(client.frames) > count + 10), f"{stage}: frames flow again")
        client.stop()


def stalled_camera():
    """The shim's camera stops giving frames; camgrab is told to be patient, so that camwatch has to act."""
    shim = next(iter(sorted(BIN.parent.rglob("libcamera_shim.so"))), None)
    if not tap.ok(shim, "the camera shim is built"):
        return
    with Scratch() as scratch:
        control = scratch.path / "shim.control"
        control.write_text("")
        watch = Watch(scratch, DEFAULTS + f"""chains:
  main:
    stages:
      grab:
        cmd: [camgrab, /dev/video99, -f, yuyv, -s, 640x480, --stall-timeout, 1h]
        env: {{LD_PRELOAD: "{shim}", SHIM_CONTROL: "{control}"}}
      enc:   {{from: grab, cmd: [camenc, -c, mjpeg, -o, /dev/null]}}
""")
        watch.wait_running(20, ("grab", "enc"))
        flowing = wait_until(20, lambda: watch.stages().get("grab", {}).get("state") == "flowing", 0.2)
        tap.ok(flowing, "frames of the camera flow", f"{watch.status()}\n{scratch.text('camwatch.err')}")
        before = watch.pids()
        control.write_text("stall\n")
        restarted, victims = restarted_only(watch, before, "grab", 25)
        tap.ok(restarted, "a camera that stalls: camgrab is restarted", scratch.text("camwatch.err"))
        tap.ok(not victims, "a camera that stalls: camenc, its victim, keeps its pid", victims)


def silent_rtsp_peer():
    """An RTSP relay in front of a camserve that stops passing bytes on."""
    with Scratch() as scratch:
        rtsp, relay = free_port(), free_port()
        scratch.start(f"camgrab pattern -s 640x360 -r 30 | camenc -c h264 | camserve --http none --rtsp 127.0.0.1:{rtsp}", "camera", shell=True)
        silent = threading.Event()

        def pump(a, b):
            try:
                while data := a.recv(65536):
                    while silent.is_set():
                        time.sleep(0.1)
                    b.sendall(data)
            except OSError:
                pass
            for s in (a, b):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        def accept():
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", rtsp))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

        listener = socket.create_server(("127.0.0.1", relay))
        threading.Thread(target=accept, daemon=True).start()
        watch = Watch(scratch, DEFAULTS + f"""chains:
  main:
    stages:
      grab:  {{cmd: [camgrab, "rtsp://127.0.0.1:{relay}/cam", --wait, --stall-timeout, 1h]}}
      enc:   {{from: grab, cmd: [camenc, -c, mjpeg, -o, /dev/null]}}
""")
        flowing = wait_until(25, lambda: watch.stages().get("enc", {}).get("state") == "flowing", 0.2)
        tap.ok(flowing, "frames of the RTSP camera flow", scratch.text("camwatch.err"))
        before = watch.pids()
        silent.set()
        restarted, victims = restarted_only(watch, before, "grab", 25)
        tap.ok(restarted, "a silent RTSP peer: camgrab is restarted", f"{watch.status()}\n{scratch.text('camwatch.err')}")
        tap.ok(not victims, "a silent RTSP peer: camenc keeps its pid", victims)
        silent.clear()
        tap.ok(wait_until(25, lambda: watch.stages().get("enc", {}).get("state") == "flowing", 0.2), "and frames flow again", watch.status())


def waiting_camera():
    with Scratch() as scratch:
        watch = Watch(scratch, DEFAULTS + """chains:
  main:
    stages:
      grab:  {cmd: [camgrab, /dev/video77, --wait]}
      enc:   {from: grab, cmd: [camenc, -c, mjpeg, -o, /dev/null]}
""")
        watch.wait_running(20, ("grab", "enc"))
        time.sleep(2)
        before = watch.pids()
        time.sleep(20)  # well past startup, stall and heartbeat
        after = watch.pids()
        tap.ok(before == after and all(before.values()), "a camgrab that waits for its camera is not restarted, nor is what waits behind it",
               f"{before} {after}\n{scratch.text('camwatch.err')}")
        tap.ok(watch.stages().get("grab", {}).get("state") == "lost", "and after 10 s it is lost", watch.status())


stopped_stages()
stalled_camera()
silent_rtsp_peer()
waiting_camera()
tap.done()
