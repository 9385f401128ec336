#!/usr/bin/python3
"""The viewer page of a server that serves no RTSP where the page comes from: no address is shown that nobody answers.

usage: page_no_rtsp.py URL
"""
import sys

from page import Page, done

COPY = "return document.querySelector('#rtsp-copy').hidden && document.querySelector('#hint-rtsp').hidden"

with Page(sys.argv[1]) as page:
    page.open(sys.argv[1])
    page.wait_large("cam")
    shown = page.run("return document.querySelector('#rtsp').value")
    page.must(f"says that it is not served: {shown}", shown == "not served here")
    page.must("nothing to copy, and no hint at it", page.run(COPY))
    page.must_be_quiet()
    done("no RTSP")
