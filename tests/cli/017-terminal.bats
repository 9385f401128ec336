# A terminal that is closed under running tools, and what it shows when they have ended.
load helper

PIPELINE="camgrab pattern --size 320x240 --quiet | camenc -c h264 --quiet | camrec --quiet rec"

files() { find rec -name "$1" | wc -l; }
no_part() { [ "$(files '*.part')" = 0 ]; }

# published: the recording that was under way is a file that plays
published() {
  wait_until 20 no_part
  assert_equal "$(files '*.mp4')" 1 "files"
  assert_between "$(count_frames "$(find rec -name '*.mp4')")" 1 100000 "frames"
}

@test "a recording is published when its terminal is closed, however many signals that makes" {
  for _ in 1 2 3; do
    "$PYTHON" "$ROOT/tests/support/on_terminal.py" --close-when 'rec/**/*.part' "$PIPELINE"
    published
    rm -r rec
  done
}

@test "a recording is published when Ctrl-C is pressed and the terminal closed at once" {
  for _ in 1 2 3; do
    "$PYTHON" "$ROOT/tests/support/on_terminal.py" --interrupt-when 'rec/**/*.part' "$PIPELINE"
    published
    rm -r rec
  done
}

@test "no status line is left behind the last message" {
  run_tool "$PYTHON" "$ROOT/tests/support/on_terminal.py" "camgrab pattern --size 64x48 -n 60 | camenc | camrec rec"
  grep . <<<"$output" >screen
  assert_contains "$(tail -n 1 screen)" "camrec: wrote rec/cam/"
  assert_equal "$(grep -cE "flowing|waiting" screen)" 0 "status lines on the screen"
}
