#!/usr/bin/env bats
# V4L2 without a kernel camera: tests/support/camera_shim.cpp is preloaded.
load helper

setup_file() {
  cd "$BATS_FILE_TMPDIR" || exit 1
  ffmpeg -v error -f lavfi -i testsrc=s=640x480:r=30 -t 1 -pix_fmt yuvj420p -c:v mjpeg -q:v 5 -f mjpeg frames.mjpeg
  ffmpeg -v error -f lavfi -i testsrc=s=640x480:r=30 -t 1 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -tune zerolatency -g 15 -f h264 frames.h264
}

prepare() {
  SHIM=$(find "$CAMPIPE_BIN/.." -name libcamera_shim.so | head -1)
  [ -n "$SHIM" ] || { echo "the camera shim is not built" >&2; return 1; }
  : >control
}

# cam [CODE] ARG...: camgrab with the camera plugged in
cam() {
  local code=0
  if [[ $1 =~ ^[0-9]+$ ]]; then code=$1; shift; fi
  run_tool "$code" env LD_PRELOAD="$SHIM" SHIM_CONTROL="$PWD/control" "${with[@]}" camgrab "$@"
}
with=()
coded() { with=(SHIM_MJPEG="$BATS_FILE_TMPDIR/frames.mjpeg" SHIM_H264="$BATS_FILE_TMPDIR/frames.h264"); }

# start_cam ARG...: in the background, to out.nut
start_cam() { start grab env LD_PRELOAD="$SHIM" SHIM_CONTROL="$PWD/control" "${with[@]}" camgrab /dev/video99 "$@" -o out.nut; }
flows() { grows out.nut 10; }
# refused COUNT: until camgrab has tried so often to open the camera that is not there
refused() {
  wait_until 20 tried "$1"
}
tried() { [ "$(wc -l <control.refused)" -ge "$1" ]; }

@test "camgrab lists cameras, for people and as JSON" {
  cam --list
  assert_contains "$output" "/dev/video99  Shim Camera (shim, usb-shim-1)"
  cam --list --json
  assert_equal "$(jq -r '.[0].device' <<<"$output")" /dev/video99
}

@test "camgrab lists what a camera offers" {
  coded
  cam /dev/video99 --list-formats
  assert_contains "$output" "YUYV  -f yuyv422"
  cam /dev/video99 --list-formats --json
  assert_equal "$(jq -r '[.formats[].format] | join(" ")' <<<"$output")" "yuyv422 mjpeg h264"
  assert_equal "$(jq -r '.formats[0].sizes[0] | "\(.width) \(.height) \(.rates | join(","))"' <<<"$output")" "320 240 60,30,15"
}

@test "camgrab takes the first camera by itself and says why this mode" {
  cam -n 5 -o out.nut
  assert_contains "$stderr" "/dev/video99: Shim Camera: raw yuyv422 1280x720 30 fps (raw reaches the size and rate)"
}

@test "camgrab loses no frame of a raw camera" {
  cam /dev/video99 -s 320x240 -r 60 -n 120 -o out.nut
  counters out.nut 320 240 >seen
  assert_equal "$(wc -l <seen)" 120 frames
  first=$(head -1 seen)
  assert_equal "$(tr '\n' ' ' <seen)" "$(seq -s ' ' "$first" $((first + 119))) " "counters"
}

@test "camgrab passes MJPEG through as it is" {
  coded
  cam /dev/video99 -f mjpeg -n 30 --output-format mjpeg -o out.mjpeg
  assert_equal "$(stat -c %s out.mjpeg)" "$(stat -c %s "$BATS_FILE_TMPDIR/frames.mjpeg")" bytes
  cmp out.mjpeg "$BATS_FILE_TMPDIR/frames.mjpeg"
}

@test "camgrab passes H.264 through and begins with a keyframe" {
  coded
  cam /dev/video99 -f h264 -n 30 -o out.nut
  assert_equal "$(count_frames out.nut)" 30 frames
  assert_contains "$(ffprobe -v error -show_entries packet=flags -of csv=p=0 out.nut | head -1)" K
}

@test "camgrab thins a camera out to the rate that is asked for" {
  cam /dev/video99 -s 320x240 -r 10 --duration 2s -o out.nut
  assert_between "$(count_frames out.nut)" 14 22 "frames in 2 s at 10 fps"
}

