#!/usr/bin/python3
"""What the viewer page makes of streams that come, rest, wake and go.

usage: page_states.py URL

The server follows rings by a pattern and has none yet. Says "empty", "came" (wants camera `live` from then on), "rests" (and
`sleepy`, which works on demand), "woken", "rests again" and "gone" (when `live` was taken away); each waits for the one who
runs this to do its part.
"""
import sys
import time

from browser import wait_for
from page import LARGE_PICTURE, Page, done

url = sys.argv[1]


def stream(page, name):
    return next((s for s in page.api()["streams"] if s["name"] == name), {"state": None, "wanted": False})


with Page(url) as page:
    page.open(url)
    page.wait_text("main", "No stream yet")
    done("empty")

    page.wait_shown("live")
    page.must("it is in the grid: it came while the page was open", page.run("return !document.querySelector('#grid').hidden"))
    done("came")

    wait_for("sleepy resting", 60, lambda: page.state("sleepy") == "idle")
    # The server would tell a wish: it is looked for as long as a page takes to make several.
    end = time.monotonic() + 5
    while time.monotonic() < end:
        page.must("the grid wants nothing of what rests", not stream(page, "sleepy")["wanted"])
    page.must("it still rests", stream(page, "sleepy")["state"] == "idle")
    page.wait_text("#grid .tile:has(a[href='#sleepy']) .veil", "open it to wake it")
    done("rests")

    page.click("#grid a[href='#sleepy']")
    page.wait_large("sleepy")
    page.wait_moves(LARGE_PICTURE)
    done("woken")

    page.key("Escape")
    page.wait_grid()
    wait_for("sleepy resting again", 60, lambda: page.state("sleepy") == "idle")
    page.wait_shown("live")
    done("rests again")

    wait_for("live gone", 60, lambda: page.state("live") is None)
    page.must("the other stays", page.state("sleepy") is not None)
    page.must_be_quiet(but="snapshot/sleepy.jpg?peek=1")  # may have come when it had just fallen asleep
    done("gone")
