# camenc: what stays bounded.
load helper

# member GROUP NAME: the process of that name in a background group
member() {
  pgrep -g "$1" -x "$2"
}

# frames_read PID: whole frames of 640x480 that it has read from its input
frames_read() { awk '/^rchar/ { print int($2 / (640 * 480 * 3 / 2)) }' "/proc/$1/io"; }

# at_rest PID: all its threads sleep and it has read and written nothing since the last call; to be tried until it is so
at_rest() {
  local now
  now=$(awk '{ print $14 + $15 }' "/proc/$1/stat")$(tr '\n' ' ' <"/proc/$1/io")
  if [ "$now" = "${before_rest:-}" ] && ! grep -q '^State:.*R' "/proc/$1"/task/*/status; then return 0; fi
  before_rest=$now
  sleep 0.3 # between two looks
  return 1
}

# heap FILE: blocks and bytes that are allocated and not freed, by tests/support/heap_counter.cpp
heap() { od -An -td8 -w16 -N16 "$1"; }

@test "a reader that takes nothing makes camenc wait, without growing" {
  mkfifo out.fifo
  start_sh stuck "$PYTHON $ROOT/tests/support/counted_frames.py 640 480 100000 | camenc -o out.fifo"
  exec 8<out.fifo # opened, never read
  wait_until 10 member "$stuck_pid" camenc
  pid=$(member "$stuck_pid" camenc)
  wait_until 60 at_rest "$pid"
  # What it has taken without giving: the frame being written, those in its queues and in coding. A queue without end would
  # have gone on, and never been at rest.
  assert_between "$(frames_read "$pid")" 1 150 "frames read"
  exec 8<&-
}

@test "camenc does not grow over thousands of frames" {
  $PYTHON "$ROOT/tests/support/counted_frames.py" 320 240 200 >one.y4m
  head -1 one.y4m >head
  tail -n +2 one.y4m >body
  counter=$(find "$CAMPIPE_BIN/.." -name libheap_counter.so | head -1)
  [ -n "$counter" ]
  # Sanitizers count for themselves and tell at the end what leaks.
  if grep -qE '__(a|t)san_init' "$(command -v camenc)"; then counter=; fi
  for options in "-c mjpeg" "-c h264 -b 300k" "-s 160x120 -q 50" "-c raw --pixel-format bgr24"; do
    mkfifo in.fifo
    # 1600 frames until all buffers and caches are as big as they get, then 3200 more.
    start_sh source "{ cat head; for i in {1..8}; do cat body; done; until [ -e more ]; do sleep 0.1; done
      for i in {1..16}; do cat body; done; exec sleep 600; } >in.fifo"
    # shellcheck disable=SC2086
    start encoder env LD_PRELOAD="$counter" HEAP_COUNTER="$PWD/heap" camenc $options -i in.fifo -o out.nut
    most_read() { [ "$(awk '/^rchar/ { print $2 }' "/proc/$encoder_pid/io")" -ge $(($1 * 320 * 240 * 3 / 2)) ]; }
    wait_until 60 most_read 1600
    wait_until 60 at_rest "$encoder_pid"
    [ -z "$counter" ] ||
      read -r blocks bytes < <(heap heap)
    touch more
    wait_until 120 most_read 4800
    wait_until 60 at_rest "$encoder_pid"
    if [ -n "$counter" ]; then
      read -r blocks_after bytes_after < <(heap heap)
      echo "$options: $blocks blocks of $bytes bytes after 1600 frames, $blocks_after of $bytes_after after 4800"
      [ "$blocks" -gt 100 ]
      # One block kept for each frame would be 3200 more. In bytes a few frames may be under way that were not before.
      assert_between "$blocks_after" 1 $((blocks + 100)) "blocks with $options"
      assert_between "$bytes_after" 1 $((bytes + 10 * 320 * 240 * 3 / 2)) "bytes with $options"
    fi
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
