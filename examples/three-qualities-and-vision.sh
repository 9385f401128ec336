#!/usr/bin/env bash
# One camera, opened once, in three qualities and for a vision program at the same time, over rings in shared memory.
# Each program may be stopped and started again while the others run; viewers stay.
#
#   three-qualities-and-vision.sh [CAMERA]
#
# http://127.0.0.1:8080/ shows cam/high, cam/low, cam/small and what ring_opencv.py sees, as marked.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
camera=${1:-auto}
http=${HTTP:-127.0.0.1:8080} rtsp=${RTSP:-127.0.0.1:8554}
here=$(dirname "${BASH_SOURCE[0]}")
rings=(cam.raw cam-high.h264 cam-low.h264 cam-small.mjpeg marked.raw marked.mjpeg)

end() {
  mapfile -t running < <(jobs -p)
  kill "${running[@]}" 2>/dev/null || :
  wait
  camring rm "${rings[@]}" --quiet 2>/dev/null || : # those that somebody else writes stay
}
trap end EXIT
trap 'exit 0' INT TERM HUP

set -m # each in a group of its own: Ctrl-C reaches them once, by end; a second signal would cut them short
camgrab "$camera" --wait -o shm:cam.raw &
grab=$!
camenc -i shm:cam.raw -c h264 -o shm:cam-high.h264 &
camenc -i shm:cam.raw -c h264 -s 640x360 -r 15 -o shm:cam-low.h264 &
camenc -i shm:cam.raw -c mjpeg -s 320x180 -r 5 -o shm:cam-small.mjpeg &
"${PYTHON:-python3}" "$here/ring_opencv.py" cam.raw marked.raw &
camenc -i shm:marked.raw -c mjpeg -o shm:marked.mjpeg &
camserve cam/high=shm:cam-high.h264 cam/low=shm:cam-low.h264 cam/small=shm:cam-small.mjpeg shm:marked.mjpeg \
  --http "$http" --rtsp "$rtsp" &
wait -n "$grab" $! # Ctrl-C, or the end of the camera or the server, ends all
