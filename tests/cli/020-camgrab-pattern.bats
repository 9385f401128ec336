#!/usr/bin/env bats
load helper

@test "camgrab pattern writes exactly the frames asked for, numbered without a gap" {
  run_tool camgrab pattern -s 320x240 -r 60 -n 40 -o p.nut
  assert_equal "$(count_frames p.nut)" 40 frames
  assert_equal "$(counters p.nut 320 240 | tr '\n' ' ')" "$(seq -s ' ' 0 39) "
}

@test "camgrab pattern draws every format it offers" {
  for format in yuv420p nv12 yuyv rgb24 bgr24; do
    run_tool camgrab pattern -s 322x242 -r 60 -f "$format" -n 3 -o "$format.nut"
    assert_equal "$(counters "$format.nut" 322 242 | tr '\n' ' ')" "0 1 2 " "$format"
  done
}

@test "camgrab pattern keeps its pace and --duration ends it" {
  run_tool camgrab pattern -s 64x48 -r 100 --duration 1s -o p.nut
  assert_between "$(count_frames p.nut)" 90 101 "frames in a second"
}

@test "camgrab pattern gives each output every frame" {
  run_tool camgrab pattern -s 64x48 -r 100 -n 20 -o a.nut -o b.nut -o c.nut
  for name in a b c; do assert_equal "$(count_frames "$name.nut")" 20 "$name"; done
}

@test "camgrab goes on when one of its readers leaves" {
  mkfifo early.fifo
  start reader head -c 20000 early.fifo
  run_tool camgrab pattern -s 64x48 -r 100 -n 60 -o early.fifo -o whole.nut
  assert_equal "$(count_frames whole.nut)" 60 frames
  assert_contains "$stderr" "early.fifo: closed by its reader"
}

@test "camgrab is not held up by a reader that does not read" {
  mkfifo stuck.fifo
  start reader sleep 20 <>stuck.fifo
  exec 9<>stuck.fifo
  run_tool camgrab pattern -s 320x240 -r 10 -n 30 -o stuck.fifo -o whole.nut
  exec 9>&-
  assert_equal "$(counters whole.nut 320 240 | wc -l)" 30 frames
}

@test "camgrab ends quietly as by SIGPIPE when its only reader leaves" {
  run bash -o pipefail -c 'timeout 10 camgrab pattern -s 64x48 -r 100 --quiet 2>err | head -c 1000 >/dev/null'
  assert_equal "$status" 141 status
  assert_equal "$(cat err)" "" stderr
}

@test "camgrab ends with 0 on SIGTERM and leaves a whole stream" {
  start grab camgrab pattern -s 64x48 -r 50 -o p.nut
  has_frames() { [ "$(stat -c %s p.nut)" -gt $((10 * 64 * 48)) ]; }
  wait_until 10 has_frames
  stop grab
  run_tool ffmpeg -v error -i p.nut -f null -
}

@test "camgrab writes bare formats as asked and refuses what does not fit" {
  run_tool camgrab pattern -s 64x48 -r 100 -n 5 --output-format y4m -o p.y4m
  assert_equal "$(count_frames p.y4m)" 5 frames
  run_tool camgrab pattern -s 64x48 -r 100 -n 5 --output-format rawvideo -o p.raw
  assert_equal "$(stat -c %s p.raw)" $((5 * 64 * 48 * 3 / 2)) bytes
  run timeout 10 camgrab pattern -n 2 --output-format h264 -o p.h264
  [ "$status" -ne 0 ]
}

@test "camgrab takes the stream's clock over from its chain" {
  boot=$(cat /proc/sys/kernel/random/boot_id)
  now=$($PYTHON -c 'import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC))')
  CAMPIPE_CLOCK=1000000000000000:$now:$boot run_tool camgrab pattern -s 64x48 -n 1 -o p.nut
  seconds=$(ffprobe -v error -show_entries packet=pts_time -of csv=p=0 p.nut | head -1)
  assert_between "${seconds%%.*}" 1000000000 1000000010 "pts on the chain's clock"
}

@test "camgrab reports its flow to a service manager" {
  cat >listen.py <<'PY'
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
s.settimeout(10)
while True:
    text = s.recv(4096).decode()
    print(text, flush=True)
    if "flowing" in text:
        break
PY
  start listener $PYTHON listen.py
  wait_until 5 test -S notify
  NOTIFY_SOCKET=$PWD/notify run_tool camgrab pattern -s 64x48 --duration 3s -o p.nut
  wait_for_line 5 listener.out READY=1
  wait_for_line 5 listener.out X_CAMPIPE_STATE=flowing
}

@test "camgrab refuses options that its source cannot obey" {
  run_tool 64 camgrab pattern --loop
  assert_contains "$stderr" "only a file can start again"
}

@test "camgrab wipes a password off its command line and shows it nowhere" {
  start grab camgrab rtsp://anna:sesame@127.0.0.1:1/cam --wait -o out.nut
  wait_for_line 10 grab.err "waiting for it"
  run_tool bash -c "tr '\\0' ' ' </proc/$grab_pid/cmdline"
  assert_contains "$output" "rtsp://anna:***@127.0.0.1:1/cam"
  [[ "$output $(cat grab.err)" != *sesame* ]]
  assert_equal "$(grep -c 'use --url-file' grab.err)" 1 warnings
}

@test "camgrab says at the end what a slow reader did not get" {
  # 120 raw pictures are more than pipe and queue hold while nobody reads.
  run --separate-stderr bash -c 'camgrab pattern --size 640x480 --rate 60 -n 120 | { sleep 3; cat >/dev/null; }'
  assert_equal "$status" 0
  assert_contains "$stderr" "of 120 frames were dropped: what takes them was too slow"
}
