#!/usr/bin/env python3
"""Checks the walls of lib/: includes point only downwards, foreign headers stay where they belong, namespaces follow folders.

usage: check-includes.py [--picture] [ROOT]

One line per violation, exit 1 when there is any. The order of the floors is the design's: a folder may include a folder on a lower
floor, and itself; folders on one floor do not know each other. The same holds inside a library for its rooms: a room is
a sub-folder, or a file beside the sub-folders under its name without extension. --picture prints the floors and rooms.
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
# Rooms from the bottom up. A room that is named here and does not exist yet has its place; one that exists and is not
# named is a violation.
ROOMS = {
    "ring": [{"kernel", "include"}, {"layout"}, {"write", "read", "survey"}, {"api"}],
    "wire": [{"stream"}, {"nut", "shm", "queue"}, {"bare", "recognise", "endpoint"}, {"make_reader", "make_writer"}, {"open"}],
    "capture": [{"host", "source_name", "coded_video", "rate_limit", "stop_after"}, {"source"},
                {"v4l2", "network", "pattern", "reconnecting", "grab"}],
    "serve": [{"hub"}, {"input", "access", "routes"}, {"publish", "rtp", "still", "status", "fragment"},
              {"rtsp", "http", "ws", "hls", "whep"}, {"listening"}, {"server"}],
    "record": [{"segment"}, {"cut", "library", "packet_queue", "pace"}, {"recorder"}, {"disk_store", "recorder_failures"}, {"recording"}],
    "watch": [{"config"}, {"flow", "process", "log"}, {"control", "check", "hooks", "overview"}, {"chain"}, {"supervisor"},
              {"supervisor_commands", "supervisor_reload"}],
}
LEVEL = {folder: level for level, floor in enumerate(FLOORS) for folder in floor}
ROOM_LEVEL = {lib: {room: level for level, floor in enumerate(floors) for room in floor} for lib, floors in ROOMS.items()}
# Lower, and yet not for everyone: these need no FFmpeg and no libjpeg.
NOT_FOR = {"ffmpeg": {"wire", "rtp", "mp4", "net", "serve", "watch"}, "jpeg": {"wire", "rtp", "mp4", "net", "serve", "record", "watch"}}
# Foreign headers and the folders that may include them.
FOREIGN = [
    (re.compile(r"lib(av|sw)\w+/"), {"ffmpeg", "codec", "capture/network"}),
    (re.compile(r"turbojpeg\.h"), {"jpeg"}),
    (re.compile(r"libyuv"), {"codec"}),
    (re.compile(r"linux/videodev2\.h|libv4l"), {"capture/v4l2"}),
    (re.compile(r"uv\.h$"), {"net", "serve"}),
    (re.compile(r"llhttp\.h"), {"net"}),
    (re.compile(r"yaml-cpp/"), {"watch/config"}),
    (re.compile(r"CLI/"), {"cli"}),
]
# A C header and its implementation have no namespace.
NO_NAMESPACE = {"ring/include", "ring/api"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
NAMESPACE = re.compile(r"^namespace (campipe(?:::\w+)*) \{", re.M)


def room_of(parts):
    """The room of a path's parts below lib/: ("serve", "rtp", "session.hpp") is in "rtp", ("serve", "server.hpp") in "server"."""
    return parts[1] if len(parts) > 2 else parts[1].split(".")[0]


def inner_violation(lib, room, target):
    """Why `room` of `lib` may not include `target`, a path below lib/; None when it may."""
    levels = ROOM_LEVEL.get(lib)
    other = room_of(target.split("/"))
    if levels is None or other == room:
        return None
    if other not in levels:
        return f"the room lib/{lib}/{other} has no floor in scripts/check-includes.py"
    if levels[other] >= levels[room]:
        return f"lib/{lib}/{room} must not include {target}"
    return None


def include_violation(parts, kind, name):
    """Why a file may not include `name`; None when it may."""
    lib, room = parts[0], room_of(parts)
    if kind == "<":
        for pattern, allowed in FOREIGN:
            if pattern.match(name) and not allowed & {lib, f"{lib}/{room}"}:
                return f"<{name}> belongs into lib/{' or lib/'.join(sorted(allowed))}"
        return None
    target = name.split("/")[0]
    if target not in LEVEL or "/" not in name:
        return f'"{name}": include ours as "folder/file.hpp"'
    if target == lib:
        return inner_violation(lib, room, name)
    if LEVEL[target] >= LEVEL[lib] or lib in NOT_FOR.get(target, ()):
        return f"lib/{lib} must not include {name}"
    return None


def namespace_violation(parts, text):
    """A file in lib/serve/rtp opens campipe::serve::rtp or a namespace within it."""
    if len(parts) < 3 or "/".join(parts[:2]) in NO_NAMESPACE:
        return None
    wanted = "::".join(("campipe",) + parts[:-1])
    opened = NAMESPACE.findall(text)
    if any(space == wanted or space.startswith(wanted + "::") for space in opened):
        return None
    return f"opens no namespace {wanted}"


def file_violations(root, path):
    parts = path.relative_to(root / "lib").parts
    where = path.relative_to(root)
    text = path.read_text(errors="replace")
    lib = parts[0]
    if lib not in LEVEL:
        yield f"{where}: the folder lib/{lib} has no floor in scripts/check-includes.py"
        return
    if lib in ROOMS and room_of(parts) not in ROOM_LEVEL[lib]:
        yield f"{where}: the room lib/{lib}/{room_of(parts)} has no floor in scripts/check-includes.py"
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        why = include_violation(parts, *found.groups()) if found else None
        if why:
            yield f"{where}:{number}: {why}"
    why = namespace_violation(parts, text)
    if why:
        yield f"{where}: {why}"


def test_violations(root):
    """tests/unit mirrors lib/: a folder of tests has its folder in lib/."""
    for folder in sorted((root / "tests/unit").glob("*/*/")):
        if folder.is_dir() and not (root / "lib" / folder.relative_to(root / "tests/unit")).is_dir():
            yield f"{folder.relative_to(root)}: lib/ has no such folder"


def violations(root):
    for path in sorted((root / "lib").rglob("*")):
        if path.suffix in {".cpp", ".hpp", ".h", ".c"}:
            yield from file_violations(root, path)
    yield from test_violations(root)


def picture(root):
    """The floors as text, the top one first; in brackets the rooms that exist, "/" between their floors, the top one first."""
    for floor in reversed(FLOORS):
        folders = []
        for lib in sorted(floor):
            inner = [[room for room in sorted(rooms) if exists(root, lib, room)] for rooms in reversed(ROOMS.get(lib, []))]
            inner = " / ".join(" ".join(rooms) for rooms in inner if rooms)
            folders.append(f"{lib} [{inner}]" if inner else lib)
        yield "\n".join(folders)


def exists(root, lib, room):
    return any((root / "lib" / lib / f"{room}{ending}").exists() for ending in ("", ".hpp", ".cpp"))


def main():
    arguments = [a for a in sys.argv[1:] if a != "--picture"]
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent.parent
    if "--picture" in sys.argv[1:]:
        print("\n----\n".join(picture(root)))
        return
    found = list(violations(root))
    print("\n".join(found) if found else "includes point downwards")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
