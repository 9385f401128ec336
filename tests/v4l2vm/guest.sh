#!/usr/bin/env bash
# Runs in the VM. What can be told here becomes a TAP line; pictures go to $OUT for look.py.
set -u
[ -z "${VM_TRACE:-}" ] || { PS4='+ $SECONDS '; set -x; }
# shellcheck source=cam.sh
. "$V4L2VM/cam.sh"
PATH=$CAMPIPE_BIN:$PATH
cd "$OUT" || exit 1
unset NOTIFY_SOCKET

ok() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >check.log 2>&1; then echo "ok - $name"; else
    echo "not ok - $name"
    sed 's/^/# /' check.log
    [ ! -e grab.err ] || sed 's/^/# grab: /' grab.err
  fi
}
says() { grep -qF -- "$2" "$1"; }                    # FILE TEXT
waits_for() { cam_until "$1" grep -qF -- "$3" "$2"; } # SECONDS FILE TEXT
size() { stat -c %s "$1" 2>/dev/null || echo 0; }
grew() { [ "$(size grab.nut)" -gt "$1" ]; }
flows() { cam_until "${1:-20}" grew "$(($(size grab.nut) + 1))"; }
start() { # CAMGRAB ARG...: in the background into grab.nut
  rm -f grab.nut grab.err
  camgrab "$@" -o grab.nut 2>grab.err &
  grab=$!
}
finish() { ok "SIGTERM ends camgrab in order" ends_in_order; }
ends_in_order() {
  local code=0
  kill "$grab" || return
  wait "$grab" || code=$?
  [ "$code" = 0 ] || { echo "exit $code"; return 1; }
  ! grep -E 'Sanitizer|runtime error:' grab.err
}
fails() { # CODE TEXT CAMGRAB ARG...
  local code=$1 text=$2 got
  shift 2
  timeout -k 2 30 camgrab "$@" >/dev/null 2>fails.err
  got=$?
  cat fails.err
  [ "$got" = "$code" ] && grep -qF -- "$text" fails.err
}

# vivid: raw formats of a kernel driver, single- and multi-planar API, HDMI
vivid_tests() {
  single=$(cam_vivid n_devs=2 node_types=0x1,0x1 num_inputs=2,1 input_types=0xc,0x0 multiplanar=1,2) || exit 1
  multi=$(cam_wait vivid-001-vid-cap) || exit 1
  cam_set "$single" osd_text_mode=2 # no text over the bars
  cam_set "$multi" osd_text_mode=2
  for format in yuyv nv12 rgb24 bgr24 YV12; do
    ok "vivid: $format" timeout 40 camgrab "$single" -s 640x360 -f "$format" -r 15 -n 5 -o "vivid-$format.nut"
  done
  for format in NM12 yuyv; do
    ok "vivid, multi-planar: $format" timeout 40 camgrab "$multi" -s 640x360 -f "$format" -r 15 -n 5 -o "vivid-mplane-$format.nut"
  done
  ok "an odd size" timeout 40 camgrab "$single" -s 320x180 -f yuyv -n 5 -o vivid-small.nut
  ok "a size that vivid has not" fails 69 "cannot do 123x45: it offers" "$single" -s 123x45
  start "$single" -s 640x360 -f yuyv
  flows
  ok "a busy camera names who has it" fails 75 "camgrab (pid $grab) uses it" "$single" -s 320x180
  cam_set "$single" inject_v4l2_buf_flag_error
  cam_set "$single" inject_fatal_streaming_error
  ok "vivid: a fatal error is survived" waits_for 20 grab.err "back after"
  ok "vivid: frames flow again" flows
  finish
  start "$single" -s 640x360 -f yuyv --stall-timeout 2s
  flows
  cam_set "$single" percentage_of_dropped_buffers=100
  ok "vivid: a stall is seen" waits_for 20 grab.err "no frames for 2"
  cam_set "$single" percentage_of_dropped_buffers=0
  ok "vivid: and survived" waits_for 30 grab.err "back after"
  finish
  v4l2-ctl -d "$single" -i 1 >/dev/null
  v4l2-ctl -d "$single" -c dv_timings_signal_mode=4,dv_timings=0 >/dev/null # HDMI, 640x480
  start "$single" -f yuyv
  flows
  v4l2-ctl -d "$single" -c dv_timings=2 >/dev/null # the other end changes to 720x480
  ok "HDMI: the signal changes" waits_for 20 grab.err "the signal changed: reconnecting"
  ok "HDMI: camgrab follows" waits_for 20 grab.err "720x480"
  finish
  cam_set "$single" dv_timings_signal_mode=1
  ok "HDMI without a signal" fails 69 "no signal" "$single" -f yuyv
  cam_vivid_unplug 0
}

