#!/usr/bin/python3
"""Carries out examples/deploy/Dockerfile without Docker: its steps in chroots made by debootstrap, then its command.

usage: deploy_chroot.py [--installed TREE] [FOLDER]        as root

FOLDER (default: a new one under /var/tmp, removed at the end) keeps the base and the compiler's cache for the next run.
--installed takes TREE, made by `DESTDIR=TREE cmake --install build/dev`, in place of what the stage `build` installs, and
leaves that stage out: minutes instead of the time that compiling takes, and less of a test.

What is run is what the Dockerfile says: FROM, ARG, ENV, WORKDIR, COPY, RUN, USER, HEALTHCHECK, CMD; another instruction is an
error. The command runs in pid, mount and network namespaces of its own, with the test pattern as camera, and is asked on each
port. Prints TAP. It downloads about 400 MB and compiles everything: for nights, not for each push.
"""
import argparse
import glob
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "examples/deploy/Dockerfile"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IGNORED = {"EXPOSE", "VOLUME"}  # they only tell

# In namespaces that end with the command: what a container has of kernel file systems, and the compiler's cache.
ENTER = """
mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && mount -t tmpfs -o size=256m shm "$1/dev/shm" || exit 70
if [ "$2" = alone ]; then ip link set lo up || exit 70; fi
if [ "$3" = root ]; then mkdir -p "$1/root/.cache/ccache" "$4" && mount --bind "$4" "$1/root/.cache/ccache" || exit 70; fi
root=$1 user=$3
shift 4
exec chroot --userspec="$user" "$root" env -i "$@"
"""

# As the container's user, who may then do what `docker exec` may. $1 is the command, $2 the health check.
TRIAL = r"""
fail() { echo "not ok $1"; tail -n 40 command.log | sed 's/^/# /'; kill -TERM "$pid"; exit 1; }
waited() { # SECONDS COMMAND: until it succeeds
  left=$(($1 * 5)); shift
  until "$@" >/dev/null 2>&1; do left=$((left - 1)); [ "$left" -gt 0 ] || return 1; kill -0 "$pid" || return 1; sleep 0.2; done
}
picture() { curl -fsS -o picture.jpg "$1" && [ "$(head -c 3 picture.jpg | od -An -tx1)" = " ff d8 ff" ]; }
parts() { timeout 5 curl -sN "$1" | grep -ac '^Content-Type: image/jpeg' | { read -r n; [ "$n" -ge 20 ]; }; }
rtsp() { bash -c 'exec 3<>/dev/tcp/127.0.0.1/8554; printf "DESCRIBE rtsp://127.0.0.1:8554/%s RTSP/1.0\r\nCSeq: 1\r\n\r\n" "$0" >&3
  timeout 2 cat <&3' "$1" | grep -q 'a=rtpmap:.* H264/90000'; }
recorded() { [ "$(find /recordings/cam -name '*.mp4*' -size +100k | wc -l)" -ge 1 ]; }
sh -c "exec $1" >command.log 2>&1 &
pid=$!
waited 60 sh -c "$2" || fail "the health check of the image succeeds"
echo "ok the health check of the image succeeds"
for port in 8080 5000 8001 8002; do
  waited 30 picture "http://127.0.0.1:$port/snapshot/cam" || fail "a picture from port $port"
  echo "ok a picture from port $port"
done
for port in 8001 8002; do
  parts "http://127.0.0.1:$port/stream/cam" || fail "20 pictures within 5 s from port $port"
  echo "ok 20 pictures within 5 s from port $port"
done
waited 30 rtsp cam || fail "H.264 by RTSP on port 8554"
echo "ok H.264 by RTSP on port 8554"
waited 60 recorded || fail "a recording in /recordings"
echo "ok a recording in /recordings"
echo "# $(id)"
kill -TERM "$pid"
wait "$pid"
status=$?
[ "$status" = 0 ] || fail "the command ends with 0 on SIGTERM, not with $status"
echo "ok the command ends with 0 on SIGTERM"
[ -z "$(ls /dev/shm)" ] || fail "nothing is left in /dev/shm"
echo "ok nothing is left in /dev/shm"
"""


def mirror():
    """The Debian mirror that apt has here, for the suite bookworm."""
    for name in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if os.path.exists(name):
            for line in open(name, errors="replace"):
                found = re.match(r"(?:deb .*?|URIs:\s*)(https?://\S*debian\S*?)/?(?:\s|$)", line)
                if found and "security" not in found[1]:
                    return found[1]
    return "http://deb.debian.org/debian"


