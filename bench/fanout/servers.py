"""Starts the servers that bench/fanout.py measures, each fed with the same clip, and stops them again."""
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]}: nothing listens on port {port}")


@dataclasses.dataclass
class Running:
    """A server that runs, and where its streams are."""
    pid: int
    port: int
    path: str
    processes: list
    folder: tempfile.TemporaryDirectory
    http_port: int = 0        # camserve's, for its metrics
    http_version: str = "1.1"

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.folder.cleanup()


class Bench:
    """Where the programs and clips are."""

    def __init__(self, bin_folder, clips):
        self.bin = bin_folder
        self.clips = clips
        self.log = open(os.devnull, "w")

    def start(self, argv, **more):
        return subprocess.Popen([str(a) for a in argv], stdin=more.pop("stdin", subprocess.DEVNULL), stdout=more.pop("stdout", self.log),
                                stderr=self.log, **more)

    def source(self, clip, **more):
        return self.start([self.bin / "fanout_source", self.clips[clip]], stdout=subprocess.PIPE, **more)

    def camserve(self, clip, protocol, streams=1, options=()):
        folder = tempfile.TemporaryDirectory()
        http, rtsp = free_port(), free_port()
        processes, inputs, fds = [], [], []
        for i in range(streams):
            source = self.source(clip)
            processes.append(source)
            fds.append(source.stdout.fileno())
            inputs.append(f"cam{i}=fd:{fds[-1]}")
        server = self.start([self.bin / "camserve", *inputs, "--http", f"127.0.0.1:{http}", "--rtsp", f"127.0.0.1:{rtsp}",
                             "--max-clients", 2000, *options], pass_fds=fds)
        for source in processes:
            source.stdout.close()
        processes.append(server)
        wait_for_port(rtsp, server)
        path = "/stream/cam{}" if protocol == "mjpeg" else "/cam{}"
        return Running(server.pid, http if protocol == "mjpeg" else rtsp, path, processes, folder, http)

    def camserve_behind_camenc(self, gop, options=()):
        """An encoder that can be asked for keyframes, through a ring."""
        folder = tempfile.TemporaryDirectory()
        http, rtsp = free_port(), free_port()
        ring = f"bench{os.getpid()}"
        grab = self.start([self.bin / "camgrab", "pattern", "-s", "1280x720", "-r", "30"], stdout=subprocess.PIPE)
        enc = self.start([self.bin / "camenc", "-c", "h264", "-g", gop, "-o", f"shm:{ring}"], stdin=grab.stdout)
        grab.stdout.close()
        server = self.start([self.bin / "camserve", f"cam0=shm:{ring}", "--http", f"127.0.0.1:{http}", "--rtsp", f"127.0.0.1:{rtsp}",
                             *options])
        wait_for_port(rtsp, server)
        return Running(server.pid, rtsp, "/cam0", [grab, enc, server], folder, http)

    def chain(self, codec, size):
        """camgrab | camenc | camserve."""
        folder = tempfile.TemporaryDirectory()
        http, rtsp = free_port(), free_port()
        grab = self.start([self.bin / "camgrab", "pattern", "-s", size, "-r", "30"], stdout=subprocess.PIPE)
        enc = self.start([self.bin / "camenc", "-c", codec], stdin=grab.stdout, stdout=subprocess.PIPE)
        server = self.start([self.bin / "camserve", "cam0=-", "--http", f"127.0.0.1:{http}", "--rtsp", f"127.0.0.1:{rtsp}"],
                            stdin=enc.stdout)
        grab.stdout.close()
        enc.stdout.close()
        wait_for_port(rtsp, server)
        mjpeg = codec == "mjpeg"
        return Running(server.pid, http if mjpeg else rtsp, "/stream/cam0" if mjpeg else "/cam0", [grab, enc, server], folder, http)

    def floor(self, clip, protocol, way=None):
        port = free_port()
        way = way or {"mjpeg": "mjpeg", "rtsp": "tcp", "rtsp-udp": "udp-gso"}[protocol]
        server = self.start([self.bin / "fanout_floor", way, self.clips[clip], port])
        wait_for_port(port, server)
        return Running(server.pid, port, "/cam", [server], tempfile.TemporaryDirectory())

    def fed(self, clip, argv_of, port, path, **more):
        """A peer that pulls from a camserve of ours: argv_of(folder, URL of the stream there)."""
        protocol = "mjpeg" if clip == "mjpeg" else "rtsp"
        feeder = self.camserve(clip, protocol)
        scheme = "http" if protocol == "mjpeg" else "rtsp"
        url = f"{scheme}://127.0.0.1:{feeder.port}{feeder.path.replace('{}', '0')}"
        peer = self.start(argv_of(pathlib.Path(feeder.folder.name), url))
        feeder.processes.append(peer)
        try:
            wait_for_port(port, peer)
        except RuntimeError:
            feeder.stop()
            raise
        time.sleep(1)  # some pull at once: their first keyframe
        return Running(peer.pid, port, path, feeder.processes, feeder.folder, **more)

    def go2rtc(self, clip, protocol):
        http, rtsp = free_port(), free_port()

        def argv(folder, url):
            config = folder / "go2rtc.yaml"
            config.write_text(f"api:\n  listen: 127.0.0.1:{http}\nrtsp:\n  listen: 127.0.0.1:{rtsp}\nwebrtc:\n  listen: \"\"\n"
                              f"streams:\n  cam: {url}\n")
            return ["go2rtc", "-config", config]

        mjpeg = protocol == "mjpeg"
        return self.fed(clip, argv, http if mjpeg else rtsp, "/api/stream.mjpeg?src=cam" if mjpeg else "/cam", http_version="1.0")

    def mediamtx(self, clip, protocol):
        rtsp, rtp = free_port(), free_port() & ~1

        def argv(folder, url):
            config = folder / "mediamtx.yml"
            config.write_text(f"rtspAddress: 127.0.0.1:{rtsp}\nrtpAddress: 127.0.0.1:{rtp}\nrtcpAddress: 127.0.0.1:{rtp + 1}\n"
                              "rtmp: no\nhls: no\nwebrtc: no\nsrt: no\nreadTimeout: 60s\n"
                              f"paths:\n  cam:\n    source: {url}\n")
            return ["mediamtx", config]

        return self.fed(clip, argv, rtsp, "/cam")

    def gst_rtsp_server(self, clip, protocol):
        port = free_port()
        return self.fed(clip, lambda folder, url: [self.bin / "peer_gst_rtsp_server", port, url], port, "/cam")

    def ustreamer(self, clip, protocol):
        port = free_port()
        server = self.start(["ustreamer", "--device", "/dev/video99", "--format", "MJPEG", "--encoder", "HW", "--resolution", "1280x720",
                             "--desired-fps", "30", "--host", "127.0.0.1", "--port", port, "--tcp-nodelay"], env=self.camera_environment())
        wait_for_port(port, server)
        time.sleep(1)
        return Running(server.pid, port, "/stream", [server], tempfile.TemporaryDirectory())

    def mjpg_streamer(self, clip, protocol):
        port = free_port()
        server = self.start(["mjpg_streamer", "-i", "input_uvc.so -d /dev/video99 -r 1280x720 -f 30", "-o",
                             f"output_http.so -p {port} -l 127.0.0.1"], env=self.camera_environment())
        wait_for_port(port, server)
        time.sleep(1)
        return Running(server.pid, port, "/?action=stream", [server], tempfile.TemporaryDirectory())

    def camera_environment(self):
        return {**os.environ, "LD_PRELOAD": str(self.bin.parent / "lib/libcamera_shim.so"), "SHIM_DEVICE": "/dev/video99",
                "SHIM_MJPEG": str(self.clips["jpegs"]), "SHIM_CODED_SIZE": "1280x720"}

    def has(self, server):
        needs = {"go2rtc": "go2rtc", "MediaMTX": "mediamtx", "ustreamer": "ustreamer", "mjpg-streamer": "mjpg_streamer"}
        if server in ("ustreamer", "mjpg-streamer") and not (self.bin.parent / "lib/libcamera_shim.so").exists():
            return False
        if server == "gst-rtsp-server":
            return (self.bin / "peer_gst_rtsp_server").exists()
        return server not in needs or shutil.which(needs[server]) is not None


