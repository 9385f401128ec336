#!/usr/bin/env bash
# A USB camera in every browser: http://127.0.0.1:8080/
#
#   usb-camera-to-browser.sh [CAMERA]        /dev/video0, 0, a /dev/v4l/by-id path (stays the same after a reboot), pattern
#
# A camera that makes JPEG itself is passed through untouched; for a raw one camenc makes it.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
camera=${1:-auto}
http=${HTTP:-127.0.0.1:8080} # HTTP=:8080 shows it to the whole network

camgrab "$camera" --wait | camenc -c mjpeg | camserve --http "$http" --rtsp none
