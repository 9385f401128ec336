#!/usr/bin/env bash
# An IP camera's H.264 to disk as it is, and to browsers as MJPEG, from one connection to the camera.
#
#   CAMGRAB_URL=rtsp://user:password@camera/stream rtsp-camera-to-browser-and-disk.sh [FOLDER]
#
# The URL comes through the environment: a command line with a password in it can be read by every user of the machine.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
: "${CAMGRAB_URL:?set it to the camera, e.g. rtsp://user:password@camera/stream}"
folder=${1:-$HOME/recordings}
http=${HTTP:-127.0.0.1:8080} rtsp=${RTSP:-127.0.0.1:8554}
ring=rtsp-camera-$$ # a ring of its own for each run

# The camera first: the recorder still writes what has come.
end() {
  kill "$grab" 2>/dev/null || :
  wait "$grab" || :
  mapfile -t running < <(jobs -p)
  kill "${running[@]}" 2>/dev/null || :
  wait
  camring rm --force "$ring.camera" "$ring.mjpeg" --quiet 2>/dev/null || :
}

set -m # each in a group of its own: Ctrl-C reaches them once, by end; a second signal would cut them short
camgrab --wait -o "shm:$ring.camera" &
grab=$!
trap end EXIT
trap 'exit 0' INT TERM HUP
camrec -i "shm:$ring.camera" --name camera "$folder" &
camenc -i "shm:$ring.camera" -c mjpeg -r 10 -o "shm:$ring.mjpeg" &
camserve "camera=shm:$ring.mjpeg" "camera=shm:$ring.camera" --http "$http" --rtsp "$rtsp" &
wait -n # Ctrl-C, or the end of any of them, ends all
