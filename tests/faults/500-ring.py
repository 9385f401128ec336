#!/usr/bin/python3
"""Readers and writers of a ring killed with SIGKILL, at random, many times, and stopped with SIGSTOP: nothing is torn, nothing
dropped, no slot lost, and who lives goes on. Counts, not times, decide; the times are told beside.

READER_KILLS=N       readers killed under a writer of 500 frames/s (default 1000)
RESTARTS=N    times the writer is killed and started again (default 100)
STOP_S=N      seconds a reader that holds a picture is stopped for (default 5)
STAGES=N      times each of camgrab and two camencs is killed and started again before viewers of camserve (default 10)
FRAME=BYTES   size of a picture (default 345600)
PARTS=LIST    of readers,writer,stop,viewers (default all)
SEED=N        of the random numbers
"""
import json
import os
import pathlib
import random
import signal
import statistics
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, HttpClient, RtspClient, Scratch, Tap, counters, free_port, wait_until

READER_KILLS = int(os.environ.get("READER_KILLS", "1000"))
RESTARTS = int(os.environ.get("RESTARTS", "100"))
STOP_S = float(os.environ.get("STOP_S", "5"))
STAGES = int(os.environ.get("STAGES", "10"))
FRAME = int(os.environ.get("FRAME", "345600"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
LIMIT_S = 20  # for one thing to happen on a machine that is busy elsewhere

WRITTEN = ("published", "dropped", "in_place", "first_ns", "last_ns")
READ = ("units", "torn", "lost", "untold", "copied", "reopened", "last_seq", "writer", "writers", "gap_ns", "late_ns",
        "first_ns", "holding")
tap = Tap()
rng = random.Random(SEED)
tap.note(f"SEED={SEED}")


class Counts:
    """What a process of ring_stress counts in its file; 0 before there is one."""

    def __init__(self, path, names):
        self.path, self.names = path, names

    def __getattr__(self, name):
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return 0
        return struct.unpack_from("<Q", data, 8 * self.names.index(name))[0] if len(data) >= 128 else 0


class Ring:
    """A name, with the processes on it."""

    made = 0

    def __init__(self, scratch, slots=10):
        Ring.made += 1
        self.scratch, self.slots = scratch, slots
        self.name = f"fault{os.getpid()}-{Ring.made}.raw"
        self.readers = []
        self.writers = 0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for process in [reader.process for reader in self.readers] + [getattr(self, "writer", None)]:
            if process and process.poll() is None:
                self.scratch.kill(process)
        for end in ("", ".ctl", ".new"):
            pathlib.Path(f"/dev/shm/campipe.{self.name}{end}").unlink(missing_ok=True)

    def write(self, fps):
        self.writers += 1
        self.written = Counts(self.scratch.path / f"{self.name}-w{self.writers}", WRITTEN)
        self.writer = self.start(["write", self.name, self.written.path, fps, self.slots, FRAME], "writer")
        return self.written

    def read(self, delivery="order", leases=1, hold_us=0):
        self.readers.append(StressReader(self, len(self.readers), delivery, leases, hold_us))
        return self.readers[-1]

    def start(self, args, what):
        with open(self.scratch.path / f"{self.name}-{what}.err", "ab") as err:
            process = subprocess.Popen([BIN / "ring_stress", *map(str, args)], stdin=subprocess.DEVNULL, stderr=err, start_new_session=True)
        return self.scratch.watch(process, f"{self.name}-{what}")

    def complaints(self):
        return "\n".join(f"{p.name}: {p.read_text(errors='replace')[-500:]}" for p in self.scratch.path.glob(f"{self.name}*.err") if p.stat().st_size)

    def look(self):
        answer = subprocess.run([BIN / "ring_stress", "look", self.name], capture_output=True, text=True)
        return json.loads(answer.stdout) if answer.returncode == 0 else {"error": answer.stderr}

    def objects(self):
        return [p.name for p in pathlib.Path("/dev/shm").glob(f"campipe.{self.name}*")]


class StressReader:
    def __init__(self, ring, index, delivery, leases, hold_us):
        self.ring, self.index = ring, index
        self.args = (delivery, leases, hold_us)
        self.counts = Counts(ring.scratch.path / f"{ring.name}-r{index}", READ)
        self.start()

    def start(self):
        self.process = self.ring.start(["read", self.ring.name, self.counts.path, *self.args], f"reader{self.index}")

    def kill(self):
        """Answers whether it was alive until then."""
        return self.ring.scratch.kill(self.process)

    def __str__(self):
        counts = {name: getattr(self.counts, name) for name in ("units", "torn", "lost", "untold", "copied", "reopened")}
        return f"{' '.join(map(str, self.args))}: {counts}"


def total(ring, name):
    return sum(getattr(reader.counts, name) for reader in ring.readers)


def readers_die(scratch):
    """SIGKILL of readers at random under a writer of 500 frames/s."""
    with Ring(scratch) as ring:
        written = ring.write(500)
        # Six leases in all, as many as ten slots give: who holds two at a time, who takes longer than a frame, who is quick;
        # and readers that copy, the last of them because there are no leases left.
        for args in (("order", 1, 0), ("order", 1, 1500), ("newest", 1, 8000), ("order", 2, 500), ("order", 1, 300), ("newest", 0, 0),
                     ("order", 0, 1000), ("order", 1, 1000)):
            ring.read(*args)
        tap.ok(wait_until(LIMIT_S, lambda: all(r.counts.units > 0 for r in ring.readers)), "all readers read", ring.complaints())
        began, died_before, holding = time.monotonic(), 0, 0
        for _ in range(READER_KILLS):
            time.sleep(rng.uniform(0, 0.025))
            victim = rng.choice(ring.readers)
            holding += victim.counts.holding
            died_before += not victim.kill()
            victim.start()
        took = time.monotonic() - began
        # One that lives has got something since the last kill: the ring still moves, and may be read.
        before = {r: r.counts.units for r in ring.readers}
        moved = wait_until(LIMIT_S, lambda: all(r.counts.units > before[r] for r in ring.readers))
        published, dropped = written.published, written.dropped
        tap.note(f"{READER_KILLS} kills in {took:.0f} s, {holding} of readers that held a picture just before; {published} frames published, "
                 f"{dropped} dropped, {written.in_place} of them in place; {total(ring, 'units')} pictures checked, {total(ring, 'copied')} of them copies")
        tap.ok(died_before == 0, "no reader ended by itself", f"{died_before}\n{ring.complaints()}")
        tap.ok(moved, "after the last kill every reader reads", "\n".join(map(str, ring.readers)))
        tap.ok(ring.writer.poll() is None and published > 0 and dropped == 0, f"{READER_KILLS} readers killed: the writer lives and dropped nothing",
               f"{dropped} of {published}\n{ring.complaints()}")
        tap.ok(total(ring, "torn") == 0 and total(ring, "untold") == 0, "no picture was torn or changed while held, no gap was untold",
               "\n".join(map(str, ring.readers)))
        for reader in ring.readers:
            reader.kill()
        seen = ring.look()
        tap.ok(seen.get("leased") == 0 and seen.get("readers") == 0, "all slots and seats are free at the end", seen)
        # And so are the rights to lease: as many readers as before get theirs.
        fresh = [ring.read("order", 1, 0) for _ in range(ring.slots - 4)]
        leasing = wait_until(LIMIT_S, lambda: all(r.counts.units > 0 for r in fresh))
        tap.ok(leasing and sum(r.counts.copied for r in fresh) == 0, f"{len(fresh)} new readers lease without a copy",
               "\n".join(map(str, fresh)))
        for reader in fresh:
            reader.kill()
        ring.writer.send_signal(signal.SIGTERM)
        code = ring.writer.wait(LIMIT_S)
        tap.ok(code == 0 and not ring.objects(), "the writer ends in order and nothing is left in /dev/shm", f"{code} {ring.objects()}")


def writer_dies(scratch):
    """SIGKILL and restart of the writer: the same readers go on."""
    with Ring(scratch) as ring:
        ring.write(60)
        for args in (("order", 1, 0), ("newest", 1, 3000), ("order", 0, 0), ("order", 2, 1000)):
            ring.read(*args)
        tap.ok(wait_until(LIMIT_S, lambda: all(r.counts.units > 0 for r in ring.readers)), "all readers read", ring.complaints())
        pids = [r.process.pid for r in ring.readers]
        missed, starts, gaps, beyond, lates, dropped = 0, [], [], [], [], 0
        for _ in range(RESTARTS):
            time.sleep(rng.uniform(0.01, 0.12))
            dropped += ring.written.dropped
            killed_ns = time.monotonic_ns()
            scratch.kill(ring.writer)
            ring.write(60)
            there = wait_until(LIMIT_S, lambda: all(r.counts.writer == ring.writer.pid for r in ring.readers), 0.002)
            missed += not there
            if there:
                starts.append((ring.readers[0].counts.first_ns - killed_ns) / 1e6)
                gaps += [r.counts.gap_ns / 1e6 for r in ring.readers]
                beyond += [r.counts.gap_ns / 1e6 - starts[-1] for r in ring.readers]
                lates += [r.counts.late_ns / 1e6 for r in ring.readers]
        seen = ring.look()
        told = lambda values: f"{statistics.median(values):.1f} ms, at most {max(values):.1f}" if values else "nothing"
        tap.note(f"from the kill to the new writer's first frame: {told(starts)}; gap at the readers: {told(gaps)}; "
                 f"longer than that start by {told(beyond)} (a frame is 16.7 ms); from the first frame's publication to the reader: {told(lates)}")
        tap.note(f"frames lost by the four readers: {[r.counts.lost for r in ring.readers]}")
        tap.ok(missed == 0, f"writer killed {RESTARTS} times: every reader got the next one's pictures each time", f"{missed} times not\n{ring.complaints()}")
        tap.ok([r.process.pid for r in ring.readers] == pids and all(r.process.poll() is None for r in ring.readers) and
               total(ring, "reopened") == 0, "by the same readers, over the same mapping", "\n".join(map(str, ring.readers)))
        tap.ok(total(ring, "torn") == 0 and total(ring, "untold") == 0 and dropped == 0, "nothing torn, no untold gap, nothing dropped",
               "\n".join(map(str, ring.readers)))
        tap.ok(seen.get("epoch") == RESTARTS + 1, "the ring counted each writer", seen)
        tap.ok(not lates or max(lates) < 2000, "no reader slept through a new writer's first frame", told(lates))


def reader_stops(scratch):
    """SIGSTOP of a reader that holds a picture."""
    with Ring(scratch) as ring:
        written = ring.write(60)
        held = ring.read("order", 1, 300_000)  # holds one nearly all the time
        other = ring.read("order", 0, 0)       # copies, so that every lease is the other one's
        tap.ok(wait_until(LIMIT_S, lambda: held.counts.units > 1 and other.counts.units > 1), "both readers read", ring.complaints())

        def rate(seconds):
            began, first = time.monotonic(), written.published
            most = 0
            while time.monotonic() - began < seconds:
                most = max(most, ring.look().get("leased", 99))
                time.sleep(0.05)
            return (written.published - first) / (time.monotonic() - began), most

        before, _ = rate(min(STOP_S, 5))
        # Stopped in the middle of its hold: the count may have changed meanwhile, so look again when it stands.
        for _ in range(100):
            wait_until(LIMIT_S, lambda: held.counts.holding, 0.005)
            os.kill(held.process.pid, signal.SIGSTOP)
            if held.counts.holding:
                break
            os.kill(held.process.pid, signal.SIGCONT)
        lost_before, read_before = other.counts.lost, other.counts.units
        during, most = rate(STOP_S)
        stood = held.counts.holding == 1
        slots_held = ring.look().get("leased")
        read_during = other.counts.units - read_before
        tap.note(f"writer: {before:.1f} frames/s before, {during:.1f} while the reader was stopped for {STOP_S:g} s; slots held: at most {most}; "
                 f"the other reader got {read_during} frames and lost {other.counts.lost - lost_before}")
        tap.ok(stood and most == 1 and slots_held == 1, "a stopped reader holds its one slot and no more", (stood, most, slots_held))
        tap.ok(written.dropped == 0 and during > before / 2 and read_during > 0, "the writer and the other reader go on meanwhile",
               (written.dropped, before, during, read_during))
        units = held.counts.units
        os.kill(held.process.pid, signal.SIGCONT)
        went_on = wait_until(LIMIT_S, lambda: held.counts.units > units + 2)
        tap.ok(went_on and held.counts.torn == 0, "let go on, it finds its picture as it was, and reads on", held)
        tap.ok(total(ring, "untold") == 0 and total(ring, "torn") == 0, "and is told what it missed", "\n".join(map(str, ring.readers)))


def stages_die_before_viewers(scratch):
    """SIGKILL and restart of camgrab and camenc, between rings, under viewers of camserve."""
    size = (640, 360)
    raw, h264, mjpeg = (f"fault{os.getpid()}-v.{end}" for end in ("raw", "h264", "mjpeg"))
    http, rtsp = free_port(), free_port()
    stages = {
        "camgrab": ["camgrab", "pattern", "-s", f"{size[0]}x{size[1]}", "-r", "30", "-o", f"shm:{raw}"],
        "camenc h264": ["camenc", "-i", f"shm:{raw}", "-c", "h264", "-o", f"shm:{h264}"],
        "camenc mjpeg": ["camenc", "-i", f"shm:{raw}", "-c", "mjpeg", "-o", f"shm:{mjpeg}"],
        "camserve": ["camserve", f"cam=shm:{h264}", f"cam=shm:{mjpeg}", "--http", f"127.0.0.1:{http}", "--rtsp", f"127.0.0.1:{rtsp}"],
    }
    running = {}

    def start(stage):
        running[stage] = scratch.start(stages[stage], stage.replace(" ", "-"))

    def errors():
        return "\n".join(f"{stage}: {scratch.text(stage.replace(' ', '-') + '.err')[-600:]}" for stage in stages)

    for stage in reversed(stages):  # readers before writers: the order does not matter
        start(stage)
    viewers = (HttpClient(http, keep=scratch.path), RtspClient(rtsp, keep=scratch.path))
    for viewer in viewers:
        viewer.start()
    tap.ok(wait_until(3 * LIMIT_S, lambda: all(len(v.frames) > 30 for v in viewers)), "both viewers see the picture", errors())
    connections = [v.connections for v in viewers]
    server = running["camserve"].pid
    for stage in list(stages)[:3]:
        delays, missing = [], 0
        for _ in range(STAGES):
            time.sleep(rng.uniform(0.1, 1))
            scratch.kill(running[stage])
            began, seen = time.monotonic(), [len(v.frames) for v in viewers]
            start(stage)
            # More than what was under way between the processes; a GOP is a second.
            waits = [v for v, what in zip(viewers, ("mjpeg", "h264")) if stage in ("camgrab", f"camenc {what}")]
            missing += not wait_until(LIMIT_S, lambda: all(len(v.frames) > seen[viewers.index(v)] + 20 for v in waits), 0.01)
            delays.append(time.monotonic() - began)
        tap.note(f"{stage}: 20 frames more at the viewer after median {statistics.median(delays):.2f} s, at most {max(delays):.2f} s")
        tap.ok(missing == 0, f"{stage} killed and started again {STAGES} times: the picture comes back each time", f"{missing} times not\n{errors()}")
    tap.ok([v.connections for v in viewers] == connections == [1, 1] and running["camserve"].poll() is None and
           running["camserve"].pid == server, "both viewers kept their connection", f"{[v.connections for v in viewers]}\n{errors()}")
    for viewer in viewers:
        viewer.stop()
    stamps = [frame[1] for frame in viewers[1].frames]
    steps = [(b - a) % (1 << 32) for a, b in zip(stamps, stamps[1:])]
    back = [step for step in steps if not 0 < step < 90000 * LIMIT_S]
    tap.note(f"RTP: {len(stamps)} frames, longest step between timestamps {max(steps) / 90000:.2f} s, {viewers[1].lost_packets} sequence numbers missing")
    tap.ok(viewers[1].lost_packets == 0 and not back, "RTP sequence numbers and timestamps go on", f"{viewers[1].lost_packets} missing, steps {back[:10]}")
    times = [float(frame[1]) for frame in viewers[0].frames]
    tap.ok(len(times) > 30 and all(a < b for a, b in zip(times, times[1:])), "so do the times of the MJPEG stream",
           [(a, b) for a, b in zip(times, times[1:]) if a >= b][:10])
    bad, pictures = [], 0
    for viewer, options in zip(viewers, (("-f", "mjpeg"), ())):
        for path in viewer.files:
            numbers, complaints = counters(path, size, options)
            pictures += len(numbers)
            bad += [f"{path.name}: {complaints[:500]}"] if complaints else []
            bad += [f"{path.name}: picture {i} has no number" for i, n in enumerate(numbers) if n is None]
    tap.note(f"{pictures} pictures decoded")
    tap.ok(pictures > 60 and not bad, "and every picture they got decodes whole", "\n".join(bad[:10]))
    for process in running.values():
        process.send_signal(signal.SIGTERM)
    codes = {stage: process.wait(LIMIT_S) for stage, process in running.items()}
    left = [p.name for p in pathlib.Path("/dev/shm").glob(f"campipe.fault{os.getpid()}-v.*")]
    tap.ok(not any(codes.values()) and not left, "all end in order and leave nothing in /dev/shm", f"{codes} {left}\n{errors()}")
    for name in left:
        pathlib.Path("/dev/shm", name).unlink(missing_ok=True)


parts = {"readers": readers_die, "writer": writer_dies, "stop": reader_stops, "viewers": stages_die_before_viewers}
with Scratch() as scratch:
    for part in os.environ.get("PARTS", ",".join(parts)).split(","):
        parts[part](scratch)
tap.done()