# uvcvideo with a USB camera made of software
usb_tests() {
  modes=(yuyv:640x360 "mjpeg:1280x720:$OUT/frames.mjpeg" "h264:1280x720:$OUT/frames.h264")
  node=$(cam_uvc cam1 "${modes[@]}") || exit 1
  cam_until 10 test -e /dev/v4l/by-id/usb-campipe_cam1_cam1-video-index0
  camgrab --list >list.txt
  ok "the camera is listed once, with the name that stays" test "$(grep -c '^/dev/video' list.txt) $(grep -c by-id list.txt)" = "1 1"
  ok "its formats are listed" sh -c "camgrab $node --list-formats | grep -q 'MJPG  -f mjpeg'"
  ok "USB camera: the choice is MJPEG, with the reason" sh -c "camgrab $node -n 5 2>&1 >/dev/null | tee choice.txt | grep -q 'mjpeg 1280x720 30 fps (raw only reaches YUYV 640x360'"
  ok "USB camera: MJPEG" timeout 40 camgrab "$node" -f mjpeg -n 70 -o usb-mjpeg.nut
  ok "USB camera: H.264" timeout 40 camgrab "$node" -f h264 -n 70 -o usb-h264.nut
  ok "USB camera: YUYV" timeout 40 camgrab "$node" -f yuyv -n 10 -o usb-yuyv.nut
  start "$node" -f mjpeg --stall-timeout 2s
  flows
  cam_uvc_tell cam1 stall
  ok "USB camera: a stall is seen" waits_for 20 grab.err "no frames for 2"
  cam_uvc_tell cam1 resume
  ok "USB camera: and survived" waits_for 30 grab.err "back after"
  finish
  start /dev/v4l/by-id/usb-campipe_cam1_cam1-video-index0 -f mjpeg
  flows
  cam_uvc_unplug cam1
  ok "USB camera: unplugging is said" waits_for 10 grab.err "unplugged: reconnecting"
  sleep 1
  ok "USB camera: once" test "$(grep -c . grab.err)" = 2
  number=${node#/dev/video}
  cam_loopback "$number" >/dev/null || echo "# no v4l2loopback to take the number"
  again=$(cam_uvc cam1 "${modes[@]}")
  ok "USB camera: it comes back as $again and not as $node" test "$again" != "$node"
  ok "USB camera: its name in by-id is followed" waits_for 20 grab.err "back after"
  ok "USB camera: frames flow again" flows
  finish
  mv grab.nut usb-replug.nut
  cp grab.err usb-replug.err
  echo 1 >/sys/module/uvcvideo/parameters/nodrop
  cam_uvc_unplug cam1
  node=$(cam_uvc cam1 "${modes[@]}") || exit 1
  start "$node" -f mjpeg
  flows
  cam_uvc_tell cam1 error 3
  cam_uvc_tell cam1 short 2
  flows
  cam_uvc_tell cam1 halt
  sleep 1
  cam_uvc_tell cam1 resume
  ok "USB camera: a broken transfer is restarted" waits_for 20 grab.err "back after"
  flows
  finish
  mv grab.nut usb-bad.nut

  # Waiting for it.
  cam_uvc_unplug cam1
  start /dev/v4l/by-id/usb-campipe_cam1_cam1-video-index0 --wait -f mjpeg
  ok "--wait says what it waits for" waits_for 10 grab.err "no such device: see camgrab --list: waiting for it"
  cam_uvc cam1 "${modes[@]}" >/dev/null
  ok "--wait: and finds it" waits_for 20 grab.err "there after"
  finish
}

# A camera of whose formats camgrab knows none: by libv4l2.
bayer_tests() {
  node=$(cam_uvc cam2 bayer:640x360) || exit 1
  ok "Bayer camera: libv4l2 converts" timeout 90 camgrab "$node" -n 10 --verbose -o usb-bayer.nut
  cam_uvc_unplug cam2
}

for part in ${VM_PARTS:-vivid usb bayer}; do "${part}_tests"; done
exit 0
