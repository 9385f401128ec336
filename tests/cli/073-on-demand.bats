# --on-demand: nothing runs while nobody wants frames.
load helper

prepare() {
  CAMPIPE_RING_DIR=$(mktemp -d /dev/shm/demand_XXXXXX)
  export CAMPIPE_RING_DIR
}

clean_up() {
  rm -rf "$CAMPIPE_RING_DIR"
}

frames() { camring stat --json "$1" | jq .frames; }

# rests NAME: the tool of that name has said so once more than it has said that it goes on
rests() { [ "$(grep -c "nobody wants frames" "$1.err")" -gt "$(grep -c "wanted again" "$1.err")" ]; }
rested_times() { [ "$(grep -c "nobody wants frames" "$1.err")" -ge "$2" ]; }

@test "camgrab closes its source while nobody wants frames and opens it for a reader" {
  start grab camgrab pattern -s 64x48 -o shm:a.raw --on-demand --linger 300ms
  wait_until 20 rests grab
  before=$(frames a.raw)
  [ "$before" -gt 0 ]
  run_tool camenc -i shm:a.raw -n 5 --output-format mjpeg -o five.mjpeg
  assert_equal "$(count_frames five.mjpeg -f mjpeg)" 5
  wait_until 20 rests grab
  after=$(frames a.raw)
  [ "$after" -ge $((before + 5)) ]
  # What the pattern counts goes on where it was: nothing was lost by resting.
  assert_contains "$(cat grab.err)" "pattern: closed, nobody wants frames: until somebody does"
  assert_equal "$(camring stat --json a.raw | jq .dropped)" 0
}

@test "a chain on demand rests as a whole and comes back as a whole" {
  start grab camgrab pattern -s 64x48 -o shm:a.raw --on-demand --linger 300ms
  start enc camenc -i shm:a.raw -c h264 -g 1000 -o shm:a.h264 --on-demand --linger 300ms
  wait_until 20 rests enc
  wait_until 20 rests grab
  for round in 1 2; do
    run_tool camring tap -n 10 a.h264
    wait_until 20 rests enc
    wait_until 20 rests grab
  done
  camring tap -n 10 a.h264 >ten.nut
  assert_equal "$(count_frames ten.nut)" 10
  assert_equal "$(ffprobe -v error -show_entries packet=flags -of csv=p=0 ten.nut | head -1 | cut -c1)" K
}

@test "a reader that is killed wants nothing any more" {
  start grab camgrab pattern -s 64x48 -o shm:a.raw --on-demand --linger 300ms
  start tap camring tap a.raw
  wait_until 20 test -s tap.out
  kill_hard tap
  wait_until 20 rests grab
}

@test "a pipe among the outputs always wants frames" {
  start_sh grab 'camgrab pattern -s 64x48 -o shm:a.raw -o - --on-demand --linger 100ms >piped.nut'
  wait_until 20 test -s piped.nut
  camring tap -n 60 a.raw >/dev/null
  assert_equal "$(grep -c "nobody wants" grab.err)" 0
}

@test "a stage that rests reports idle, which is no fault" {
  cat >listen.py <<'P'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
P
  start listen $PYTHON listen.py "$PWD/notify"
  wait_for_line 10 listen.out bound
  NOTIFY_SOCKET=$PWD/notify start grab camgrab pattern -s 64x48 -o shm:a.raw --on-demand --linger 3s
  wait_for_line 20 listen.out X_CAMPIPE_STATE=flowing
  wait_for_line 20 listen.out X_CAMPIPE_STATE=idle
}

@test "--on-demand is refused where nobody can be asked" {
  run_tool 64 camgrab pattern -n 1 --on-demand
  assert_contains "$stderr" "--on-demand: no output is a ring: give -o shm:NAME"
  run_tool 64 camenc --on-demand
  assert_contains "$stderr" "no output is a ring"
  run_tool 64 camgrab pattern -o shm:a.raw --linger 1s
  assert_contains "$stderr" "--linger: it goes with --on-demand"
  : >film.mp4
  run_tool 64 camgrab film.mp4 -o shm:a.raw --on-demand
  assert_contains "$stderr" "a file is read to its end"
}
