#!/usr/bin/env bash
# Any FFmpeg filter between two of our tools: both sides speak NUT. Here: mirror the picture and write the time into it.
#
#   ffmpeg-in-the-middle.sh [CAMERA] [FILTER]
#
# -analyzeduration 0 -probesize 32 keeps ffmpeg from collecting half a second of video before it starts;
# -copyts keeps the capture times.
set -euo pipefail
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
  -*) echo "${0##*/}: unknown option $1: see --help" >&2; exit 64 ;;
esac
camera=${1:-auto}
filter=${2:-hflip,drawbox=x=20:y=ih-60:w=200:h=40:color=red@0.6:t=fill}
http=${HTTP:-127.0.0.1:8080}

camgrab "$camera" --wait -f yuv420p |
  ffmpeg -v error -analyzeduration 0 -probesize 32 -copyts -f nut -i - -vf "$filter" -fps_mode passthrough \
    -c:v rawvideo -pix_fmt yuv420p -flush_packets 1 -f nut - |
  camenc -c mjpeg |
  camserve --http "$http" --rtsp none
