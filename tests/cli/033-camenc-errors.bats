# camenc: what goes wrong, its exit code and its one line.
load helper

frames() {
  $PYTHON "$ROOT/tests/support/counted_frames.py" "$@"
}

# fails CODE TEXT COMMAND...: with one line of error that has TEXT
fails() {
  local code=$1 text=$2
  shift 2
  run_tool "$code" "$@"
  assert_contains "$stderr" "$text"
}

@test "camenc exits 64 for options that contradict each other" {
  fails 64 "-q is for -c mjpeg, not for -c h264" camenc -c h264 -q 50
}

@test "camenc exits 64 for an output that cannot hold the stream" {
  frames 320 240 2 >in.y4m
  fails 64 "h264" camenc -c copy --output-format h264 -i in.y4m -o out
}

@test "camenc exits 65 when the input ends before its first frame" {
  fails 65 "stdin: ended before its first frame" camenc </dev/null
}

@test "camenc exits 65 for what is no stream" {
  head -c 100000 /dev/urandom >random
  printf 'Once upon a time\n' >text
  fails 65 "random: " camenc -i random
  fails 65 "text: this is no video stream" camenc -i text
}

@test "camenc exits 65 for a stream that ends in the middle of a frame, and keeps what came before" {
  frames 320 240 10 | camenc -c copy >in.nut
  head -c $((320 * 240 * 3 / 2 * 5)) in.nut >cut.nut
  fails 65 "cut.nut: ended in the middle of a frame" camenc -i cut.nut -o out.nut
  assert_equal "$(count_frames out.nut)" 4
}

@test "camenc exits 65 when none of the frames can be decoded" {
  { printf '\xff\xd8\xff\xdb'; head -c 500 /dev/zero; printf '\xff\xd9'; } >bad.jpg
  run_tool 65 camenc -q 50 --input-format mjpeg -i bad.jpg -o out
}

@test "camenc exits 66 for an input that is not there, or a folder" {
  fails 66 "missing.nut" camenc -i missing.nut
  mkdir folder
  fails 66 "folder" camenc -i folder
}

@test "camenc exits 73 for an output that cannot be made, and for a full disk" {
  frames 320 240 5 >in.y4m
  fails 73 "nowhere/out.nut" camenc -i in.y4m -o nowhere/out.nut
  fails 73 "/dev/full" camenc -i in.y4m -o /dev/full
}

@test "camenc exits 0 on SIGTERM, with what came so far written" {
  mkfifo in.fifo
  start_sh source "{ $PYTHON $ROOT/tests/support/counted_frames.py 320 240 10; sleep 60; } >in.fifo"
  start encoder camenc -i in.fifo -o out.nut
  wait_until 10 test -s out.nut
  stop encoder
  assert_between "$(count_frames out.nut)" 1 10
}

@test "camenc refuses to write a stream to a terminal" {
  frames 320 240 2 >in.y4m
  run script -qec "camenc -i in.y4m" /dev/null
  assert_equal "$status" 64
  assert_contains "$output" "terminal"
}

@test "camenc leaves broken JPEGs out, counts them and goes on" {
  frames 320 240 30 | camenc --output-format mjpeg >in.mjpeg
  $PYTHON - <<'EOF'
data = open("in.mjpeg", "rb").read()
pictures = [b"\xff\xd8" + p for p in data.split(b"\xff\xd8")[1:]]
assert len(pictures) == 30
pictures[5] = pictures[5][:700] + pictures[5][-2:]                      # cut off, but with an end
sof = pictures[9].index(b"\xff\xc0")
pictures[9] = pictures[9][: sof + 5] + b"\xff\xdc\xff\xdc" + pictures[9][sof + 9 :]  # 65500x65500
sof = pictures[12].index(b"\xff\xc0")
pictures[12] = pictures[12][: sof + 5] + b"\x3f\xff\x3f\xff" + pictures[12][sof + 9 :]  # 16383x16383
open("in.mjpeg", "wb").write(b"".join(pictures))
EOF
  run_tool camenc -c h264 -b 2M --input-format mjpeg -i in.mjpeg -o out.nut
  assert_contains "$stderr" "left out"
  assert_equal "$(grep -c 'left out' <<<"$stderr")" 1 "lines about it"
  assert_equal "$(counters out.nut 320 240)" "$(seq 0 29 | grep -vxE '5|9|12')"
}

@test "camenc survives damaged H.264 and picks up at the next keyframe" {
  frames 320 240 60 | camenc -c h264 -g 10 --output-format h264 >in.h264
  $PYTHON - <<'EOF'
import random
random.seed(3)
data = bytearray(open("in.h264", "rb").read())
for _ in range(40):
    at = random.randrange(len(data) // 3, len(data) * 2 // 3)
    data[at] = random.randrange(256)
open("in.h264", "wb").write(data)
EOF
  run_tool camenc --input-format h264 -i in.h264 -o out.nut
  assert_equal "$(counters out.nut 320 240 | tail -1)" 59
}
