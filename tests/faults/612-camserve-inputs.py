#!/usr/bin/python3
"""What a source does at its worst while clients watch: its clock steps by seconds, hours and years, it falls silent and goes
on, dies in the middle of a frame and is started again, comes back in another size or codec, brings rubbish. Clients stay or
are ended in order, those that stay lose nothing but what never came, and new ones are served at once."""
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import Scratch, Tap, wait_until
from served import Player, Served, clips

HOUR, YEAR = 3600, 31_557_600
LONG = int(os.environ.get("SECONDS_EACH", "60")) >= 60
STEPS = [HOUR, -HOUR, 3, -3, 0.5, -0.5, 40 * YEAR, -50 * YEAR, 10 * YEAR]
tap = Tap()


def going(served, seconds=15, more=5):
    """Both good clients get frames, from now on."""
    seen = served.neighbours()
    return wait_until(seconds, lambda: all(state["frames"] >= seen[name]["frames"] + more for name, state in served.neighbours().items()), 0.1)


def missing(served):
    state = served.neighbours()
    return {name: (client["connections"], client["missing"]) for name, client in state.items()}


def joins(served):
    """New clients of both kinds have a picture; how long it took them, s."""
    took = []
    for ask in (lambda: served.status("/snapshot/cam.jpg") == 200, lambda: Player(served).up_to("frame").close() is None):
        start = time.monotonic()
        if not ask():
            return None
        took.append(round(time.monotonic() - start, 3))
    return took


def clock_steps(served):
    for step in STEPS:
        before = missing(served)
        joined = []
        for codec in served.clips:
            served.tell(codec, f"step {step}")
        if not tap.ok(going(served), f"clock {step:+} s: both clients go on", served.neighbours()):
            continue
        joined = joins(served)
        tap.ok(joined and max(joined) < 1.5, f"clock {step:+} s: who joins now has a picture within the GOP", joined)
        # small steps forward look like lost frames to this client, which goes by the times
        lost = missing(served)
        if abs(step) > 10 or step < 0:
            tap.ok(lost == before, f"clock {step:+} s: no frame is lost", f"before {before}\nafter  {lost}")
        else:
            tap.ok(lost["http"] == before["http"], f"clock {step:+} s: no picture is lost", f"before {before}\nafter  {lost}")


