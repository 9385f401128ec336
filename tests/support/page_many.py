#!/usr/bin/python3
"""A grid of many streams within a browser's six connections to one server.

usage: page_many.py URL STREAMS

Says "visible" when what is on a small screen is loaded and the rest is not, "all move" when each tile of a large one had new
pictures, "windows" when those of two windows have, "large" when one stream is live in each of both, "crowded" when the page
got along while another one held three connections, "hidden" when a page that is not looked at has let go of everything.
"""
import sys

from browser import wait_for
from page import GRID_PICTURE, LARGE_PICTURE, Page, done

url, count = sys.argv[1], int(sys.argv[2])
PATIENCE = 90  # s: for a minute after no connection was left the page keeps to stills
names = [f"c{i}" for i in range(1, count + 1)]


def live(page):
    return [c["stream"] for c in page.api("api/clients")["clients"] if c["protocol"] == "http-mjpeg"]


def some_are_live(page):
    """Three at most, whoever has them."""
    clients = live(page)
    page.must(f"no more than three are live: {clients}", len(clients) <= 3)
    wait_for("some live", PATIENCE, lambda: live(page))


def all_move(page):
    page.wait_shown(*names)
    for name in names:
        page.wait_moves(GRID_PICTURE.format(name))


with Page(url) as page:
    page.look(390, 844)
    page.open(url)
    page.wait_shown("c1")
    for _ in range(5):
        page.wait_moves(GRID_PICTURE.format("c1"))
    page.must("what is off the screen is not loaded", not set(page.shown()) & set(names[-4:]))
    page.run("scrollTo(0, document.body.scrollHeight)")
    page.wait_shown(*names[-2:])
    done("visible")

    page.open("about:blank")
    page.look(1440, 3000)
    page.open(url)
    all_move(page)
    some_are_live(page)
    done("all move")

    first = page.window()
    second = page.new_window()
    page.switch(second)
    page.look(1440, 3000)
    page.open(url)
    for window in (first, second):
        page.switch(window)
        all_move(page)
        page.must("the server answers", not page.run("return document.body.classList.contains('away')"))
    some_are_live(page)
    done("windows")

    for window, name in ((first, "c1"), (second, "c2")):
        page.switch(window)
        page.click(f"#grid a[href='#{name}']")
        page.wait_large(name)
    for window in (first, second):
        page.switch(window)
        page.wait_moves(LARGE_PICTURE)
    wait_for("one client each", PATIENCE, lambda: set(live(page)) == {"c1", "c2"})
    done("large")

    page.key("Escape")
    page.wait_grid()
    page.switch(first)
    page.key("Escape")
    page.wait_grid()
    page.switch(second)
    page.open(url + "api/streams")
    wait_for("the first window has all to itself", PATIENCE, lambda: len(live(page)) == 3)
    page.run("""for (const i of [1, 2, 3]) fetch(`/stream/c${i}`).then(async answer => {
        for (const reader = answer.body.getReader(); !(await reader.read()).done;); })""")
    wait_for("six connections", 20, lambda: len(live(page)) == 6)
    page.switch(first)
    wait_for("some given back", 20, lambda: len(live(page)) == 3)
    page.must("no word of a server that is away", not page.run("return document.body.classList.contains('away')"))
    all_move(page)
    done("crowded")

    page.switch(second)
    page.close_window()
    page.switch(first)
    page.click("#grid a[href='#c1']")
    page.wait_large("c1")
    page.run("Object.defineProperty(document, 'hidden', {get: () => true, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))")
    wait_for("nothing loaded while hidden", 10, lambda: live(page) == [])
    page.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_moves(LARGE_PICTURE)
    page.must_be_quiet(but="favicon.ico")  # of the address that is no page
    done("hidden")