def instructions():
    """(instruction, rest) of each, lines that go on joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.M)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


class Stage:
    """A FROM and what follows: a root file system, and the state that instructions set."""

    def __init__(self, root):
        self.root, self.user, self.folder = root, "root", "/"
        self.env = {"PATH": PATH, "HOME": "/root"}
        self.args, self.command, self.health = {}, None, None

    def run(self, words, net="shared", **more):
        """`words` in the root; Popen's arguments in `more`."""
        variables = [f"{name}={value}" for name, value in {**self.env, **self.args, **more.pop("env", {})}.items()]
        inside = ["sh", "-c", 'cd "$0" && exec "$@"', self.folder, *words]
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"] + (["--net"] if net == "alone" else [])
        return subprocess.run([*apart, "sh", "-c", ENTER, "enter", str(self.root), net, self.user,
                               str(self.root.parent / "ccache"), *variables, *inside],
                              stdin=subprocess.DEVNULL, **more)

    def inside(self, path):
        return self.root / os.path.join(self.folder, path).lstrip("/")


class Installed:
    """What `COPY --from=build /installed` copies, made elsewhere."""

    def __init__(self, folder, tree):
        self.root = folder / "stage-build"
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        (self.root / "installed").symlink_to(pathlib.Path(tree).resolve())


def copy(stage, rest, stages):
    words = rest.split()
    source = ROOT
    if words[0].startswith("--from="):
        source = stages[words.pop(0).removeprefix("--from=")].root
    *patterns, target = words
    for pattern in patterns:
        for found in sorted(source.glob(pattern.lstrip("/") or ".")):
            place = stage.inside(target)
            if found.is_dir():
                shutil.copytree(found, place, symlinks=True, dirs_exist_ok=True)
            elif target.endswith("/"):
                shutil.copy(found, place / found.name)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, place)


def obey(stage, word, rest, stages):
    if word == "ARG":
        name, _, value = rest.partition("=")
        stage.args[name] = os.environ.get(name, value)
    elif word == "ENV":
        stage.env.update(pair.split("=", 1) for pair in shlex.split(rest))
    elif word == "WORKDIR":
        stage.folder = rest
        stage.inside("").mkdir(parents=True, exist_ok=True)
    elif word == "COPY":
        copy(stage, rest, stages)
    elif word == "RUN":
        stage.run(["sh", "-c", rest], check=True)
    elif word == "USER":
        stage.user = rest
    elif word == "HEALTHCHECK":
        stage.health = rest.partition("CMD ")[2]
    elif word == "CMD":
        stage.command = shlex.join(json.loads(rest))
    elif word not in IGNORED:
        sys.exit(f"{DOCKERFILE}: {word}: this script does not know it")


def base_of(image, folder):
    """What debootstrap makes of `debian:12`."""
    if image != "debian:12":
        sys.exit(f"{DOCKERFILE}: FROM {image}: only debian:12 can be made here")
    base = folder / "base"
    if not (base / "etc/debian_version").exists():
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", base, mirror()], check=True, stdout=subprocess.DEVNULL)
        shutil.copy("/etc/resolv.conf", base / "etc/resolv.conf")
    return base


def built(folder, installed):
    """The last stage, as the image would be. `installed`: a tree in place of the stage `build`, or None."""
    stages, stage, left_out = {}, None, False
    for word, rest in instructions():
        if word == "FROM":
            left_out = installed is not None and rest.endswith(" AS build")
            if left_out:
                stages["build"] = Installed(folder, installed)
                print(f"# {word} {rest}: left out for {installed}", flush=True)
        if left_out:
            continue
        print(f"# {word} {rest}"[:120], flush=True)
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            root = folder / f"stage-{name or len(stages)}"
            shutil.rmtree(root, ignore_errors=True)
            subprocess.run(["cp", "-a", "--reflink=auto", base_of(image, folder), root], check=True)
            stage = stages[name or len(stages)] = Stage(root)
        else:
            obey(stage, word, rest, stages)
    return stage


def main():
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        sys.exit("deploy_chroot.py: run it as root, with debootstrap installed")
    parser = argparse.ArgumentParser()
    parser.add_argument("--installed", metavar="TREE")
    parser.add_argument("folder", nargs="?")
    options = parser.parse_args()
    kept = options.folder is not None
    folder = pathlib.Path(options.folder or tempfile.mkdtemp(dir="/var/tmp", prefix="deploy-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        stage = built(folder, options.installed)
        print("ok every step of the Dockerfile", flush=True)
        done = stage.run(["sh", "-c", TRIAL, "trial", stage.command, stage.health], net="alone",
                         env={"CAMGRAB_URL": "pattern"}, timeout=600)
        sys.exit(done.returncode)
    finally:
        if not kept:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
