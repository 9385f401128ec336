#!/usr/bin/python3
"""The viewer page where a live answer brings nothing (page_server.py silent): stills move.

usage: page_still.py URL
"""
import sys

from page import LARGE_PICTURE, Page, done

with Page(sys.argv[1]) as page:
    page.open(sys.argv[1])
    page.wait_large("cam")
    page.wait_moves(LARGE_PICTURE, 10)
    page.must_be_quiet()
    done("stills")
