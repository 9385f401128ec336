#!/usr/bin/env bash
# A Python program that works on each picture, in the middle of a chain: raw BGR in, raw BGR out.
#
#   python-in-the-middle.sh [CAMERA] [SIZE] [FPS]
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
camera=${1:-auto} size=${2:-640x480} fps=${3:-30}
http=${HTTP:-127.0.0.1:8080}
here=$(dirname "${BASH_SOURCE[0]}")

camgrab "$camera" --wait |
  camenc -c raw --pixel-format bgr24 -s "$size" -r "$fps" --output-format rawvideo |
  "${PYTHON:-python3}" "$here/python-in-the-middle.py" "$size" |
  camenc --input-format "rawvideo:bgr24:$size@$fps" -c mjpeg |
  camserve --http "$http" --rtsp none
