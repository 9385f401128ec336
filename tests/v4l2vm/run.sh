#!/usr/bin/env bash
# camgrab with the kernel's real V4L2 drivers, in a small VM (README.md): vivid, and a USB camera driven by uvcvideo. The guest
# captures into a shared folder, the pictures are looked at here. TAP.
# VM_PARTS=vivid, usb or bayer runs one part, VM_TIMEOUT=SECONDS gives a busy machine more time, VM_TRACE=1 shows each command.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export CAMPIPE_BIN=${CAMPIPE_BIN:-$root/build/dev/bin}
PATH=$CAMPIPE_BIN:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Frames for the USB camera, made out here where the processor is real: the pattern, so that its numbers can be read back.
camgrab pattern -s 1280x720 -r 30 -n 60 --quiet -o "$work/pattern.nut" || exit 70
ffmpeg -v error -i "$work/pattern.nut" -pix_fmt yuvj420p -c:v mjpeg -q:v 5 -f mjpeg "$work/frames.mjpeg" &&
  ffmpeg -v error -i "$work/pattern.nut" -pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 30 -x264-params aud=1 -f h264 "$work/frames.h264" || exit 70
rm "$work/pattern.nut"

{
  "$here/run-in-vm" -u -t "${VM_TIMEOUT:-420}" -w "$work" -e CAMPIPE_BIN -e "OUT=$work" -e VM_TRACE -e VM_PARTS "$here/guest.sh" || echo "not ok - the guest ended with $?"
  /usr/bin/python3 "$here/look.py" "$work" ${VM_PARTS:-vivid usb bayer}
} | awk '/^ok - / || /^not ok - / { n++; sub(/ok - /, "ok " n " ") } { print; fflush() } END { print "1.." n }'
