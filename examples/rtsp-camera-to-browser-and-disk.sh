#!/usr/bin/env bash
# An IP camera's H.264 to disk as it is, and to browsers as MJPEG, from one connection to the camera.
#
#   CAMGRAB_URL=rtsp://user:password@camera/stream rtsp-camera-to-browser-and-disk.sh [FOLDER]
#
# The URL comes through the environment: a command line with a password in it can be read by every user of the machine.
set -euo pipefail
: "${CAMGRAB_URL:?set it to the camera, e.g. rtsp://user:password@camera/stream}"
folder=${1:-$HOME/recordings}
http=${HTTP:-127.0.0.1:8080} rtsp=${RTSP:-127.0.0.1:8554}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkfifo "$work/record" "$work/view" "$work/mjpeg" "$work/h264"

camrec -i "$work/record" --name camera "$folder" &
camenc -i "$work/view" -c mjpeg -r 10 -o "$work/mjpeg" &
camserve camera="$work/mjpeg" camera="$work/h264" --http "$http" --rtsp "$rtsp" &
camgrab --wait -o "$work/record" -o "$work/view" -o "$work/h264" &

# Ctrl-C, or the end of any of them, ends the source; the others then drain and end by themselves.
grab=$!
trap 'kill "$grab" 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 0' INT TERM
wait -n
