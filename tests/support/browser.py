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

    def cdp(self, command, **parameters):
        return self.call("POST", self.session + "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, width, height, scheme="light", scale=1, mobile=False):
        """Size of the window's inside in CSS pixels, and the colour scheme that is preferred."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def key(self, name):
        """Presses a key by its DOM name, e.g. Escape or f."""
        text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
        code = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}.get(name, 0)
        self.cdp("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", key=name, text=text, windowsVirtualKeyCode=code)
        self.cdp("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    def click(self, selector):
        """Clicks with the mouse in the middle of what `selector` finds, wherever that is."""
        x, y = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def tap(self, selector):
        x, y = self.middle(selector)
        self.cdp("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.cdp("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def middle(self, selector):
        return self.run(f"const n = document.querySelector({json.dumps(selector)}); n.scrollIntoView({{block: 'nearest'}}); "
                        "const r = n.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2];")

    def window(self):
        return self.call("GET", self.session + "/window")

    def new_window(self):
        return self.call("POST", self.session + "/window/new", {"type": "window"})["handle"]

    def switch(self, window):
        self.call("POST", self.session + "/window", {"handle": window})

    def close_window(self):
        self.call("DELETE", self.session + "/window")

    def console(self):
        return [entry["message"] for entry in self.call("POST", self.session + "/se/log", {"type": "browser"})]


# Name and place of each picture of the viewer page's grid that is shown.
SHOWN = """return [...document.querySelectorAll('#grid:not([hidden]) .tile')].filter(t => t.querySelector('.veil').hidden)
    .map(t => { const r = t.querySelector('canvas').getBoundingClientRect();
    return [t.querySelector('h2').textContent, r.x, r.y, r.width, r.height]; })"""

# The same of the one that is large.
SHOWN_LARGE = """const n = document.querySelector('#large:not([hidden])');
    return n !== null && n.querySelector('.veil').hidden ? n.querySelector('h2').textContent : null"""
