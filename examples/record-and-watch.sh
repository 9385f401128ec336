#!/usr/bin/env bash
# The last week of a camera on disk in one-minute files that are whole even after a power cut, with a live view.
#
#   record-and-watch.sh [CAMERA] [FOLDER]
set -euo pipefail
camera=${1:-auto} folder=${2:-$HOME/recordings}
http=${HTTP:-127.0.0.1:8080} rtsp=${RTSP:-127.0.0.1:8554}

camgrab "$camera" --wait |
  camenc -c h264 -o - -o >(camrec --name cam --segment 1m --keep 7d --min-free 5% "$folder") |
  camserve --http "$http" --rtsp "$rtsp"
