"""Parts of the fault and exactness tests: TAP, processes, and clients that keep what they get with the time it came."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CAMPIPE_BIN", ROOT / "build/dev/bin"))
os.environ["PATH"] = f"{BIN}:{os.environ['PATH']}"
for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "CAMPIPE_CLOCK", "LISTEN_FDS", "CAMGRAB_URL"):
    os.environ.pop(name, None)
sys.path.insert(0, str(ROOT / "tests/support"))


TOOLS = ("camgrab", "camenc", "camserve", "camrec", "camring", "camwatch")
STOP_LIMIT_S = 20  # from SIGTERM until a process counts as one that hangs


class Tap:
    """Prints one line a check; done() prints the plan and ends the program."""

    current = None  # the program's only one

    def __init__(self):
        self.count = self.failed = 0
        Tap.current = self

    def ok(self, passed, name, detail=""):
        self.count += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.count} {name}", flush=True)
        if detail and not passed:
            for line in str(detail).splitlines()[-30:]:
                print(f"# {line}", flush=True)
        return passed

    def note(self, text):
        print(f"# {text}", flush=True)

    def done(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(seconds, condition, step=0.02):
    """The condition's first true answer, or None when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(step)
    return None


class Scratch:
    """A folder that is gone afterwards, and the processes started in it, ended and judged with it.

    Each process must have exited with 0 or what expect() says. Of those that still ran and are sent SIGTERM, programs of others
    may end by it, and all may end by SIGPIPE. No sanitizer may have reported. Otherwise one check more fails."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="campipe-test-"))
        self.processes = []
        self.environment = {name: os.environ.get(name) for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")}
        for name, options in self.environment.items():  # reports do not get lost where stderr is thrown away
            os.environ[name] = f"{options + ':' if options else ''}log_path={self.path}/.sanitizer"
        return self

    def __exit__(self, kind, *_):
        wrong = [text for process in self.processes if (text := self.end(process))] + self.sanitizer_reports()
        for name, options in self.environment.items():
            if options is None:
                del os.environ[name]
            else:
                os.environ[name] = options
        if os.environ.get("CAMPIPE_KEEP"):
            print(f"# kept: {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        if not wrong:
            return
        if Tap.current:
            Tap.current.ok(False, "background processes end in order, and no sanitizer reports", "\n".join(wrong))
        if not Tap.current or kind is SystemExit:  # without TAP, or after its last line
            raise AssertionError("\n".join(wrong))

    def start(self, argv, name, env=None, shell=False, **options):
        """In a session of its own; stderr in NAME.err, stdout in NAME.out unless told otherwise."""
        options.setdefault("stdout", open(self.path / f"{name}.out", "wb"))
        if shell:
            argv = [ROOT / "tests/support/pipeline.bash", argv]
        process = subprocess.Popen(
            argv, stdin=options.pop("stdin", subprocess.DEVNULL), stderr=open(self.path / f"{name}.err", "wb"),
            start_new_session=True, cwd=self.path, env={**os.environ, **(env or {})}, **options)
        return self.watch(process, name)

    def watch(self, process, name):
        """Takes over a process that leads its own session or group."""
        process.name = name
        process.right = {0}
        self.processes.append(process)
        return process

    def expect(self, process, *codes):
        """The exit codes that are right for it; by a signal it is the signal's number, negative."""
        process.right = set(codes)
        return process

    def kill(self, process):
        """SIGKILL, and its end waited for; answers whether it was alive until then."""
        alive = process.poll() is None
        process.kill()
        process.wait()
        if alive:
            self.expect(process, -signal.SIGKILL)
        return alive

    def end(self, process):
        """Sends SIGTERM if it still runs; what is wrong with its end, as text."""
        hangs = False
        if process.poll() is None:
            if process.right == {0}:
                ours = pathlib.Path(process.args[0]).name in TOOLS
                process.right = {0, -signal.SIGPIPE, 128 + signal.SIGPIPE} | (set() if ours else {-signal.SIGTERM, 128 + signal.SIGTERM, 255})  # ffmpeg: 255
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                hangs = True
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        if not hangs and process.returncode in process.right:
            return None
        how = f"did not end within {STOP_LIMIT_S} s" if hangs else f"exit {process.returncode}, right: {sorted(process.right)}"
        log = self.path / f"{process.name}.err"
        return f"{process.name}: {how}\n{log.read_text(errors='replace')[-2000:] if log.exists() else ''}"

    def sanitizer_reports(self):
        found = subprocess.run([ROOT / "tests/support/sanitizer_reports.sh", self.path], capture_output=True, text=True, errors="replace")
        return [found.stdout] if found.returncode else []

    def text(self, name):
        return (self.path / name).read_text(errors="replace")


