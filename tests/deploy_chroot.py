#!/usr/bin/python3
"""Carries out examples/deploy/Dockerfile without Docker: its steps in chroots made by debootstrap, then its command.

usage: deploy_chroot.py [--installed TREE] [FOLDER]        as root

FOLDER (default: a new one under /var/tmp, removed at the end) keeps the base and the compiler's cache for the next run.
--installed takes TREE, made by `DESTDIR=TREE cmake --install build/dev`, in place of what the stage `build` installs, and
leaves that stage out: minutes instead of the time that compiling takes, and less of a test.

What is run is what the Dockerfile says: FROM, ARG, ENV, WORKDIR, COPY, RUN, USER, HEALTHCHECK, CMD; another instruction is an
error. The command runs as compose.yaml says, with the test pattern as camera, and is asked on each port from outside of its
network namespace. Prints TAP. It downloads about 400 MB and compiles everything: for nights, not for each push.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
import compose  # noqa: E402
from container import ADDRESS, Container, leave_the_machines_network  # noqa: E402
from dockerfile import Dockerfile  # noqa: E402
from harness import Tap, wait_until  # noqa: E402

ASKED = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 60}
RTSP = ("-rtsp_transport", "tcp", f"rtsp://{ADDRESS}:8554/cam")
START_S = 120  # until what a busy machine starts has begun


def sonames(stage):
    """What the installed programs and libraries are linked against."""
    local = [path for folder in ("bin", "lib") for path in stage.place(f"/usr/local/{folder}").glob("*") if path.is_file()]
    programs = [path for path in local if path.read_bytes()[:4] == b"\x7fELF"]
    dynamic = subprocess.run(["readelf", "-d", *programs], capture_output=True, text=True, check=True).stdout
    return programs, set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))


def check_packages(tap, stage):
    programs, needed = sonames(stage)
    inside = [f"/{path.relative_to(stage.root)}" for path in programs]
    ldd = subprocess.run(["chroot", stage.root, "ldd", *inside], capture_output=True, text=True)
    found = ldd.returncode == 0 and "not found" not in ldd.stdout
    tap.ok(len(programs) >= 6 and found, "every library that the programs need is in the image", ldd.stdout + ldd.stderr)
    tap.note(f"{len(programs)} programs and libraries need {len(needed)} libraries")
    idle = [name for name in stage.packages if not is_needed(stage, name, needed)]
    tap.ok(stage.packages and not idle, "every package named in the Dockerfile is needed", f"not needed: {idle}")


def is_needed(stage, package, needed):
    """A library that a program is linked against, or a command that the health check begins with."""
    listed = subprocess.run(["chroot", stage.root, "dpkg", "-L", package], capture_output=True, text=True, check=True).stdout
    names = {os.path.basename(line) for line in listed.splitlines()}
    return bool(names & (needed | {stage.health.split()[0]}))


def get(port, path):
    """(status, type, content); the status is 0 where there is no answer."""
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}:{port}{path}", timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()
    except OSError:
        return 0, "", b""


def probe(*words):
    """What ffprobe says of the first stream, and of the format."""
    done = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", *words], **ASKED)
    found = json.loads(done.stdout or "{}")
    return {**found.get("format", {}), **(found.get("streams") or [{}])[0], "stderr": done.stderr, "code": done.returncode}


def frames(url, count):
    """(width, height) of each of the first frames that ffprobe decodes."""
    done = subprocess.run(["ffprobe", "-v", "error", "-of", "csv=p=0", "-show_entries", "frame=width,height",
                           "-read_intervals", f"%+#{count}", url], **ASKED)
    return [tuple(map(int, line.strip(",").split(","))) for line in done.stdout.split()]


def becomes(container, condition):
    """Whether it is met while the command runs; a stage that is started again meanwhile takes its time."""
    state = wait_until(START_S, lambda: "met" if condition() else None if container.alive() else "ended", 0.5)
    return state == "met"


def is_healthy(container):
    return container.execute(["sh", "-c", container.stage.health]).returncode == 0


def plays_h264():
    seen = probe(*RTSP)
    return seen["code"] == 0 and seen.get("codec_name") == "h264" and seen.get("height")


def check_ports(tap, container):
    curl = container.stage.health.replace("127.0.0.1", ADDRESS)
    outside = ["sh", "-c", curl + " -w '%{http_code}'"]
    healthy = becomes(container, lambda: subprocess.run(outside, **ASKED).stdout == "200")
    tap.ok(healthy, "curl gets 200 for the health check's URL from outside")
    for port in (8080, 5000):
        status, kind, body = get(port, "/")
        tap.ok(status == 200 and kind == "text/html" and b"</html>" in body, f"port {port}: the page", (status, kind, body[:300]))
    for port, height in ((8080, 720), (5000, 720), (8001, 720), (8002, 480)):
        seen = frames(f"http://{ADDRESS}:{port}/stream/cam", 10)
        tap.ok(len(seen) >= 10 and {each[1] for each in seen} == {height}, f"port {port}: MJPEG, {height} lines high", seen)
    tap.ok(becomes(container, plays_h264), "port 8554: H.264 by RTSP over TCP")


def check_user(tap, container):
    """Each process is the user campipe's, of the group video, and may nothing else."""
    video = re.search(r"^video:[^:]*:(\d+):", container.stage.place("/etc/group").read_text(), re.M)[1]
    processes = container.status_of_processes()
    names = sorted(process["Name"] for process in processes)
    tap.note(f"processes: {' '.join(names)}")
    tap.ok(names.count("camwatch") == 1 and len(names) >= 8, "camwatch and its stages run in the container", names)
    owner = container.stage.place("/var/lib/campipe").stat()
    wrong = [process for process in processes
             if set(process["Uid"].split()) != {str(owner.st_uid)} or video not in process["Groups"].split()
             or process["CapEff"].strip("0") or process["CapBnd"].strip("0") or process["NoNewPrivs"] != "1"]
    tap.ok(owner.st_uid != 0 and not wrong, "all as the user campipe, of the group video, without capabilities", wrong)


