#!/usr/bin/python3
"""Sends bytes to HOST:PORT and prints what comes back until the peer closes or SECONDS are over.

usage: http_talk.py HOST:PORT SECONDS 'TEXT with \\r\\n escapes'
"""
import socket
import sys

host, port = sys.argv[1].rsplit(":", 1)
connection = socket.create_connection((host.strip("[]"), int(port)), timeout=float(sys.argv[2]))
connection.sendall(sys.argv[3].encode().decode("unicode_escape").encode("latin-1"))
try:
    while data := connection.recv(65536):
        sys.stdout.buffer.write(data)
except (TimeoutError, ConnectionResetError):
    pass
