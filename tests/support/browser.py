"""Headless Chromium by chromedriver, with nothing but the standard library."""
import base64
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1200,900"]


def wait_for(what, seconds, condition):
    """The first true value of `condition`; ends the program when there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = condition()
            if value:
                return value
        except OSError:
            pass
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within {seconds} s")
        time.sleep(0.1)


class Browser:
    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("chromedriver", 20, lambda: self.call("GET", "/status"))
        options = {"args": [*OPTIONS, f"--user-data-dir={self.profile.name}"]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        self.session = "/session/" + self.call("POST", "/session", {"capabilities": wanted})["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait(10)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, url):
        self.call("POST", self.session + "/url", {"url": url})

    def run(self, script):
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": []})

    def screenshot(self):
        return base64.b64decode(self.call("GET", self.session + "/screenshot"))

    def console(self):
        return [entry["message"] for entry in self.call("POST", self.session + "/se/log", {"type": "browser"})]


# Name and place of each picture of the viewer page that is shown.
SHOWN = """return [...document.querySelectorAll('.tile')].filter(t => !t.classList.contains('veiled')
    && t.querySelector('img').naturalWidth > 0).map(t => { const r = t.querySelector('img').getBoundingClientRect();
    return [t.querySelector('h2').textContent, r.x, r.y, r.width, r.height]; })"""
