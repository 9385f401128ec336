#!/usr/bin/env bash
# From nothing to live video: installs what is missing, builds, and runs a camera (or the moving test pattern) through the
# whole chain under camwatch: in the browser, as RTSP, and on disk. Ctrl-C ends it.
#
#   examples/quickstart.sh [--yes] [--lan] [--folder DIR] [--port N] [--rtsp-port N] [SOURCE]
#
#   SOURCE          $CAMGRAB_URL if it is set, /dev/video0 if there is one, else "pattern"; or any device, URL or file
#   --yes           install packages without asking
#   --lan           listen on all addresses, not only on this machine's own
#   --folder DIR    where the recording goes (default: ~/campipe-recordings)
#   --port N, --rtsp-port N   default 8080 and 8554
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

yes=() lan=0 port=8080 rtsp_port=8554 folder=${HOME:-/tmp}/campipe-recordings source=
while [ $# -gt 0 ]; do
  case $1 in
    --yes) yes=(--yes) ;;
    --lan) lan=1 ;;
    --folder | --port | --rtsp-port)
      [ $# -gt 1 ] || { echo "quickstart.sh: $1 needs a value: see --help" >&2; exit 64; }
      case $1 in --folder) folder=$2 ;; --port) port=$2 ;; --rtsp-port) rtsp_port=$2 ;; esac
      shift
      ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "quickstart.sh: unknown option $1: see --help" >&2; exit 64 ;;
    *) source=$1 ;;
  esac
  shift
done
if [ -z "$source" ]; then
  if [ -n "${CAMGRAB_URL:-}" ]; then source=$CAMGRAB_URL; elif [ -e /dev/video0 ]; then source=/dev/video0; else source=pattern; fi
fi

"$root/scripts/install-deps.sh" "${yes[@]}"
cd "$root"
echo "Building (a few minutes the first time) …"
cmake --preset release >/dev/null
cmake --build build/release >build/release/build.log 2>&1 || { tail -30 build/release/build.log >&2; exit 70; }
export PATH=$root/build/release/bin:$PATH

address=127.0.0.1 name=localhost
if [ "$lan" = 1 ]; then address='' name=$(hostname -f 2>/dev/null || hostname); fi

ring=quickstart-$port
# A URL may hold a password: it goes to camgrab through a file that only we can read.
run=$(mktemp -d)
watch=
end() {
  if [ -n "$watch" ]; then
    kill "$watch" 2>/dev/null || :
    wait "$watch" || :
  fi
  rm -rf "$run"
}
trap end EXIT
trap 'exit 0' INT TERM HUP
chmod 700 "$run"
case $source in
  *://*)
    printf '%s\n' "$source" >"$run/url"
    grab="[camgrab, --url-file, \"$run/url\", --wait, -o, \"shm:$ring.camera\"]"
    ;;
  *)
    if [ -f "$source" ]; then options=", --realtime, --loop"; else options=", --wait"; fi
    grab="[camgrab, \"$source\"$options, -o, \"shm:$ring.camera\"]"
    ;;
esac
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# The camera feeds two encoders, and the H.264 a server and a recorder: through rings in shared memory, where one writes and any
# number read. The MJPEG has one reader: a pipe.
cat >"$run/quickstart.yaml" <<YAML
version: 1
control: {socket: "$run/ctl"}
defaults:
  log: {dir: "$run/log"}
chains:
  quickstart:
    stages:
      grab:  {cmd: $grab}
      mjpeg: {cmd: [camenc, -i, "shm:$ring.camera", -c, mjpeg]}
      h264:  {cmd: [camenc, -i, "shm:$ring.camera", -c, h264, -o, "shm:$ring.h264"]}
      serve: {from: mjpeg, cmd: [camserve, "cam=fd:in", "cam=shm:$ring.h264", --http, "$address:$port", --rtsp, "$address:$rtsp_port"]}
      rec:   {cmd: [camrec, -i, "shm:$ring.h264", --name, cam, "$folder"]}
YAML

cat <<TEXT

  In a browser   http://$name:$port/
  RTSP           rtsp://$name:$rtsp_port/cam
  A picture      http://$name:$port/snapshot/cam
  Recording      $folder/cam/  (UTC; kept 7 days)
  What runs      $root/build/release/bin/camwatch status --control $run/ctl
  Ctrl-C ends everything.

TEXT
set -m # a group of its own: Ctrl-C reaches it once, by end; a second signal would cut it short
camwatch run -c "$run/quickstart.yaml" &
watch=$!
wait "$watch"
