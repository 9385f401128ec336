#!/usr/bin/env bash
# JPEG of any GStreamer pipeline straight into the server: no second encoding.
#
#   gstreamer-jpeg-in.sh [SOURCE ELEMENT...]
set -euo pipefail
[ $# -gt 0 ] || set -- videotestsrc is-live=true pattern=ball
http=${HTTP:-127.0.0.1:8080}

gst-launch-1.0 -q "$@" ! videoconvert ! jpegenc ! fdsink | camserve --http "$http" --rtsp none
