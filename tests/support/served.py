"""A camserve with a source that never loses a frame, good clients beside whatever is done to it, and the checks that it came
through: they lost nothing, descriptors and memory came back, stderr said little, the end is in order."""
import atexit
import contextlib
import functools
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

from harness import BIN, ROOT, free_port, wait_until

FPS = 25
SANITIZED = any(name in (BIN / "camserve").read_bytes() for name in (b"__asan_init", b"__tsan_init"))
# UBSan, which is in one preset with ASan, looks at an object by a pipe: without a descriptor for it every object is wrong.
NEEDS_DESCRIPTORS = b"__asan_init" in (BIN / "camserve").read_bytes()
# A page or two for each of the allocator's arenas; a leak of anything, done some hundred times, is more.
MEMORY_KB = 2048


@functools.cache
def clip_folder():
    folder = tempfile.mkdtemp(prefix="campipe-clips-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pathlib.Path(folder)


@functools.cache
def clips(size="320x240"):
    """{codec: two seconds of the pattern, a keyframe each second}"""
    paths = {codec: clip_folder() / f"{size}.{codec}.nut" for codec in ("mjpeg", "h264")}
    subprocess.run(["bash", "-o", "pipefail", "-c",
                    f"camgrab pattern -s {size} -r {FPS} -n {2 * FPS} | tee >(camenc -c h264 -g {FPS} >'{paths['h264']}') | "
                    f"camenc -c mjpeg >'{paths['mjpeg']}'; wait $!"], check=True, stderr=subprocess.DEVNULL)
    return paths


class Served:
    """camserve with cam as MJPEG and as H.264, each from a clip_player by a FIFO that stays open when the player goes."""

    def __init__(self, tap, scratch, options=(), limit=None, rings=False, udp=True, size="320x240"):
        self.tap, self.scratch = tap, scratch
        self.http, self.rtsp = free_port(), free_port()
        self.clips = clips(size)
        self.players, self.held = {}, []
        if rings:
            self.inputs = {codec: f"shm:{scratch.path.name}.{codec}" for codec in self.clips}
        else:
            self.inputs = {codec: scratch.path / f"{codec}.fifo" for codec in self.clips}
            for fifo in self.inputs.values():
                os.mkfifo(fifo)
        limits = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))) if limit else None
        self.process = scratch.start(
            ["camserve", "--http", f"127.0.0.1:{self.http}", "--rtsp", f"127.0.0.1:{self.rtsp}", *options,
             *(f"cam={endpoint}" for endpoint in self.inputs.values())], "camserve", preexec_fn=limits)
        if not rings:  # no player's end is the input's end
            self.held = [os.open(fifo, os.O_RDWR | os.O_CLOEXEC) for fifo in self.inputs.values()]
        for codec in self.clips:
            self.play(codec)
        up = wait_until(30, lambda: self.status("/snapshot/cam.jpg") == 200 and self.described())
        tap.ok(up, "camserve serves", scratch.text("camserve.err"))
        if udp:
            Player(self, "RTP/AVP;unicast;client_port=9-10").end("SETUP")  # has it open the UDP ports that all share
        good = subprocess.Popen([sys.executable, ROOT / "tests/support/good_clients.py", str(self.http), str(self.rtsp), str(FPS)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.good = scratch.watch(good, "good-clients")
        wait_until(20, lambda: all(client["frames"] > FPS for client in self.neighbours().values()), 0.1)

    # the source

    def play(self, codec, clip=None):
        """A player, when there is none; on the path of another that is gone it is its successor."""
        self.players[codec] = self.scratch.start(["clip_player", str(clip or self.clips[codec]), str(self.inputs[codec]), str(FPS)],
                                                 f"player-{codec}", stdin=subprocess.PIPE)

    def tell(self, codec, line):
        self.players[codec].stdin.write(f"{line}\n".encode())
        self.players[codec].stdin.flush()

    # what is known of camserve

    def status(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def described(self):
        try:
            with self.connect(self.rtsp) as s:
                s.sendall(f"DESCRIBE {self.url()} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                return s.recv(4096).startswith(b"RTSP/1.0 200")
        except OSError:
            return False

    def url(self, rest=""):
        return f"rtsp://127.0.0.1:{self.rtsp}/cam{rest}"

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory_kb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        return 0

    def lines(self):
        return self.scratch.text("camserve.err").splitlines()

    def neighbours(self):
        self.good.stdin.write("\n")
        self.good.stdin.flush()
        return json.loads(self.good.stdout.readline())

    # clients

    def connect(self, port, timeout=10, receive_buffer=None):
        s = socket.socket()
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        s.settimeout(timeout)
        s.connect(("127.0.0.1", port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    # the checks

    @contextlib.contextmanager
    def beside(self, name, seconds=20, lines=0, memory=True):
        """What is done in the body leaves no trace: checked afterwards, within `seconds`.
        @param lines   that stderr may get meanwhile."""
        before = self.neighbours()
        descriptors, memory_kb, said = self.descriptors(), self.memory_kb(), len(self.lines())
        start = time.monotonic()
        yield
        took = time.monotonic() - start
        tap = self.tap
        if not tap.ok(self.process.poll() is None, f"{name}: camserve lives", self.scratch.text("camserve.err")):
            tap.done()
        back = wait_until(seconds, lambda: self.descriptors() <= descriptors, 0.1)
        tap.ok(back, f"{name}: descriptors come back", f"{descriptors} before, {self.descriptors()} after {seconds} s")
        seen = {client: state["frames"] for client, state in self.neighbours().items()}
        going = wait_until(10, lambda: all(state["frames"] > seen[client] + 2 for client, state in self.neighbours().items()), 0.1)
        after = self.neighbours()
        same = all(after[client][what] == before[client][what] for client in after for what in ("connections", "missing", "jumps"))
        tap.ok(going and same, f"{name}: the good clients lose nothing", f"before {before}\nafter  {after}")
        if memory and not SANITIZED:
            # what freed memory there is the allocator keeps: it has to stop growing, not to shrink
            tap.ok(self.memory_kb() <= memory_kb + MEMORY_KB, f"{name}: memory comes back", f"{memory_kb} kB before, {self.memory_kb()} after")
        new = [line for line in self.lines()[said:] if "more clients came" not in line]  # the summary of those before, too
        tap.ok(len(new) <= lines, f"{name}: at most {lines} lines are said of it", "\n".join(new[:20]))
        tap.note(f"{name}: {took:.1f} s; RssAnon {memory_kb} -> {self.memory_kb()} kB, {self.descriptors()} descriptors, {len(new)} lines, "
                 f"longest gaps {after['http']['gap']} and {after['rtsp']['gap']} s")

    def stop(self):
        """The end: asked to, camserve ends at once and in order; no sanitizer has anything to tell."""
        for player in self.players.values():  # whose reader ends
            if player.poll() is None:
                self.scratch.expect(player, 0, -signal.SIGPIPE, -signal.SIGTERM)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            code = "still running"
        self.tap.ok(code == 0, "camserve ends in order", f"{code}\n{self.scratch.text('camserve.err')[-3000:]}")
        for fd in self.held:
            os.close(fd)


# ways to be a bad peer

def reset(s):
    """Closes by RST."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def vanish(s):
    """From now on nothing that the peer sends arrives and so nothing is acknowledged, as if the cable were cut: a socket filter
    (setsockopt(2), SO_ATTACH_FILTER) that takes no byte of any packet."""
    drop_all = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF_RET | BPF_K, 0
    import ctypes
    buffer = ctypes.create_string_buffer(drop_all)
    program = struct.pack("HL", 1, ctypes.addressof(buffer))
    s.setsockopt(socket.SOL_SOCKET, 26, program)


def read_all(s, seconds=10):
    """Until the peer closes; None when it does not in time."""
    s.settimeout(seconds)
    got = b""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            part = s.recv(65536)
            if not part:
                return got
            got += part
    except ConnectionResetError:
        return got
    except socket.timeout:
        pass
    return None


class Player:
    """The RTSP dialogue of one client, step by step."""

    STEPS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "frame", "PAUSE", "TEARDOWN")

    def __init__(self, served, transport="RTP/AVP/TCP;unicast;interleaved=0-1", receive_buffer=None):
        self.served, self.transport, self.session, self.cseq = served, transport, None, 0
        self.socket = served.connect(served.rtsp, receive_buffer=receive_buffer)
        self.stream = self.socket.makefile("rb")

    def send(self, method, url, *headers):
        self.cseq += 1
        session = [f"Session: {self.session}"] if self.session else []
        self.socket.sendall("\r\n".join([f"{method} {url} RTSP/1.0", f"CSeq: {self.cseq}", *session, *headers, "", ""]).encode())

    def answer(self, expect="200"):
        """The next answer's headers in small letters; packets before it are read over."""
        while (first := self.stream.read(1)) == b"$":
            self.frame(first)
        line = first + self.stream.readline()
        head = {"status": line.decode().split(" ")[1] if line else "closed"}
        while (text := self.stream.readline()) not in (b"\r\n", b""):
            key, _, value = text.decode().partition(":")
            head[key.lower()] = value.strip()
        self.stream.read(int(head.get("content-length", 0)))
        if "session" in head:
            self.session = head["session"].split(";")[0]
        if head["status"] != expect:
            raise ValueError(f"{head}, expected {expect}")
        return head

    def frame(self, mark=None):
        """One interleaved packet."""
        head = (mark or self.stream.read(1)) + self.stream.read(3)
        return self.stream.read(struct.unpack(">HH", head)[1])

    def step(self, name, expect="200"):
        base = self.served.url("/")
        if name == "frame":
            return self.frame()
        url = base + "trackID=0" if name == "SETUP" else base
        self.send(name, url, *([f"Transport: {self.transport}"] if name == "SETUP" else []))
        return self.answer(expect)

    def up_to(self, name):
        for step in self.STEPS:
            self.step(step)
            if step == name:
                return self
        return self

    def end(self, name):
        """The step and TEARDOWN."""
        self.step(name)
        self.step("TEARDOWN")
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()
