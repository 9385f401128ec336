#!/usr/bin/python3
"""Runs a program with listening sockets as systemd passes them; writes their ports to the file "ports".

usage: pass_sockets.py NAMES SOCKET... -- COMMAND...   NAMES: $LISTEN_FDNAMES, - for none; SOCKET: HOST:PORT or /PATH
"""
import os
import socket
import sys

split = sys.argv.index("--")
names, where, command = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]
sockets = []
for at in where:
    if at.startswith("/"):
        one = socket.socket(socket.AF_UNIX)
        one.bind(at)
        one.listen()
    else:
        host, port = at.rsplit(":", 1)
        family = socket.AF_INET6 if "[" in host else socket.AF_INET
        one = socket.create_server((host.strip("[]"), int(port)), family=family)
    sockets.append(one)
for i, one in enumerate(sockets):
    os.dup2(one.fileno(), 100 + i)
for i in range(len(sockets)):
    os.dup2(100 + i, 3 + i)
    os.close(100 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)))
os.environ.pop("LISTEN_FDNAMES", None)
if names != "-":
    os.environ["LISTEN_FDNAMES"] = names
with open("ports.new", "w") as out:
    out.write(" ".join(str(s.getsockname()[1] if s.family != socket.AF_UNIX else 0) for s in sockets) + "\n")
os.rename("ports.new", "ports")
os.execvp(command[0], command)