@test "camgrab drops what the driver flags as damaged, empties and cuts, and goes on" {
  for fault in error=3 empty=3 short=3; do
    echo "$fault" >control
    cam /dev/video99 -s 320x240 -r 60 -n 20 -o out.nut
    counters out.nut 320 240 >seen
    assert_equal "$(wc -l <seen)" 20 "$fault: frames"
    assert_equal "$(awk '$1 % 3 == 2' seen)" "" "$fault: no frame that was bad"
  done
}

@test "camgrab drops JPEG images that were cut off" {
  coded
  echo short=4 >control
  cam /dev/video99 -f mjpeg -n 20 --output-format mjpeg -o out.mjpeg
  run_tool ffmpeg -v error -xerror -err_detect explode -i out.mjpeg -f null -
  assert_equal "$stderr" "" "decoding"
}

@test "camgrab repairs the images of a camera that never ends them" {
  coded
  echo noend >control
  cam /dev/video99 -f mjpeg -n 10 -o out.nut
  assert_contains "$stderr" "leaves the end marker"
  assert_equal "$(count_frames out.nut)" 10 frames
}

@test "camgrab keeps the gaps of the driver's count" {
  echo gap=5 >control
  cam /dev/video99 -s 320x240 -r 60 -n 20 -o out.nut
  assert_equal "$(counters out.nut 320 240 | awk '$1 % 5 == 4')" "" "left out by the driver"
}

@test "camgrab does not believe stamps from another time" {
  for fault in badclock samestamp; do
    echo "$fault" >control
    cam /dev/video99 -s 320x240 -r 60 -n 10 -o out.nut
    ffprobe -v error -show_entries packet=pts -of csv=p=0 out.nut | tr -d , >pts
    sort -n -u pts | cmp - pts
    assert_between "$(($(date +%s) - $(head -1 pts) / 1000000))" 0 30 "$fault: age in s"
  done
}

@test "camgrab survives unplugging: says so once, comes back, keeps its output and clock" {
  start_cam -s 320x240
  flows
  echo unplug >control
  wait_for_line 10 grab.err "/dev/video99: unplugged: reconnecting"
  refused 3
  assert_equal "$(grep -c reconnecting grab.err)" 1 lines
  : >control
  wait_for_line 10 grab.err "/dev/video99: back after"
  flows
  stop grab
  ffprobe -v error -show_entries packet=pts -of csv=p=0 out.nut | tr -d , >pts
  sort -n -u pts | cmp - pts
}

@test "camgrab reopens a camera that falls silent" {
  start_cam -s 320x240 --stall-timeout 1s
  flows
  echo stall >control
  wait_for_line 10 grab.err "no frames for 1"
  : >control
  wait_for_line 10 grab.err "back after"
  flows
}

@test "camgrab restarts a transfer that gave all its buffers back damaged" {
  start_cam -s 320x240
  flows
  echo halt >control
  wait_for_line 10 grab.err "reconnecting"
  : >control
  flows
}

@test "camgrab --wait waits for a camera and says that it is waiting" {
  echo unplug >control
  start_cam -s 320x240 --wait
  wait_for_line 10 grab.err "no such device: see camgrab --list: waiting for it"
  : >control
  flows
}

@test "camgrab --no-reconnect ends with 74 when the camera goes" {
  start_cam -s 320x240 --no-reconnect
  flows
  echo unplug >control
  expect_exit grab 74
  ends grab
  assert_contains "$(tail -1 grab.err)" "/dev/video99: unplugged"
}

@test "camgrab exits 66 without the device, 75 when it is busy, 75 without bandwidth, 69 for a size or format it has not" {
  run_tool 66 camgrab /dev/video99
  assert_contains "$stderr" "no such device: see camgrab --list"
  with=(SHIM_BUSY=1)
  cam 75 /dev/video99
  assert_contains "$stderr" "busy"
  with=(SHIM_ENOSPC=1)
  cam 75 /dev/video99
  assert_contains "$stderr" "no USB bandwidth left"
  with=()
  cam 69 /dev/video99 -s 123x45
  assert_contains "$stderr" "cannot do 123x45: it offers 320x240, 640x480, 1280x720, 1920x1080"
  cam 69 /dev/video99 -f h265
  assert_contains "$stderr" "it has YUYV"
}
