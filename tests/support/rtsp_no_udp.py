#!/usr/bin/python3
"""A firewall that lets RTSP through and no media by UDP: rtsp_no_udp.py SERVER-PORT. Prints the port that it listens on.

The server is told other client ports than the player's own, whose datagrams nobody reads; the player does not see that.
"""
import re
import socket
import sys
import threading

PORTS = re.compile(rb"client_port=(\d+)-(\d+)")


class Connection:
    """One player's. Its wrong ports stay bound, so that nobody else gets them."""

    def __init__(self, player, server_port):
        self.player = player
        self.server = socket.create_connection(("127.0.0.1", server_port))
        self.sinks, self.told = [], {}
        for side, other, change in ((player, self.server, self.mislead), (self.server, player, self.restore)):
            threading.Thread(target=self.carry, args=(side, other, change), daemon=True).start()

    def mislead(self, data):
        def wrong(match):
            sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sink.bind(("127.0.0.1", 0))
            self.sinks.append(sink)
            port = sink.getsockname()[1]
            text = b"client_port=%d-%d" % (port, port - 1)
            self.told[text] = match.group(0)
            return text
        return PORTS.sub(wrong, data)

    def restore(self, data):
        return PORTS.sub(lambda match: self.told.get(match.group(0), match.group(0)), data)

    @staticmethod
    def carry(side, other, change):
        """Headers come whole: players and the server send each with one call."""
        try:
            while data := side.recv(65536):
                other.sendall(change(data))
        except OSError:
            pass
        for one in (side, other):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    Connection(listener.accept()[0], int(sys.argv[1]))
