#!/usr/bin/python3
"""The viewer page of a camserve, with another server's answers behind it.

usage: page_server.py CAMSERVE-URL hostile|silent

The page and its headers are camserve's own; all is in a folder, /behind/, as proxies have it. hostile: /api/streams has markup in each text, also where camserve has names.
silent: all is camserve's, but a live answer ends before its first part, as some proxies have it. Prints the URL.
"""
import http.server
import json
import sys
import urllib.error
import urllib.request

FOLDER = "/behind/"
camserve, mode = sys.argv[1], sys.argv[2]
EVIL = "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script>"
STREAM = {"rendition": "", "reason": EVIL, "codec": EVIL, "width": 320, "height": 240, "audio": EVIL, "fps": 1.0, "bits_per_second": 1,
          "age_s": 60.0, "clients": 1, "wanted": False}
STREAMS = [{**STREAM, "name": "ok", "path": "ok", "state": "stalled"}, {**STREAM, "name": EVIL, "path": EVIL, "state": "ended"},
           {**STREAM, "name": EVIL, "path": EVIL, "rendition": EVIL, "state": "ended"}]


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if not self.path.startswith(FOLDER):
            return self.answer(404, {"Content-Type": "text/plain"}, b"outside")
        self.path = "/" + self.path.removeprefix(FOLDER)
        if mode == "hostile" and self.path == "/api/streams":
            answer = {"instance": EVIL, "version": EVIL, "rtsp_port": 1, "streams": STREAMS}
            return self.answer(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())
        if mode == "hostile" and self.path != "/":
            return self.answer(503, {"Content-Type": "text/plain"}, EVIL.encode())
        if mode == "silent" and self.path.startswith("/stream/"):
            return self.answer(200, {"Content-Type": "multipart/x-mixed-replace;boundary=x"}, b"")
        try:
            with urllib.request.urlopen(camserve + self.path, timeout=10) as theirs:
                self.answer(theirs.status, theirs.headers, theirs.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.headers, error.read())

    def answer(self, code, headers, body):
        self.send_response(code)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
print(f"http://127.0.0.1:{server.server_port}{FOLDER}", flush=True)
server.serve_forever()
