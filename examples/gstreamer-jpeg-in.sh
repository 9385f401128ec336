#!/usr/bin/env bash
# JPEG of any GStreamer pipeline straight into the server: no second encoding.
#
#   gstreamer-jpeg-in.sh [SOURCE ELEMENT...]
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
[ $# -gt 0 ] || set -- videotestsrc is-live=true pattern=ball
http=${HTTP:-127.0.0.1:8080}

gst-launch-1.0 -q "$@" ! videoconvert ! jpegenc ! fdsink | camserve --http "$http" --rtsp none