def make_clips(folder, bin_folder):
    """720p30 MJPEG of about 24 Mbit/s and 1080p30 H.264 of 4 Mbit/s with keyframes each second or each five."""
    clips = {"mjpeg": folder / "m.nut", "jpegs": folder / "m.mjpeg", "h264": folder / "h1.nut", "h264-gop5": folder / "h5.nut"}
    noise = lambda size, strength: ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=30,noise=alls={strength}:allf=t"]
    ffmpeg = lambda *argv: subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, argv)], check=True)
    if not clips["mjpeg"].exists():
        ffmpeg(*noise("1280x720", 7), "-frames:v", 60, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", 4, "-f", "nut", clips["mjpeg"])
    for clip, gop in (("h264", 30), ("h264-gop5", 150)):
        if not clips[clip].exists():
            ffmpeg(*noise("1920x1080", 6), "-frames:v", 150, "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-b:v", "4M",
                   "-maxrate", "4M", "-bufsize", "2M", "-g", gop, "-keyint_min", gop, "-bf", 0, "-sc_threshold", 0, "-f", "nut", clips[clip])
    if not clips["jpegs"].exists():
        stamped = subprocess.Popen([bin_folder / "fanout_source", clips["mjpeg"]], stdout=subprocess.PIPE)
        subprocess.run([bin_folder / "camenc", "-c", "copy", "-n", "60", "--quiet", "--output-format", "mjpeg", "-o", clips["jpegs"]],
                       stdin=stamped.stdout, check=True)
        stamped.kill()
        stamped.wait()
    return clips


def metric(running, name):
    """A sum over all label sets of a metric of camserve; nothing when it has none of that name."""
    import urllib.request
    text = urllib.request.urlopen(f"http://127.0.0.1:{running.http_port}/metrics", timeout=5).read().decode()
    values = [float(m.group(1)) for m in re.finditer(rf"^{name}(?:\{{[^}}]*\}})? ([0-9.e+-]+)$", text, re.M)]
    return sum(values) if values else None


def histogram(running, name):
    """[(upper bound in seconds, count up to it)] of a histogram, summed over all label sets."""
    import urllib.request
    text = urllib.request.urlopen(f"http://127.0.0.1:{running.http_port}/metrics", timeout=5).read().decode()
    buckets = {}
    for m in re.finditer(rf'^{name}_bucket\{{[^}}]*le="([^"]+)"[^}}]*\}} ([0-9.e+]+)$', text, re.M):
        bound = float("inf") if m.group(1) == "+Inf" else float(m.group(1))
        buckets[bound] = buckets.get(bound, 0) + float(m.group(2))
    return sorted(buckets.items())


def sends(running):
    """(send calls, video frames delivered) of camserve until now; nothing when it does not tell."""
    calls, frames = metric(running, "campipe_send_calls_total"), metric(running, "campipe_delivered_frames_total")
    return None if calls is None or frames is None else (calls, frames)
