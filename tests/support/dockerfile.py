"""Carries out a Dockerfile without Docker: each stage is a folder, each RUN a chroot in namespaces of its own."""
import glob
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IGNORED = {"EXPOSE", "VOLUME"}  # they only tell

# Mounted for one command and gone with it: what a container has of kernel file systems, and the compiler's cache.
ENTER = """
mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" || exit 70
mkdir -p "$1/root/.cache/ccache" "$2" && mount --bind "$2" "$1/root/.cache/ccache" || exit 70
root=$1
shift 2
exec chroot "$root" env -i "$@"
"""


class Stage:
    """A FROM and what follows: a root file system, and the state that instructions set."""

    def __init__(self, root):
        self.root, self.user, self.folder = root, "root", "/"
        self.env = {"PATH": PATH, "HOME": "/root"}
        self.args, self.command, self.health, self.packages = {}, None, None, []

    def run(self, words):
        variables = [f"{name}={value}" for name, value in {**self.env, **self.args}.items()]
        subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter", self.root,
                        self.root.parent / "ccache", *variables, *self.inside(words)], stdin=subprocess.DEVNULL, check=True)

    def inside(self, words):
        return ["sh", "-c", 'cd "$0" && exec "$@"', self.folder, *words]

    def place(self, path):
        return self.root / os.path.join(self.folder, path).lstrip("/")


class Installed:
    """What `COPY --from=build /installed` copies, made elsewhere."""

    def __init__(self, folder, tree):
        self.root = folder / "stage-build"
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        (self.root / "installed").symlink_to(pathlib.Path(tree).resolve())


class Dockerfile:
    def __init__(self, path, context):
        self.path, self.context = path, context

    def instructions(self):
        """(instruction, rest) of each, lines that go on joined."""
        text = re.sub(r"^\s*#.*\n", "", self.path.read_text(), flags=re.M)
        for line in re.sub(r"\\\n\s*", "", text).splitlines():
            if line.strip():
                word, _, rest = line.strip().partition(" ")
                yield word.upper(), rest.strip()

    def carry_out(self, folder, installed):
        """The last stage, as the image would be. `installed`: a tree in place of the stage `build`, or None."""
        stages, stage, left_out = {}, None, False
        for word, rest in self.instructions():
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
                stage = stages[name or len(stages)] = self.begin(image, folder, name or len(stages))
            else:
                self.obey(stage, word, rest, stages)
        return stage

    def begin(self, image, folder, name):
        root = folder / f"stage-{name}"
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", self.base(image, folder), root], check=True)
        return Stage(root)

    def base(self, image, folder):
        """What debootstrap makes of `debian:12`."""
        if image != "debian:12":
            sys.exit(f"{self.path}: FROM {image}: only debian:12 can be made here")
        base, unfinished = folder / "base", folder / "base.unfinished"
        if not base.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            subprocess.run(["debootstrap", "--variant=minbase", "bookworm", unfinished, mirror()],
                           check=True, stdout=subprocess.DEVNULL)
            shutil.copy("/etc/resolv.conf", unfinished / "etc/resolv.conf")
            # As Docker's own image has it: no fsync for each file that dpkg unpacks.
            (unfinished / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")
            unfinished.rename(base)
        return base

    def obey(self, stage, word, rest, stages):
        if word == "ARG":
            name, _, value = rest.partition("=")
            stage.args[name] = os.environ.get(name, value)
        elif word == "ENV":
            stage.env.update(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "WORKDIR":
            stage.folder = rest
            stage.place("").mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            self.copy(stage, rest, stages)
        elif word == "RUN":
            stage.packages += installs(rest)
            stage.run(["sh", "-c", rest])
        elif word == "USER":
            stage.user = rest
        elif word == "HEALTHCHECK":
            stage.health = rest.partition("CMD ")[2]
        elif word == "CMD":
            stage.command = json.loads(rest)
        elif word not in IGNORED:
            sys.exit(f"{self.path}: {word}: this script does not know it")

    def copy(self, stage, rest, stages):
        words = rest.split()
        source = self.context
        if words[0].startswith("--from="):
            source = stages[words.pop(0).removeprefix("--from=")].root
        *patterns, target = words
        for pattern in patterns:
            found = sorted(source.glob(pattern.lstrip("/") or "."))
            if not found:
                sys.exit(f"{self.path}: COPY {pattern}: there is no such file")
            for one in found:
                copy_one(one, stage.place(target), target.endswith("/"))


def copy_one(source, place, into):
    if source.is_dir():
        shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
        return
    place = place / source.name if into else place
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)


def installs(command):
    """The packages that `apt-get install` names in a RUN."""
    found = re.search(r"apt-get install ([^&;]*)", command)
    return [word for word in found[1].split() if not word.startswith("-")] if found else []


def mirror():
    """The Debian mirror that apt has here, for the suite bookworm."""
    for name in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if os.path.exists(name):
            for line in open(name, errors="replace"):
                found = re.match(r"(?:deb .*?|URIs:\s*)(https?://\S*debian\S*?)/?(?:\s|$)", line)
                if found and "security" not in found[1]:
                    return found[1]
    return "http://deb.debian.org/debian"
