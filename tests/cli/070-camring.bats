# camring: what it shows of rings, what it removes, what it taps.
load helper

prepare() {
  CAMPIPE_RING_DIR=$(mktemp -d /dev/shm/camring_XXXXXX)
  export CAMPIPE_RING_DIR
}

clean_up() {
  rm -rf "$CAMPIPE_RING_DIR"
}

# field RING JQ: of what camring says of it
field() { camring stat --json "$1" | jq -r "$2"; }
field_is() { [ "$(field "$1" "$2")" = "$3" ]; }

# grab RING [SIZE] [FPS]: a source of pictures into that ring, flowing
grab() {
  start grab camgrab pattern -s "${2:-64x48}" -r "${3:-30}" -o "shm:$1"
  wait_until 20 field_is "$1" '.frames > 0' true
}

@test "camring --help and --version answer on stdout" {
  run_tool camring --help
  assert_contains "$output" "Examples:"
  run_tool camring --version
  assert_contains "$output" "camring "
  run_tool camring tap --help
  assert_contains "$output" "--frames"
}

@test "camring wants a command it knows and a name that can be one" {
  run_tool 64 camring
  run_tool 64 camring shred front
  run_tool 64 camring stat
  run_tool 64 camring stat one two
  run_tool 64 camring rm
  for wrong in '' a/b ../etc .raw front. front.ctl 'shm:' 'x y' "$(printf 'a%.0s' {1..65})" 'shm:*.raw'; do
    run_tool 64 camring stat "$wrong"
    assert_contains "$stderr" "no ring's name"
  done
  run_tool 64 camring tap -n 0 front
  run_tool 64 camring list --stats 1s
}

@test "camring list shows nothing where there is nothing" {
  run_tool camring list
  assert_equal "$output" ""
  run_tool camring list --json
  assert_equal "$output" "[]"
}

@test "camring stat shows format, writer, rate, memory" {
  grab front.raw 320x240 50
  wait_until 20 field_is front.raw '.fps != null' true
  camring stat --json front.raw >stat.json
  assert_equal "$(jq -c '[.name, .kind, .state, .format.codec, .format.width, .format.height, .format.frame_rate]' stat.json)" \
    '["front.raw","raw","live","raw",320,240,"50"]'
  assert_equal "$(jq -c '[.writer.command, .writer.pid, .writers, .dropped, .uid]' stat.json)" "[\"camgrab\",$(pgrep -s "$grab_pid" camgrab),1,0,$(id -u)]"
  assert_equal "$(jq .memory_bytes stat.json)" "$(cat "$CAMPIPE_RING_DIR"/campipe.front.raw* | wc -c)" "memory"
  assert_between "$(jq .fps stat.json)" 5 60 fps
  assert_between "$(jq .age_s stat.json)" 0 10 "age"
  run_tool camring stat shm:front.raw
  assert_contains "$output" "320x240 50 fps"
  assert_contains "$output" "camgrab[$(jq .writer.pid stat.json)]"
}

@test "camring list shows all rings, and why one cannot be read" {
  grab front.raw
  head -c 10000 /dev/urandom >"$CAMPIPE_RING_DIR/campipe.noise"
  run_tool camring list
  assert_equal "${#lines[@]}" 3 "lines"
  assert_contains "${lines[1]}" "front.raw"
  assert_contains "${lines[1]}" "64x48 30 fps"
  assert_contains "${lines[2]}" "unreadable"
  run_tool camring list --json
  assert_equal "$(jq -c '[.[] | .name, (.error != null)]' <<<"$output")" '["front.raw",false,"noise",true]'
}

@test "camring stat shows readers with process, command, delivery, wish and losses" {
  grab front.raw
  start tap camring tap front.raw
  wait_until 20 field_is front.raw '.readers[0].last_seq > 0' true
  assert_equal "$(field front.raw '.readers[] | [.command, .pid, .wants] | @csv')" "\"camring\",$(pgrep -s "$tap_pid" camring),true"
  run_tool camring stat front.raw
  assert_contains "$output" "COMMAND"
  kill_hard tap
  assert_equal "$(field front.raw '.readers | length')" 0 "readers after SIGKILL"
  assert_equal "$(field front.raw '.leased')" 0 "slots leased after SIGKILL"
}

@test "camring tells a killed writer from one that ended in order, and a new one goes on" {
  grab front.raw
  start tap camring tap front.raw
  wait_until 20 field_is front.raw '.readers[0].last_seq > 0' true
  kill_hard grab
  assert_equal "$(field front.raw '[.state, .writer] | @json')" '["no writer",null]'
  grab front.raw
  wait_until 10 field_is front.raw '[.state, .writers] | @json' '["live",2]'
  stop grab
  assert_equal "$(field front.raw .state)" closed
}

@test "camring rm leaves a ring that is written, --force takes it away" {
  grab front.raw
  run_tool 75 camring rm front.raw
  assert_contains "$stderr" "front.raw"
  [ -e "$CAMPIPE_RING_DIR/campipe.front.raw" ]
  run_tool camring rm --force shm:front.raw
  assert_equal "$(ls "$CAMPIPE_RING_DIR")" ""
}

@test "camring rm removes what it can and exits with the first failure" {
  grab one
  kill_hard grab
  grab two
  run_tool 75 camring rm two missing one
  assert_equal "$(wc -l <<<"$stderr")" 2 "lines on stderr"
  [ ! -e "$CAMPIPE_RING_DIR/campipe.one" ]
  [ -e "$CAMPIPE_RING_DIR/campipe.two" ]
  run_tool 66 camring rm missing
}

@test "camring tap writes what flows as NUT, whole and in order" {
  start tap camring tap -n 60 front.raw
  grab front.raw 320x240
  ends tap
  assert_equal "$(counters tap.out 320 240 | awk 'NR > 1 && $1 <= last { bad = 1 } { last = $1 } END { print NR, bad + 0 }')" "60 0" \
    "frames, and whether they stand in another order"
}

@test "camring tap goes on when the writer is replaced" {
  grab front.raw 320x240
  start tap camring tap front.raw
  wait_until 20 test -s tap.out
  kill_hard grab
  before=$(stat -c %s tap.out)
  grab front.raw 320x240
  wait_until 20 bash -c "[ \$(stat -c %s tap.out) -gt $((before + 10 * 320 * 240)) ]"
}

@test "camring tap ends when nobody reads it, and with 0 on a signal" {
  grab front.raw
  run_tool bash -c 'camring tap front.raw | head -c 100000 | wc -c'
  assert_equal "$output" 100000
  start tap camring tap front.raw
  wait_until 20 test -s tap.out
  stop tap
}

@test "camring tap refuses a terminal" {
  run script -qec "$(command -v camring) tap front.raw" /dev/null </dev/null
  assert_equal "$status" 64
  assert_contains "$output" "terminal"
}
