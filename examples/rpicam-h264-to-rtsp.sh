#!/usr/bin/env bash
# A Raspberry Pi's camera as RTSP for VLC and network recorders: rtsp://127.0.0.1:8554/cam. --inline repeats the parameter
# sets, so that a viewer can join at every keyframe; --intra 30 makes one a second.
#
#   rpicam-h264-to-rtsp.sh [RPICAM-VID OPTION...]
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
http=${HTTP:-127.0.0.1:8080} rtsp=${RTSP:-127.0.0.1:8554}

rpicam-vid --timeout 0 --nopreview --codec h264 --inline --intra 30 "$@" -o - | camserve --http "$http" --rtsp "$rtsp"
