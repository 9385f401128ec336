#!/usr/bin/python3
"""Says in one line each which things the tests need and this machine has none left of; exit 75 then.

usage: machine_limits.py [now]

Tests that cannot have an inotify instance, a port or a descriptor fail in ways that do not name it. Without `now` it asks for
what all tests need at the most, as at their start; with it for the little that one step of a running test needs.
"""
import contextlib
import ctypes
import os
import pathlib
import resource
import socket
import sys

NOW = sys.argv[1:] == ["now"]
# What two test files at once take at the most, and as much again.
INOTIFY_INSTANCES = 4 if NOW else 48
INOTIFY_WATCHES = 16 if NOW else 256
PORTS = 10 if NOW else 200
DESCRIPTORS = 60 if NOW else 900

IN_MODIFY = 2  # inotify(7)
libc = ctypes.CDLL(None, use_errno=True)


def setting(name):
    """A value of sysctl(8)."""
    return pathlib.Path("/proc/sys", name.replace(".", "/")).read_text().strip().replace("\t", " ")


def inotify(instances, watches):
    """How many instances and, in one of them, watches there are to have, up to these."""
    with contextlib.ExitStack() as stack:
        got = []
        while len(got) < instances and (fd := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
            stack.callback(os.close, fd)
            got.append(fd)
        watched = 0
        for folder, _, _ in os.walk("/usr"):
            if not got or watched == watches or libc.inotify_add_watch(got[0], os.fsencode(folder), IN_MODIFY) < 0:
                break
            watched += 1
        return len(got), watched


def ports(kind, count):
    """How many ports of 127.0.0.1 can be bound at once, up to `count`."""
    with contextlib.ExitStack() as stack:
        for bound in range(count):
            try:
                stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", 0))
            except OSError:
                return bound
    return count


def descriptors(count):
    with contextlib.ExitStack() as stack:
        for opened in range(count):
            try:
                stack.callback(os.close, os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
            except OSError:
                return opened
    return count


def short(what, have, want, names):
    if have >= want:
        return []
    told = ", ".join(f"{name} = {setting(name)}" for name in names)
    return [f"{what}: only {have} left of {want} that the tests need: {told}: end what holds them or raise the limit"]


def lacks():
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < DESCRIPTORS + 50:
        yield f"descriptors: ulimit -n is {soft}: the tests need {DESCRIPTORS + 50}: ulimit -n {DESCRIPTORS + 50}"
        return
    yield from short("descriptors", descriptors(DESCRIPTORS), DESCRIPTORS, ["fs.file-max", "fs.file-nr"])
    instances, watches = inotify(INOTIFY_INSTANCES, INOTIFY_WATCHES)
    yield from short("inotify instances", instances, INOTIFY_INSTANCES, ["fs.inotify.max_user_instances"])
    if instances:
        yield from short("inotify watches", watches, INOTIFY_WATCHES, ["fs.inotify.max_user_watches"])
    for name, kind in (("TCP ports", socket.SOCK_STREAM), ("UDP ports", socket.SOCK_DGRAM)):
        yield from short(name, ports(kind, PORTS), PORTS, ["net.ipv4.ip_local_port_range"])


found = list(lacks())
for line in found:
    print(f"the machine has too few {line}")
sys.exit(75 if found else 0)
