#!/usr/bin/env bash
# A Raspberry Pi's camera in browsers, encoded by the Pi's own hardware: camserve takes the bare JPEG stream.
#
#   rpicam-to-browser.sh [RPICAM-VID OPTION...]      e.g. --width 1280 --height 720 --framerate 30
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
http=${HTTP:-127.0.0.1:8080}

rpicam-vid --timeout 0 --nopreview --codec mjpeg "$@" -o - | camserve --http "$http" --rtsp none
