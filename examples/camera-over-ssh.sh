#!/usr/bin/env bash
# The camera of another machine in this one's browser. Only camgrab runs over there, and only while this runs; nothing
# listens on its network.
#
#   camera-over-ssh.sh HOST [CAMERA]
#
# -f mjpeg: a camera's own JPEG is small enough for most links; leave it out for raw pictures.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
host=${1:?usage: camera-over-ssh.sh HOST [CAMERA]} camera=${2:-auto}
http=${HTTP:-127.0.0.1:8080}
read -ra ssh <<<"${SSH:-ssh}" # SSH="ssh -p 2222 -i key" for options

"${ssh[@]}" -T "$host" "camgrab $(printf %q "$camera") ${FORMAT:+-f $FORMAT}" | camenc -c mjpeg | camserve --http "$http" --rtsp none