class Watch:
    """A camwatch with a configuration, and its status."""

    def __init__(self, scratch, yaml):
        self.scratch = scratch
        self.config = scratch.path / "camwatch.yaml"
        self.config.write_text(yaml)
        runtime = scratch.path / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        self.env = {"XDG_RUNTIME_DIR": str(runtime), "XDG_STATE_HOME": str(scratch.path / "state")}
        self.process = scratch.start(["camwatch", "run", "-c", str(self.config)], "camwatch", env=self.env)

    def status(self):
        answer = subprocess.run(["camwatch", "status", "--json", "-c", str(self.config)], env={**os.environ, **self.env},
                                capture_output=True, timeout=10)
        try:
            return json.loads(answer.stdout)
        except json.JSONDecodeError:
            return None

    def stages(self):
        """{stage name: its status} of the only chain; {} while camwatch does not answer."""
        status = self.status()
        if not status:
            return {}
        chain = status["chains"][0]
        return {stage["name"]: stage for stage in chain["stages"]}

    def pids(self):
        return {name: stage.get("pid") for name, stage in self.stages().items()}

    def wait_running(self, seconds, names):
        return wait_until(seconds, lambda: all(self.pids().get(name) for name in names), 0.1)


class HttpClient(threading.Thread):
    """Reads /stream/… for ever and comes back when it is cut. frames: (arrival, X-Timestamp text, X-Sequence, JPEG length);
    with `keep` a folder, the pictures too, one after the other in one file a connection."""

    def __init__(self, port, path="/stream/cam", keep=None, want="X-Timestamp"):
        super().__init__(daemon=True)
        self.port, self.path, self.keep, self.want = port, path, keep, want
        self.frames, self.connections, self.running = [], 0, True
        self.files = []

    def stop(self):
        self.running = False
        self.join(15)

    def run(self):
        while self.running:
            try:
                self.connection()
            except OSError:
                time.sleep(0.02)

    def connection(self):
        with socket.create_connection(("127.0.0.1", self.port), 5) as s:
            s.settimeout(5)
            s.sendall(f"GET {self.path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            stream = s.makefile("rb", 1 << 20)
            if b" 200 " not in stream.readline():
                time.sleep(0.02)
                return
            self.connections += 1
            out = None
            if self.keep:
                self.files.append(pathlib.Path(self.keep) / f"http-{self.connections}.mjpg")
                out = open(self.files[-1], "wb")
            while self.running:
                head = {}
                while True:
                    line = stream.readline()
                    if not line:
                        return
                    if line == b"\r\n" and "content-length" in head:
                        break
                    key, colon, value = line.decode("latin-1").partition(":")
                    if colon:
                        head[key.strip().lower()] = value.strip()
                size = int(head["content-length"])
                body = stream.read(size)
                if len(body) < size:
                    return
                self.frames.append((time.monotonic(), head.get("x-timestamp"), head.get("x-sequence"), size))
                if out:
                    out.write(body)
                    out.flush()


class RtspClient(threading.Thread):
    """Plays one track over TCP for ever and comes back when it is cut. frames: (arrival, RTP timestamp, Unix time by the
    newest sender report or None); with `keep` a folder, H.264 as Annex B, one file a connection."""

    def __init__(self, port, path="/cam", keep=None):
        super().__init__(daemon=True)
        self.port, self.path, self.keep = port, path, keep
        self.frames, self.connections, self.running, self.lost_packets = [], 0, True, 0
        self.files = []

    stop = HttpClient.stop

    def run(self):
        while self.running:
            try:
                self.connection()
            except (OSError, ValueError):
                time.sleep(0.02)

    def request(self, stream, method, url, headers=""):
        self.cseq += 1
        self.socket.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: {self.cseq}\r\n{headers}\r\n".encode())
        if b" 200 " not in stream.readline():
            raise ValueError(method)
        head = {}
        while (line := stream.readline()) not in (b"\r\n", b""):
            key, _, value = line.decode().partition(":")
            head[key.lower()] = value.strip()
        head["body"] = stream.read(int(head.get("content-length", 0)))
        return head

    def connection(self):
        with socket.create_connection(("127.0.0.1", self.port), 5) as self.socket:
            self.socket.settimeout(5)
            stream = self.socket.makefile("rb", 1 << 20)
            self.cseq = 0
            url = f"rtsp://127.0.0.1:{self.port}{self.path}"
            described = self.request(stream, "DESCRIBE", url, "Accept: application/sdp\r\n")
            base = described.get("content-base", url + "/")
            setup = self.request(stream, "SETUP", base + "trackID=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
            session = setup["session"].split(";")[0]
            self.request(stream, "PLAY", base, f"Session: {session}\r\n")
            self.connections += 1
            out = None
            if self.keep:
                self.files.append(pathlib.Path(self.keep) / f"rtsp-{self.connections}.h264")
                out = open(self.files[-1], "wb")
            report, last_sequence, picture = None, None, []
            while self.running:
                frame = stream.read(4)
                if len(frame) < 4:
                    return
                if frame[0] != 0x24:
                    raise ValueError("not interleaved")
                data = stream.read(struct.unpack(">H", frame[2:])[0])
                if frame[1] == 1:
                    if len(data) >= 28 and data[1] == 200:
                        seconds, fraction, rtp = struct.unpack(">III", data[8:20])
                        report = (seconds - 2208988800, fraction, rtp)
                    continue
                sequence, timestamp = struct.unpack(">HI", data[2:8])
                if last_sequence is not None and sequence != (last_sequence + 1) & 0xFFFF:
                    self.lost_packets += 1
                last_sequence = sequence
                picture.append(data[12:])
                if data[1] & 0x80:
                    unix = None
                    if report:
                        ticks = (timestamp - report[2] + (1 << 31)) % (1 << 32) - (1 << 31)
                        unix = report[0] * 1_000_000 + report[1] * 1_000_000 / 2**32 + ticks * 1_000_000 / 90000
                    self.frames.append((time.monotonic(), timestamp, unix))
                    if out:  # whole access units only
                        out.write(b"".join(annex_b(payload) for payload in picture))
                        out.flush()
                    picture = []


def annex_b(payload):
    """One RTP payload of RFC 6184 mode 1 as bytes of the stream."""
    kind = payload[0] & 0x1F
    start = b"\0\0\0\1"
    if kind == 24:  # STAP-A
        out, at = b"", 1
        while at + 2 <= len(payload):
            size = struct.unpack(">H", payload[at:at + 2])[0]
            out += start + payload[at + 2:at + 2 + size]
            at += 2 + size
        return out
    if kind == 28:  # FU-A
        head = start + bytes([(payload[0] & 0xE0) | (payload[1] & 0x1F)]) if payload[1] & 0x80 else b""
        return head + payload[2:]
    return start + payload


def counters(path, size, options=()):
    """The pattern's number in every decoded picture (None where it cannot be read), and what the decoder complained of."""
    from pattern_counter import read_counter
    import numpy as np
    width, height = size
    strip = max(8, height // 18 // 2 * 2)
    # only the strip leaves ffmpeg: a tenth of the bytes
    process = subprocess.Popen(
        ["ffmpeg", "-v", "error", *options, "-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough",
         "-vf", f"crop={width}:{strip}:0:0", "-f", "rawvideo", "-pix_fmt", "gray", "-"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    complaints = []
    drain = threading.Thread(target=lambda: complaints.append(process.stderr.read().decode(errors="replace")))
    drain.start()
    numbers = []
    padded = np.zeros((height, width), np.uint8)  # the strip's height follows from the picture's
    while len(data := process.stdout.read(width * strip)) == width * strip:
        padded[:strip] = np.frombuffer(data, np.uint8).reshape(strip, width)
        numbers.append(read_counter(padded))
    process.wait()
    drain.join()
    return numbers, complaints[0]


def published(folder):
    """Files that camrec has published, oldest first."""
    return sorted(p for p in pathlib.Path(folder).rglob("*.m[pk][4v]") if "live" not in p.parts)
