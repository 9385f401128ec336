#!/usr/bin/python3
"""Uses the viewer page as people do: mouse, keyboard, touch, address.

usage: page_opens.py URL FOLDER

The server has front/hd (640 wide) and front/low (320 wide), yard (320x240), all MJPEG, and door (H.264), in this order.
Snapshots are saved in FOLDER. Prints a word for each thing that works and ends at the first that does not.
"""
import pathlib
import re
import sys

import cv2

from browser import wait_for
from page import GRID_PICTURE, LARGE_PICTURE, Page, done

url, folder = sys.argv[1], pathlib.Path(sys.argv[2])
PRESSED = "return [...document.querySelectorAll('#renditions [aria-pressed=true]')].map(b => b.textContent).join()"
WIDE = f"return document.querySelector('{LARGE_PICTURE}').width"

with Page(url) as page:
    page.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    page.look(1440, 900)
    page.open(url)
    page.wait_shown("front", "yard", "door")
    page.wait_moves(GRID_PICTURE.format("front"))
    page.must("the grid takes the smaller rendition", {s["path"]: s["clients"] for s in page.api()["streams"]}["front/low"] == 1)
    done("grid")

    page.click("#grid a[href='#front']")
    page.wait_large("front")
    page.wait_moves(LARGE_PICTURE)
    page.must("the address names it", page.hash() == "#front")
    page.must("the first rendition is pressed", page.run(PRESSED) == "hd" and page.run(WIDE) == 640)
    wait_for("only the large one is loaded", 10, lambda: [s["path"] for s in page.api()["streams"] if s["clients"]] == ["front/hd"])
    done("mouse")

    page.click("#renditions [data-rendition=low]")
    wait_for("the low rendition", 10, lambda: page.run(WIDE) == 320)
    page.wait_moves(LARGE_PICTURE)
    page.must("low is pressed and in the address", page.run(PRESSED) == "low" and page.hash() == "#front/low")
    done("rendition")

    page.key("Escape")
    page.wait_grid()
    page.must("the address is the grid's", page.hash() == "")
    page.must("the focus is where it was", page.run("return document.activeElement.textContent") == "front")
    page.wait_moves(GRID_PICTURE.format("yard"))
    done("escape")

    page.key("Enter")
    page.wait_large("front")
    page.run("history.back()")
    page.wait_grid()
    page.run("history.forward()")
    page.wait_large("front")
    page.click("#back")
    page.wait_grid()
    done("history")

    page.cdp("Emulation.setTouchEmulationEnabled", enabled=True)
    page.tap("#grid a[href='#yard']")
    page.wait_large("yard")
    done("touch")

    page.key("s")
    taken = wait_for("a snapshot", 20, lambda: list(folder.glob("*.jpg")))[0]
    page.must(f"a name with the time: {taken.name}", re.fullmatch(r"yard-20\d{6}-\d{6}\.jpg", taken.name))
    page.must("a picture of the size", cv2.imread(str(taken)).shape == (240, 320, 3))
    done("snapshot")

    page.key("f")
    wait_for("full screen", 10, lambda: page.run("return document.fullscreenElement?.id") == "stage")
    page.wait_moves(LARGE_PICTURE)
    page.key("f")
    wait_for("the end of full screen", 10, lambda: not page.run("return document.fullscreenElement !== null"))
    done("full screen")

    page.key("ArrowRight")
    page.wait_large("door")
    page.wait_text("#hint", "camenc -c mjpeg | camserve door=H264-INPUT door=-")
    rtsp = page.run("return document.querySelector('#rtsp').value")
    page.must(f"its RTSP address: {rtsp}", rtsp == f"rtsp://127.0.0.1:{page.api()['rtsp_port']}/door")
    page.wait_moves(LARGE_PICTURE)
    done("h264")

    page.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.click("[data-copies=rtsp]")
    page.wait_text("[data-copies=rtsp]", "Copied")
    done("copy")

    page.open("about:blank")
    page.open(url + "#front/low")
    page.wait_large("front")
    page.must("the rendition of the address", page.run(PRESSED) == "low")
    page.key("Escape")
    page.wait_grid()
    done("deep link")

    page.open("about:blank")
    page.open(url + "#nobody")
    page.wait_text("#stage", "o stream nobody")
    done("unknown name")
    page.must_be_quiet()
    done("quiet")
