#!/usr/bin/python3
"""Whether the viewer page grows while it shows pictures.

usage: page_stays.py URL PICTURES

Reads the page's memory after PICTURES large ones and after three times as many; prints both.
"""
import sys

from browser import wait_for
from page import Page, done

url, pictures = sys.argv[1], int(sys.argv[2])
SHOWN = "return large.picture.shown"


def used(page):
    page.cdp("HeapProfiler.enable")
    page.cdp("HeapProfiler.collectGarbage")
    page.cdp("Performance.enable")
    metrics = {m["name"]: m["value"] for m in page.cdp("Performance.getMetrics")["metrics"]}
    return {name: metrics[name] for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners")}


with Page(url) as page:
    page.open(url)
    wait_for(f"{pictures} pictures", 300, lambda: page.run(SHOWN) >= pictures)
    before = used(page)
    wait_for(f"{3 * pictures} pictures", 300, lambda: page.run(SHOWN) >= 3 * pictures)
    after = used(page)
    done(f"{before} {after}")
    page.must("no more elements", after["Nodes"] <= before["Nodes"] + 20)
    page.must("no more listeners", after["JSEventListeners"] <= before["JSEventListeners"] + 5)
    page.must("no more memory", after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] + 500_000)
