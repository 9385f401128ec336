"""The viewer page in headless Chromium, in the words of its tests."""
import json
import sys
import urllib.request

from browser import SHOWN, SHOWN_LARGE, Browser, wait_for

GRID_PICTURE = "#grid .tile:has(a[href='#{}']) canvas"
LARGE_PICTURE = "#stage canvas"


class Page(Browser):
    """Each `wait_...` ends the program with its words when what it waits for does not come."""

    def __init__(self, url):
        self.url = url

    def shown(self):
        """Names of the grid's streams that show a picture, in order."""
        return [name for name, *_ in self.run(SHOWN)]

    def wait_shown(self, *names):
        wait_for(f"pictures of {names}", 40, lambda: set(names) <= set(self.shown()))

    def wait_large(self, name):
        wait_for(f"{name} large", 40, lambda: self.run(SHOWN_LARGE) == name)

    def wait_grid(self):
        wait_for("the grid", 10, lambda: self.run("return !document.querySelector('#grid').hidden"))

    def pixels(self, canvas):
        """Something that differs when the picture does; the test pattern counts in its first line."""
        return self.run(f"return document.querySelector({json.dumps(canvas)}).toDataURL()")

    def wait_moves(self, canvas, times=2):
        for _ in range(times):
            before = self.pixels(canvas)
            wait_for(f"another picture in {canvas}", 40, lambda: self.pixels(canvas) != before)

    def state(self, name):
        """What the grid says of a stream: flowing, idle, …; None when it has no tile."""
        return self.run(f"return document.querySelector(\"#grid .tile:has(a[href='#{name}'])\")?.dataset.state ?? null")

    def text(self, selector):
        return self.run(f"return document.querySelector({json.dumps(selector)}).innerText")

    def wait_text(self, selector, part):
        wait_for(f"'{part}' in {selector}", 40, lambda: part in self.text(selector))

    def hash(self):
        return self.run("return location.hash")

    def api(self, path="api/streams"):
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.load(answer)

    def must(self, what, condition):
        if not condition:
            sys.exit(f"not so: {what}")

    def must_be_quiet(self, but=None):
        """Nothing in the console: no error, no violation of the Content-Security-Policy; `but` is part of what may be there."""
        messages = [message for message in self.console() if but is None or but not in message]
        self.must(f"a quiet console: {messages}", not messages)


def done(what):
    print(what, flush=True)