def check_end(tap, container, recordings, grace):
    code = container.stop(grace)
    tap.ok(code == 0, f"SIGTERM ends the command with 0 within {grace} s", f"{code}\n{container.text()}")
    tap.ok(not container.left_in_shm(), "nothing is left in /dev/shm", container.left_in_shm())
    files = sorted(recordings.rglob("*.mp4"))
    seen = probe(files[0]) if files else {}
    tap.note(f"recorded: {[str(path.relative_to(recordings)) for path in recordings.rglob('*') if path.is_file()]}")
    complete = seen.get("codec_name") == "h264" and float(seen.get("duration", 0)) > 1
    tap.ok(complete, "a complete recording is in /recordings", seen)


def run(tap, stage, folder):
    said = compose.service({"CAMERA": "pattern"})
    container = Container(stage, said["shm_size"], said["environment"], folder / "command.log")
    try:
        healthy = becomes(container, lambda: is_healthy(container))
        if not tap.ok(healthy, "the health check of the image succeeds", container.text()):
            return
        check_ports(tap, container)
        check_user(tap, container)
        recordings = stage.place("/recordings")
        tap.ok(wait_until(START_S, lambda: any(path.stat().st_size > 100_000 for path in recordings.rglob("*.mp4*"))),
               "a recording grows in /recordings", list(recordings.rglob("*")))
        check_end(tap, container, recordings, int(said["stop_grace_period"].removesuffix("s")))
    finally:
        container.kill()
        if tap.failed:
            for line in ["the command's last words:", *container.text().splitlines()[-40:]]:
                tap.note(line)


def main():
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        sys.exit("deploy_chroot.py: run it as root, with debootstrap installed")
    parser = argparse.ArgumentParser(usage="deploy_chroot.py [--installed TREE] [FOLDER]")
    parser.add_argument("--installed", metavar="TREE")
    parser.add_argument("folder", nargs="?")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kept = options.folder is not None
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(dir="/var/tmp", prefix="deploy-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    tap = Tap()
    try:
        stage = Dockerfile(compose.DEPLOY / "Dockerfile", ROOT).carry_out(folder, options.installed)
        tap.ok(True, "every step of the Dockerfile")
        check_packages(tap, stage)
        leave_the_machines_network()
        run(tap, stage, folder)
    finally:
        if not kept:
            shutil.rmtree(folder)
    tap.done()


if __name__ == "__main__":
    main()
