#!/usr/bin/env python3
"""Checks that includes in lib/ point only downwards, and that foreign headers stay where they belong.

usage: check-includes.py [ROOT]

One line per violation, exit 1 when there is any. The order of the floors is DESIGN's: a folder may include what stands on a
lower floor, and itself; folders of one floor do not know each other.
"""
import pathlib
import re
import sys

FLOORS = [
    {"base"},
    {"media", "ring"},
    {"cli"},
    {"jpeg", "ffmpeg"},
    {"wire", "rtp", "mp4", "net"},
    {"codec", "capture"},
    {"serve", "record", "watch"},
]
LEVEL = {folder: level for level, floor in enumerate(FLOORS) for folder in floor}
# Lower, and yet not for everyone: these need no FFmpeg and no libjpeg.
NOT_FOR = {"ffmpeg": {"wire", "rtp", "mp4", "net", "serve", "watch"}, "jpeg": {"wire", "rtp", "mp4", "net", "serve", "record", "watch"}}
# Foreign headers and the folders that may include them.
FOREIGN = [
    (re.compile(r"lib(av|sw)\w+/"), {"ffmpeg", "codec", "capture"}),
    (re.compile(r"turbojpeg\.h"), {"jpeg"}),
    (re.compile(r"libyuv"), {"codec"}),
    (re.compile(r"linux/videodev2\.h|libv4l"), {"capture"}),
    (re.compile(r"uv\.h$"), {"net", "serve"}),
    (re.compile(r"llhttp\.h"), {"net"}),
    (re.compile(r"yaml-cpp/"), {"watch"}),
    (re.compile(r"CLI/"), {"cli"}),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def violations(root):
    for path in sorted((root / "lib").rglob("*")):
        if path.suffix not in {".cpp", ".hpp", ".h", ".c"}:
            continue
        folder = path.relative_to(root / "lib").parts[0]
        where = path.relative_to(root)
        if folder not in LEVEL:
            yield f"{where}: the folder lib/{folder} has no floor in scripts/check-includes.py"
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            kind, name = found.groups()
            if kind == '"':
                target = name.split("/")[0]
                if target not in LEVEL or "/" not in name:
                    yield f'{where}:{number}: "{name}": include ours as "folder/file.hpp"'
                elif target != folder and (LEVEL[target] >= LEVEL[folder] or folder in NOT_FOR.get(target, ())):
                    yield f"{where}:{number}: lib/{folder} must not include {name}"
            else:
                for pattern, allowed in FOREIGN:
                    if pattern.match(name) and folder not in allowed:
                        yield f"{where}:{number}: <{name}> belongs into lib/{' or lib/'.join(sorted(allowed))}"


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = list(violations(root))
    print("\n".join(found) if found else "includes point downwards")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
