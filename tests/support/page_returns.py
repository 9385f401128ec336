#!/usr/bin/python3
"""Keeps the viewer page open in headless Chromium while its server is restarted.

usage: page_returns.py URL

Prints "shown" when a picture is there, "away" when the page says that the server is away, and "back after S" when a picture
of the new server is there, S seconds after that answered /health for the first time.
"""
import sys
import time
import urllib.request

from browser import SHOWN_LARGE, Browser, wait_for

url = sys.argv[1]


def healthy():
    return urllib.request.urlopen(url + "health", timeout=2).status == 200


with Browser() as browser:
    browser.open(url)
    wait_for("a picture", 40, lambda: browser.run(SHOWN_LARGE))
    print("shown", flush=True)
    wait_for("word of the server's end", 15, lambda: browser.run("return document.querySelector('#large').dataset.state === 'away'"))
    print("away", flush=True)
    wait_for("the new server", 60, healthy)
    start = time.monotonic()
    # The new server's own count tells that the page asked it for pictures.
    wait_for("a picture of the new server", 20, lambda: browser.run(SHOWN_LARGE) and b'"clients": 1' in
             urllib.request.urlopen(url + "api/streams", timeout=2).read())
    print(f"back after {time.monotonic() - start:.1f}", flush=True)