with Scratch() as scratch:
    served = Served(tap, scratch)
    descriptors, said = served.descriptors(), len(served.lines())
    clock_steps(served)

    for seconds in (1, 3):
        before = missing(served)
        for codec in served.clips:
            served.tell(codec, "pause")
        time.sleep(seconds)
        for codec in served.clips:
            served.tell(codec, "go")
        tap.ok(going(served), f"silent for {seconds} s: both clients go on")
        lost = missing(served)
        tap.ok(lost["http"] == before["http"] and lost["rtsp"][0] == before["rtsp"][0], f"silent for {seconds} s: nobody is closed, nothing is lost",
               f"before {before}\nafter  {lost}")

    for how in ("half", "kill"):
        for codec in served.clips:
            before = missing(served)
            if how == "half":
                served.tell(codec, "half")
                served.players[codec].wait(10)
            else:
                scratch.kill(served.players[codec])
            served.play(codec)
            name = f"the {codec} source dies ({'in the middle of a frame' if how == 'half' else 'SIGKILL'}) and is started again"
            tap.ok(going(served), f"{name}: both clients go on", served.neighbours())
            tap.ok({n: c for n, (c, _) in missing(served).items()} == {n: c for n, (c, _) in before.items()}, f"{name}: on the same connections", missing(served))

    # Rubbish in the middle of the stream: what is damaged is left out, the rest goes on.
    for codec, fifo in served.inputs.items():
        scratch.kill(served.players[codec])
        with open(fifo, "wb") as pipe:
            pipe.write(random.Random(1).randbytes(300_000))
        served.play(codec)
        tap.ok(going(served), f"rubbish in the {codec} source: both clients go on", served.neighbours())

    # Another size: MJPEG goes on in it, an H.264 session ends (its SDP is another) and the player comes back.
    before = served.neighbours()
    for codec in served.clips:
        served.tell(codec, f"clip {clips('192x144')[codec]}")
    came_back = wait_until(15, lambda: served.neighbours()["rtsp"]["connections"] == before["rtsp"]["connections"] + 1, 0.1)
    tap.ok(came_back, "another size: the RTSP session ends in order and the player comes back", served.neighbours())
    tap.ok(going(served), "another size: both clients go on", served.neighbours())
    tap.ok(served.neighbours()["http"]["connections"] == before["http"]["connections"], "another size: the MJPEG client is not closed")
    tap.ok(joins(served), "another size: new clients are served")

    # Another codec: the two sources change places.
    before = served.neighbours()
    served.tell("mjpeg", f"clip {served.clips['h264']}")
    served.tell("h264", f"clip {served.clips['mjpeg']}")
    came_back = wait_until(15, lambda: all(state["connections"] > before[name]["connections"] for name, state in served.neighbours().items()), 0.1)
    tap.ok(came_back, "another codec: clients are ended in order and come back to the other input", served.neighbours())
    tap.ok(going(served), "another codec: both clients go on", served.neighbours())
    tap.ok(joins(served), "another codec: new clients are served")
    for _ in range(10 if LONG else 3):  # to and fro while they come and go
        for one, other in (("mjpeg", "h264"), ("h264", "mjpeg")):
            served.tell("mjpeg", f"clip {clips(random.choice(['320x240', '192x144']))[one]}")
            served.tell("h264", f"clip {clips(random.choice(['320x240', '192x144']))[other]}")
            going(served, 5, 2)
    served.tell("mjpeg", f"clip {served.clips['mjpeg']}")
    served.tell("h264", f"clip {served.clips['h264']}")
    tap.ok(going(served), "to and fro: both clients go on", served.neighbours())
    back = wait_until(10, lambda: served.descriptors() <= descriptors, 0.1)
    tap.ok(back, "descriptors come back", f"{descriptors}, now {served.descriptors()}")
    tap.note(f"{len(served.lines()) - said} lines: {served.neighbours()}")
    tap.ok(len(served.lines()) - said < 120, "stderr says little", "\n".join(served.lines()[said:]))

    # One source ends for good: its clients are ended in order, those of the other stay; then camserve, with the last.
    before = served.neighbours()
    for fd in served.held:
        os.close(fd)
    served.held = []
    served.players["h264"].stdin.close()
    ended = wait_until(10, lambda: any("end of input" in line for line in served.lines()), 0.1)
    tap.ok(ended, "one source ends: it is told", "\n".join(served.lines()[-5:]))
    seen = served.neighbours()["http"]
    goes_on = wait_until(10, lambda: served.neighbours()["http"]["frames"] > seen["frames"] + 3, 0.1)
    tap.ok(goes_on and seen["connections"] == before["http"]["connections"], "one source ends: the clients of the other stay", served.neighbours())
    served.players["mjpeg"].stdin.close()
    try:
        code = served.process.wait(15)
    except subprocess.TimeoutExpired:
        code = "still running"
    tap.ok(code == 0, "the last source ends: camserve ends in order", f"{code}\n{scratch.text('camserve.err')[-2000:]}")

# The same through rings, where the next writer goes on with what is there.
with Scratch() as scratch:
    served = Served(tap, scratch, rings=True)
    descriptors = served.descriptors()
    for codec in served.clips:
        before = served.neighbours()
        scratch.kill(served.players[codec])
        served.play(codec)
        goes_on = going(served)
        same = all(state["connections"] == before[name]["connections"] for name, state in served.neighbours().items())
        tap.ok(goes_on and same, f"the writer of the {codec} ring dies and is started again: both clients go on, on the same connections", served.neighbours())
    before = served.neighbours()
    for codec in served.clips:
        scratch.kill(served.players[codec])
        served.play(codec, clips("192x144")[codec])
    came_back = wait_until(15, lambda: served.neighbours()["rtsp"]["connections"] > before["rtsp"]["connections"], 0.1)
    tap.ok(came_back and going(served), "the rings' writers return with another size: the RTSP player comes back, both go on", served.neighbours())
    tap.ok(served.neighbours()["http"]["connections"] == before["http"]["connections"], "the rings' writers return with another size: the MJPEG client is not closed")
    before = served.neighbours()
    for codec, other in (("mjpeg", "h264"), ("h264", "mjpeg")):
        scratch.kill(served.players[codec])
        served.play(codec, served.clips[other])
    came_back = wait_until(15, lambda: all(state["connections"] > before[name]["connections"] for name, state in served.neighbours().items()), 0.1)
    tap.ok(came_back and going(served), "the rings' writers return with another codec: clients come back to the other ring", served.neighbours())
    tap.ok(joins(served), "the rings' writers return with another codec: new clients are served")
    back = wait_until(10, lambda: served.descriptors() <= descriptors, 0.1)
    tap.ok(back, "rings: descriptors come back", f"{descriptors}, now {served.descriptors()}")
    served.stop()
    for codec, endpoint in served.inputs.items():
        scratch.kill(served.players[codec])
        subprocess.run(["camring", "rm", endpoint.removeprefix("shm:")], stderr=subprocess.DEVNULL)
tap.done()
