#!/usr/bin/env bash
# One camera in two qualities: http://127.0.0.1:8080/stream/cam/high and …/low; the page switches between them.
#
#   two-qualities.sh [CAMERA]
set -euo pipefail
camera=${1:-auto}
http=${HTTP:-127.0.0.1:8080}

work=$(mktemp -d)
mkfifo "$work/high-raw" "$work/low-raw" "$work/high" "$work/low"
camserve cam/high="$work/high" cam/low="$work/low" --http "$http" --rtsp none &
camenc -i "$work/high-raw" -c mjpeg -q 85 -o "$work/high" &
camenc -i "$work/low-raw" -c mjpeg -s 640x360 -r 10 -q 60 -o "$work/low" &
camgrab "$camera" --wait -o "$work/high-raw" -o "$work/low-raw" &

grab=$!
trap 'kill "$grab" 2>/dev/null; wait; rm -rf "$work"' EXIT
trap 'exit 0' INT TERM
wait -n
