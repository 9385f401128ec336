#!/usr/bin/python3
"""Opens the viewer page in headless Chromium and tells what its pictures do.

usage: page_moves.py URL TILES [OUT-PREFIX]

Waits until TILES tiles show a picture, takes two screenshots a second apart and prints for each tile, in order,
"NAME moving|still". OUT-PREFIX keeps the screenshots as PREFIX1.png and PREFIX2.png. Whatever the browser's console
complains about is printed as "console: ...".
"""
import sys
import time

import cv2
import numpy as np

from browser import SHOWN, Browser, wait_for


def picture(png, number):
    if len(sys.argv) > 3:
        with open(f"{sys.argv[3]}{number}.png", "wb") as file:
            file.write(png)
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


url, tiles = sys.argv[1], int(sys.argv[2])
with Browser() as browser:
    browser.open(url)
    shown = wait_for(f"{tiles} pictures", 40, lambda: (lambda found: found if len(found) >= tiles else None)(browser.run(SHOWN)))
    before = browser.screenshot()
    time.sleep(1)  # the distance that is asked for
    after = browser.screenshot()
    before, after = picture(before, 1), picture(after, 2)
    for name, x, y, width, height in shown:
        area = np.s_[int(y) + 60:int(y + height) - 4, int(x):int(x + width)]  # below the title
        moved = np.count_nonzero(cv2.absdiff(before[area], after[area]).max(axis=2) > 24)
        print(name, "moving" if moved > 200 else "still")
    for message in browser.console():
        print("console:", message)
