# camenc: what stays bounded.
load helper

rss_kb() {
  awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# member GROUP NAME: the process of that name in a background group
member() {
  pgrep -g "$1" -x "$2"
}

# at_rest PID: it has worked and does no more; to be tried until it is so
at_rest() {
  local now
  now=$(awk '{ print $14 + $15 }' "/proc/$1/stat")
  if [ "$now" -gt 0 ] && [ "$now" = "${ticks:-}" ]; then return 0; fi
  ticks=$now
  sleep 0.5
  return 1
}

@test "a reader that takes nothing makes camenc wait, without growing" {
  mkfifo out.fifo
  start_sh stuck "$PYTHON $ROOT/tests/support/counted_frames.py 640 480 100000 | camenc -o out.fifo"
  exec 8<out.fifo # opened, never read
  wait_until 10 member "$stuck_pid" camenc
  pid=$(member "$stuck_pid" camenc)
  wait_until 20 at_rest "$pid"
  before=$(rss_kb "$pid")
  sleep 2
  after=$(rss_kb "$pid")
  assert_between "$((after - before))" -2000 500 "growth in kB while it waits"
  assert_between "$after" 1 80000 "kB in all"
  exec 8<&-
}

@test "camenc does not grow over thousands of frames" {
  # AddressSanitizer keeps back what was freed: not so much that it looks like growth.
  export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1:thread_local_quarantine_size_kb=16
  $PYTHON "$ROOT/tests/support/counted_frames.py" 320 240 200 >one.y4m
  head -1 one.y4m >head
  tail -n +2 one.y4m >body
  for options in "-c mjpeg" "-c h264 -b 300k" "-s 160x120 -q 50" "-c raw --pixel-format bgr24"; do
    mkfifo in.fifo
    # 1600 frames until all buffers and caches are as big as they get, then 3200 more.
    start_sh source "{ cat head; for i in {1..8}; do cat body; done; until [ -e more ]; do sleep 0.1; done
      for i in {1..16}; do cat body; done; sleep 60; } >in.fifo"
    # shellcheck disable=SC2086
    start encoder camenc $options -i in.fifo -o out.nut
    ticks=
    wait_until 60 at_rest "$encoder_pid"
    before=$(rss_kb "$encoder_pid")
    first_bytes=$(stat -c %s out.nut)
    touch more
    most_came() { [ "$(stat -c %s out.nut)" -gt $((first_bytes * 5 / 2)) ]; }
    wait_until 60 most_came
    ticks=
    wait_until 60 at_rest "$encoder_pid"
    after=$(rss_kb "$encoder_pid")
    assert_between "$((after - before))" -99999 3000 "growth in kB with $options"
    stop_background
    rm -f in.fifo out.nut more
  done
}

@test "a JPEG that claims a giant size costs no memory" {
  $PYTHON "$ROOT/tests/support/counted_frames.py" 320 240 10 | camenc --output-format mjpeg >good.mjpeg
  $PYTHON - <<'EOF'
data = open("good.mjpeg", "rb").read()
pictures = [b"\xff\xd8" + p for p in data.split(b"\xff\xd8")[1:]]
for i, size in ((2, b"\x3f\xff\x3f\xff"), (3, b"\xff\xdc\xff\xdc"), (4, b"\x1f\xff\x1f\xff"), (5, b"\x00\x00\x01\x40")):
    sof = pictures[i].index(b"\xff\xc0")
    pictures[i] = pictures[i][: sof + 5] + size + pictures[i][sof + 9 :]
open("bad.mjpeg", "wb").write(b"".join(pictures))
EOF
  run_tool "$PYTHON" -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' camenc -c h264 --input-format mjpeg -i bad.mjpeg -o out.nut
  assert_between "$output" 1 150000 "peak kB"
  assert_equal "$(counters out.nut 320 240)" "$(printf '%s\n' 0 1 6 7 8 9)"
}
