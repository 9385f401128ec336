#!/usr/bin/env bash
# Raw pictures of any GStreamer source into our chain, as Y4M.
#
#   gstreamer-raw-in.sh [SOURCE ELEMENT...]          e.g. v4l2src device=/dev/video0, or libcamerasrc
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
[ $# -gt 0 ] || set -- videotestsrc is-live=true pattern=ball
http=${HTTP:-127.0.0.1:8080}

gst-launch-1.0 -q "$@" ! videoconvert ! video/x-raw,format=I420 ! y4menc ! fdsink |
  camenc -c mjpeg | camserve --http "$http" --rtsp none
