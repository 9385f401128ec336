#!/usr/bin/env bash
# The last week of a camera on disk in one-minute files that are whole even after a power cut, with a live view.
#
#   record-and-watch.sh [CAMERA] [FOLDER]
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
camera=${1:-auto} folder=${2:-$HOME/recordings}
http=${HTTP:-127.0.0.1:8080} rtsp=${RTSP:-127.0.0.1:8554}
ring=record-and-watch-$$ # a ring of its own for each run

# The camera first: the recorder still writes what has come.
end() {
  kill "$grab" 2>/dev/null || :
  wait "$grab" || :
  mapfile -t running < <(jobs -p)
  kill "${running[@]}" 2>/dev/null || :
  wait
  camring rm --force "$ring.raw" "$ring.h264" --quiet 2>/dev/null || :
}

set -m # each in a group of its own: Ctrl-C reaches them once, by end; a second signal would cut them short
camgrab "$camera" --wait -o "shm:$ring.raw" &
grab=$!
trap end EXIT
trap 'exit 0' INT TERM HUP
camenc -i "shm:$ring.raw" -c h264 -o "shm:$ring.h264" &
camrec -i "shm:$ring.h264" --name cam --segment 1m --keep 7d --min-free 5% "$folder" &
camserve "cam=shm:$ring.h264" --http "$http" --rtsp "$rtsp" &
wait -n # Ctrl-C, or the end of any of them, ends all
