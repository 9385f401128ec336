#!/usr/bin/env bash
# One camera in two qualities: http://127.0.0.1:8080/stream/cam/high and …/low; the page switches between them.
#
#   two-qualities.sh [CAMERA]
#
# The camera is opened once; both encoders read its ring, and each program may be restarted while the others run.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
camera=${1:-auto}
http=${HTTP:-127.0.0.1:8080}
ring=two-qualities-$$ # a ring of its own for each run

end() {
  mapfile -t running < <(jobs -p)
  kill "${running[@]}" 2>/dev/null || :
  wait
  camring rm --force "$ring.raw" "$ring-high.mjpeg" "$ring-low.mjpeg" --quiet 2>/dev/null || :
}
trap end EXIT
trap 'exit 0' INT TERM HUP

set -m # each in a group of its own: Ctrl-C reaches them once, by end; a second signal would cut them short
camgrab "$camera" --wait -o "shm:$ring.raw" &
camenc -i "shm:$ring.raw" -c mjpeg -q 85 -o "shm:$ring-high.mjpeg" &
camenc -i "shm:$ring.raw" -c mjpeg -s 640x360 -r 10 -q 60 -o "shm:$ring-low.mjpeg" &
camserve "cam/high=shm:$ring-high.mjpeg" "cam/low=shm:$ring-low.mjpeg" --http "$http" --rtsp none &
wait -n # Ctrl-C, or the end of any of them, ends all
