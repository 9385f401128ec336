#!/usr/bin/python3
"""An IP camera of the simple kind: MJPEG over HTTP, multipart, at 25 frames a second.

usage: mjpeg_server.py PORT FILE [no-length|stall|end]

FILE holds JPEG images one after another; they are sent in a circle. no-length leaves Content-Length out; stall falls silent
after 20 frames, end closes then: each once, the next client gets all. Prints "ready" when it listens.
"""
import http.server
import re
import sys
import time

images = [part for part in re.split(rb"(?<=\xff\xd9)(?=\xff\xd8)", open(sys.argv[2], "rb").read()) if part]
mode = sys.argv[3] if len(sys.argv) > 3 else ""
clients = 0


class Camera(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global clients
        clients += 1
        first = clients == 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        number = 0
        due = time.monotonic()
        while True:
            image = images[number % len(images)]
            length = b"" if mode == "no-length" else b"Content-Length: %d\r\n" % len(image)
            try:
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + image + b"\r\n")
            except OSError:
                return
            number += 1
            if first and number == 20 and mode == "stall":
                time.sleep(3600)
            if first and number == 20 and mode == "end":
                return
            due += 1 / 25
            time.sleep(max(0, due - time.monotonic()))

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Camera)
print("ready", flush=True)
server.serve_forever()
