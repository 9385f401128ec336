# Rings: every part of a chain is killed and started again, and the others go on.
load helper
load shm_helper

clock_of() { ffprobe -v error -show_entries format_tags=campipe.clock -of csv=p=0 "$1"; }

@test "readers go on with the camgrab that is started next, on the clock that the first one set" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" -o first.nut --quiet
  start enc camenc -i "shm:$R.raw" -c mjpeg -o out.nut
  grows out.nut
  kill_hard grab
  wait_for_line 10 enc.err "shm:$R.raw: its writer is gone: waiting for the next"
  before=$(stat -c %s out.nut)
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" -o direct.nut --quiet
  wait_for_line 10 enc.err "shm:$R.raw: its writer is back"
  wait_until 20 bigger_than out.nut $((before + 200000))
  stop enc
  stop grab
  times out.nut >got
  cmp got <(sort -nu got)
  # The second writer's own times are those that came through: nothing was moved on the way.
  assert_between "$(grep -cxFf <(times direct.nut) got)" 3 100000 "times of the second writer"
  clock=$(clock_of first.nut)
  [ -n "$clock" ]
  assert_equal "$(clock_of direct.nut)" "$clock" "clock of the second writer"
  assert_equal "$(clock_of out.nut)" "$clock" "clock of what was read"
}

@test "a chain's clock in the environment counts for more than that of the ring" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  start enc camenc -i "shm:$R.raw" -o out.nut --quiet
  grows out.nut
  kill_hard grab
  chain="1795000000000000:1:$(cat /proc/sys/kernel/random/boot_id)"
  CAMPIPE_CLOCK=$chain run_tool camgrab pattern -s 320x240 -r 15 -n 5 -o "shm:$R.raw" -o second.nut
  assert_equal "$(clock_of second.nut)" "$chain"
}

@test "another picture size after a restart is followed" {
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  start enc camenc -i "shm:$R.raw" -o "shm:$R.mjpeg" --quiet
  start copy camenc -i "shm:$R.mjpeg" -c copy --output-format mjpeg -o out.mjpeg --quiet
  grows out.mjpeg
  kill_hard grab
  start grab camgrab pattern -s 640x480 -r 15 -o "shm:$R.raw" --quiet
  big_picture() { ffprobe -v error -f mjpeg -show_entries frame=width -of csv=p=0 out.mjpeg | grep -q 640; }
  wait_until 20 big_picture
  assert_equal "$(cat copy.err enc.err)" "" "complaints"
}

@test "recording goes on over restarts of camgrab and camenc, each picture once" {
  start rec camrec -i "shm:$R.h264" rec
  start enc camenc -i "shm:$R.raw" -c h264 -o "shm:$R.h264" --quiet
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  open_file() { compgen -G "rec/$R/live/*.part" | head -1; }
  recording() { [ -n "$(open_file)" ]; }
  wait_until 20 recording
  grows "$(open_file)"
  kill_hard grab
  wait_for_line 10 rec.err "recording to"
  start grab camgrab pattern -s 320x240 -r 15 -o "shm:$R.raw" --quiet
  grows "$(open_file)" 30
  kill_hard enc
  start enc camenc -i "shm:$R.raw" -c h264 -o "shm:$R.h264" --quiet
  wait_until 20 recording
  grows "$(open_file)" 30
  stop rec
  find rec -name '*.mp4' | sort >files
  [ -s files ]
  while read -r file; do
    assert_equal "$(ffmpeg -v error -i "$file" -fps_mode passthrough -enc_time_base -1 -f null - 2>&1)" "" "complaints of the decoder"
    times "$file" >got
    cmp got <(sort -nu got)
  done <files
}

@test "clients of camserve stay while camgrab and camenc are killed and started again" {
  run_tool "$PYTHON" "$ROOT/tests/support/shm_restart.py" "$R"
  assert_contains "$output" "HTTP: 1 connection"
  assert_contains "$output" "RTSP: 1 connection"
}
