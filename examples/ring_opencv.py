#!/usr/bin/env python3
"""Frames what moves in a camera's pictures, from one ring into another.

usage: ring_opencv.py IN OUT        such as front.raw marked.raw

The pictures come without a copy out of the ring that camgrab draws them in, and are drawn straight into the second ring,
where camenc finds them. Start it before or after either of them:

    camgrab -o shm:front.raw &
    ./ring_opencv.py front.raw marked.raw &
    camenc -i shm:marked.raw -c h264 -o shm:marked.h264 &
    camserve shm:marked.h264
"""
import os
import pathlib
import sys

import cv2

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "python"))  # beside the sources; installed it is found
from campipe_ring import Reader, Writer  # noqa: E402


class Motion:
    """Boxes around what differs from a slowly learned background."""

    def __init__(self):
        self.background = None

    def boxes(self, picture):
        small = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[::4, ::4], (5, 5), 0)
        if self.background is None or self.background.shape != small.shape:
            self.background = small.astype("float32")
        changed = cv2.absdiff(small, cv2.convertScaleAbs(self.background))
        cv2.accumulateWeighted(small, self.background, 0.05)
        _, mask = cv2.threshold(changed, 25, 255, cv2.THRESH_BINARY)
        contours, _ = cv2.findContours(cv2.dilate(mask, None, iterations=2), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        return [tuple(4 * side for side in cv2.boundingRect(contour)) for contour in contours]


def main():
    if "--help" in sys.argv:
        print(__doc__)
        return
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = sys.argv[1:]
    motion, writer, shape = Motion(), None, None
    with Reader(source) as reader:  # the newest picture each time: what is late is left out
        for frame in reader:
            if shape != (frame.format.width, frame.format.height):  # the first, or another camera
                if writer is not None:
                    writer.close()
                shape = (frame.format.width, frame.format.height)
                writer = Writer(target, *shape, "bgr24", frame.format.rate)
            with writer.frame(like=frame) as picture:  # with the camera's capture time
                frame.bgr(out=picture)
                for x, y, width, height in motion.boxes(picture):
                    cv2.rectangle(picture, (x, y), (x + width, y + height), (0, 0, 255), 2)
            del frame  # gives its place in the ring back before the next one is waited for


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        os._exit(0)
