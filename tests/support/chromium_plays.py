#!/usr/bin/python3
"""Whether headless Chromium plays a video file.

usage: chromium_plays.py FILE SECONDS       prints "DURATION WIDTH HEIGHT" once it has decoded the picture at SECONDS

Exit 1 with what the browser said when it does not play, 2 when it said nothing within 60 s.
"""
import http.server
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.parse

file, second = pathlib.Path(sys.argv[1]), float(sys.argv[2])
page = f"""<video id=v muted src="video"></video><script>
const v = document.getElementById('v');
const tell = text => fetch('told?' + encodeURIComponent(text));
v.onerror = () => tell('error ' + v.error.message);
v.onloadedmetadata = () => {{ v.currentTime = {second}; }};
v.onseeked = () => createImageBitmap(v).then(b => tell(`${{v.duration}} ${{b.width}} ${{b.height}}`), e => tell('error ' + e));
</script>"""
answers, told = [], threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data, kind, code = b"", "text/html", 200
        if self.path == "/":
            data = page.encode()
        elif self.path == "/video":
            data, kind = file.read_bytes(), "video/mp4"
        elif self.path.startswith("/told?"):
            answers.append(urllib.parse.unquote(self.path[6:]))
            told.set()
        else:
            code = 404
        span = self.headers.get("Range")
        total = len(data)
        if span and data:
            first, _, last = span.removeprefix("bytes=").partition("-")
            first, last = int(first), min(int(last or total - 1), total - 1)
            data, code = data[first:last + 1], 206
        self.send_response(code)
        if code == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the browser seeks

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    browser = subprocess.Popen(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--mute-audio", "--remote-debugging-port=0",
                                f"--user-data-dir={profile}", f"http://127.0.0.1:{server.server_port}/"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    told.wait(60)
    browser.terminate()
    browser.wait()
if not answers:
    print("chromium said nothing")
    sys.exit(2)
print(answers[0])
sys.exit(1 if answers[0].startswith("error") else 0)
